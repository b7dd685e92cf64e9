"""What a scan found, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from pipeline.catalog import changes
from pipeline.catalog.sources import Omitted

SHOWN_URIS = 3
SHOWN_DUPLICATES = 20


@dataclass(frozen=True)
class Unreadable:
    """Tracks whose headers could not be read for one reason; the first few with details."""

    reason: str
    num_tracks: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ScanReport:
    """The outcome of a scan.

    Attributes:
        source_url: what was scanned.
        seen: tracks that the source holds.
        new: of them, not in the catalog before.
        changed: of them, with another version, or other values in the table of tracks.
        unchanged: of them, left as they were.
        gone: rows that were removed because the source no longer holds the track.
        omitted: what of the source does not enter the catalog.
        audio_s: length of all tracks that say one, seconds.
        unreadable: tracks whose headers could not be read, most frequent reason first.
        num_duplicates: track ids of this source that stand more than once in the catalog.
        duplicates: the first of them with all their uris.
        num_shared: files of this source that stand in the catalog under other sources, too.
        sharing: those other sources.
    """

    source_url: str
    seen: int
    new: int
    changed: int
    unchanged: int
    gone: int
    omitted: Omitted
    audio_s: float
    unreadable: tuple[Unreadable, ...]
    num_duplicates: int
    duplicates: tuple[tuple[str, tuple[str, ...]], ...]
    num_shared: int
    sharing: tuple[str, ...]

    @property
    def committed(self) -> bool:
        """Whether the scan changed the catalog."""
        return bool(self.new or self.changed or self.gone)

    def lines(self) -> list[str]:
        """For the terminal."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"catalog: {self.source_url}"
        yield f"  {self.seen:,} tracks, {self.audio_s / 3600:.2f} h of audio"
        yield (
            f"  {self.new:,} new, {self.changed:,} changed, {self.unchanged:,} unchanged, "
            f"{self.gone:,} gone"
        )
        if not self.committed:
            yield "  nothing to do: the catalog is as it was"
        yield from self._omitted_lines()
        yield from self._unreadable_lines()
        yield from self._duplicate_lines()
        if self.num_shared:
            yield (
                f"  {self.num_shared:,} files stand in the catalog twice: the source overlaps with "
                f"{', '.join(self.sharing)}"
            )

    def _omitted_lines(self) -> Iterator[str]:
        if self.omitted.num_files:
            yield f"  {self.omitted.num_files:,} files ignored: no audio ending"
        if self.omitted.columns:
            yield f"  columns ignored: {', '.join(sorted(self.omitted.columns))}"
        names = self.omitted.unnameable
        if names:
            shown = ", ".join(ascii(name) for name in names[:SHOWN_URIS])
            yield f"  {len(names):,} files ignored: their names are not UTF-8: {shown}"

    def _unreadable_lines(self) -> Iterator[str]:
        total = sum(each.num_tracks for each in self.unreadable)
        if total:
            yield f"  headers that could not be read: {total:,}"
        for each in self.unreadable:
            yield f"    {each.reason}: {each.num_tracks:,}"
            for uri, detail in each.examples:
                yield f"      {uri}: {detail}"

    def _duplicate_lines(self) -> Iterator[str]:
        if not self.num_duplicates:
            return
        yield (
            f"  {self.num_duplicates:,} track ids stand more than once; no plan is made until each "
            "stands once. Where sources share relative paths but no files, scan one with "
            "--set scan.dataset=NAME"
        )
        for track_id, uris in self.duplicates:
            yield f"    {track_id}: {', '.join(uris)}"
        if self.num_duplicates > len(self.duplicates):
            yield "    ..."


def make_report(connection: DuckDBPyConnection, *, source_url: str, omitted: Omitted) -> ScanReport:
    """Counts what stands on the connection after `changes.finish`."""
    states = ("new", "changed", "unchanged")
    counts = {state: changes.num_in_state(connection, state) for state in states}
    seconds = connection.execute("SELECT coalesce(sum(duration_s), 0) FROM fresh").fetchall()
    num_duplicates, duplicates = _duplicates(connection, source_url=source_url)
    num_shared, sharing = _shared(connection, source_url=source_url)
    return ScanReport(
        source_url=source_url,
        seen=sum(counts.values()),
        **counts,
        gone=changes.num_gone(connection),
        omitted=omitted,
        audio_s=float(seconds[0][0]),
        unreadable=_unreadable(connection),
        num_duplicates=num_duplicates,
        duplicates=duplicates,
        num_shared=num_shared,
        sharing=sharing,
    )


def _unreadable(connection: DuckDBPyConnection) -> tuple[Unreadable, ...]:
    rows = connection.execute(
        "SELECT reason, count(*), arg_min({'uri': uri, 'detail': detail}, position, "
        f"{SHOWN_URIS}) FROM fresh WHERE reason IS NOT NULL GROUP BY reason ORDER BY 2 DESC, 1"
    ).fetchall()
    return tuple(
        Unreadable(reason, count, tuple((each["uri"], each["detail"]) for each in first))
        for reason, count, first in rows
    )


def _duplicates(
    connection: DuckDBPyConnection, *, source_url: str
) -> tuple[int, tuple[tuple[str, tuple[str, ...]], ...]]:
    connection.execute(
        "CREATE TABLE twice AS SELECT track_id, list(uri ORDER BY uri) AS uris FROM ("
        "SELECT track_id, uri FROM fresh UNION ALL "
        "SELECT track_id, uri FROM catalog WHERE source_url <> ?) "
        "WHERE track_id IN (SELECT track_id FROM fresh) GROUP BY track_id HAVING count(*) > 1",
        [source_url],
    )
    total = connection.execute("SELECT count(*) FROM twice").fetchall()[0][0]
    first = connection.execute(f"FROM twice ORDER BY track_id LIMIT {SHOWN_DUPLICATES}").fetchall()
    return int(total), tuple((track_id, tuple(uris)) for track_id, uris in first)


def _shared(connection: DuckDBPyConnection, *, source_url: str) -> tuple[int, tuple[str, ...]]:
    count, urls = connection.execute(
        "SELECT count(DISTINCT uri), list(DISTINCT source_url) FROM catalog "
        "WHERE source_url <> ? AND uri IN (SELECT uri FROM fresh)",
        [source_url],
    ).fetchall()[0]
    return int(count), tuple(sorted(urls or ()))
