"""Rows of tracks as pages list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

COLUMNS = "track_id, title, artist, album, uri, duration_s, year"


@dataclass(frozen=True)
class TrackRow:
    """A track of the catalog in a list.

    Attributes:
        track_id: its identity.
        title: None if unknown; so are artist, album, uri, duration_s (seconds) and year.
        values: numbers beside it, by name.
        reason: why it is there.
    """

    track_id: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    uri: str | None = None
    duration_s: float | None = None
    year: int | None = None
    values: Mapping[str, float | None] | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.title or self.track_id


def rows_of(
    views: DuckDBPyConnection,
    track_ids: Sequence[str],
    *,
    values: Mapping[str, Mapping[str, float | None]] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> list[TrackRow]:
    """The tracks in the order given; one that is not in the catalog has its id alone.

    Args:
        views: from `open_views`.
        track_ids: which.
        values: numbers beside a track, by its id.
        reasons: why a track is there, by its id.
    """
    found = views.execute(
        f"SELECT {COLUMNS} FROM tracks WHERE list_contains($1, track_id)", [list(track_ids)]
    ).fetchall()
    facts = {row[0]: row for row in found}
    rows = [TrackRow(*facts.get(one, (one,))) for one in track_ids]
    return [
        replace(
            row,
            values=(values or {}).get(row.track_id),
            reason=(reasons or {}).get(row.track_id, ""),
        )
        for row in rows
    ]


def named_like(views: DuckDBPyConnection, text: str | None, *, limit: int) -> list[TrackRow]:
    """Tracks by artist and title, with the text in one of them; None: all, the first `limit`."""
    where = (
        "true"
        if text is None
        else (
            "contains(lower(title), lower($1)) OR contains(lower(artist), lower($1)) "
            "OR contains(lower(album), lower($1)) OR contains(lower(track_id), lower($1))"
        )
    )
    found = views.execute(
        f"SELECT {COLUMNS} FROM tracks WHERE {where} ORDER BY lower(artist) NULLS LAST, "
        f"lower(title) NULLS LAST, track_id LIMIT {limit}",
        [] if text is None else [text],
    ).fetchall()
    return [TrackRow(*row) for row in found]
