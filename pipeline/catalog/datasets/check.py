"""Compares a copy of a data set with what is published, and with itself.

What is published are counts and checksums. Beside them the audio is looked for, and so is what a
training must know: copies of the same audio, and artists in several splits. Those two, and audio
that no row names (a split may leave tracks out), are told and are no fault of the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.catalog.datasets import DataSet, Findings, Place, chosen
from pipeline.catalog.datasets.copies import bit_exact_copies, file_digest
from pipeline.catalog.sources import open_source, relative_path
from pipeline.config import ScanConfig
from pipeline.storage import join

SHOWN = 3


@dataclass
class Some:
    """How many there are, and the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """One more."""
        self.count += 1
        if self.count <= SHOWN:
            self.examples.append(example)

    def __str__(self) -> str:
        if not self.count:
            return "none"
        more = self.count - len(self.examples)
        return f"{self.count:,}: {'; '.join(self.examples)}" + (f"; and {more:,} more" * bool(more))


@dataclass(kw_only=True)
class Check:
    """What a copy of a data set is like.

    Attributes:
        url: the folder.
        findings: of its adapter.
        published: tracks of each part as published; empty: not known for what was chosen.
        checksums: of the published files that are there, by whether they are right.
        missing: rows whose audio is not there.
        elsewhere: rows whose audio lies outside the folder; it is not looked for.
        empty: rows whose audio has no bytes.
        twice: track ids that stand before.
        extra: audio that no row names.
        copies: groups of tracks with the same bytes.
        leaking: those of them that stand in several splits.
        artists: artists in several splits.
    """

    url: str
    findings: Findings
    published: Mapping[str, int]
    checksums: dict[str, bool] = field(default_factory=dict)
    missing: Some = field(default_factory=Some)
    elsewhere: Some = field(default_factory=Some)
    empty: Some = field(default_factory=Some)
    twice: Some = field(default_factory=Some)
    extra: Some = field(default_factory=Some)
    copies: Some = field(default_factory=Some)
    leaking: Some = field(default_factory=Some)
    artists: Some = field(default_factory=Some)

    @property
    def wrong_counts(self) -> dict[str, int]:
        """Parts that have another number of tracks than published, and that number."""
        if not self.published:
            return {}
        parts = dict.fromkeys([*self.published, *self.findings.tracks])
        numbers = {part: self.published.get(part, 0) for part in parts}
        return {part: n for part, n in numbers.items() if self.findings.tracks[part] != n}

    @property
    def as_published(self) -> bool:
        """Whether nothing is missing, broken or there twice, and all counts are the published."""
        faults = (self.missing, self.empty, self.twice)
        return not (
            any(some.count for some in faults)
            or self.wrong_counts
            or self.findings.absent
            or not all(self.checksums.values())
        )

    def lines(self) -> Iterator[str]:
        """For the terminal."""
        yield from self.findings.lines()
        for part, count in self.wrong_counts.items():
            yield f"  wrong count: {part} has {count:,} tracks as published"
        if not self.published:
            yield "  no counts are published for these splits and labels"
        for name, right in self.checksums.items():
            yield f"  {name}: its checksum is {'' if right else 'not '}the published one"
        yield f"  audio missing: {self.missing}"
        yield f"  audio empty: {self.empty}"
        if self.elsewhere.count:
            yield f"  audio elsewhere, not looked for: {self.elsewhere}"
        yield f"  track ids that stand twice: {self.twice}"
        yield f"  audio that no row names: {self.extra}"
        yield f"  groups of bit-exact copies: {self.copies}"
        yield f"  groups of bit-exact copies in several splits: {self.leaking}"
        yield f"  artists in several splits: {self.artists}"
        yield f"  {'' if self.as_published else 'not '}as published"


def check_dataset(
    data_set: DataSet,
    *,
    place: Place,
    scan: ScanConfig,
    on_progress: Callable[[int, int], None],
) -> Check:
    """Reads a data set's rows, lists its folder, and hashes files of the same size.

    Ids, paths and sizes are kept: with the folder's listing, one kilobyte of memory a track.

    Args:
        data_set: which.
        place: the copy, and what of it is asked for.
        scan: what is audio, and how many files are hashed at the same time.
        on_progress: called with the files hashed so far, and the files to hash.

    Raises:
        ConfigError: the folder holds something else, or a file cannot be read.
    """
    base_url = open_source(place.url, storage=place.storage).base_url
    check = Check(url=place.url, findings=Findings(), published=_published(data_set, place=place))
    split_of = _read_rows(data_set, place=place, check=check)
    endings = tuple(ending.lower() for ending in scan.extensions)
    size_of = _list_audio(split_of, place=place, base_url=base_url, endings=endings, check=check)
    for path in split_of:
        if path not in size_of:
            check.missing.add(path)
        elif not size_of[path]:
            check.empty.add(path)
    with ThreadPoolExecutor(scan.num_threads) as pool:
        for group in bit_exact_copies(
            size_of, base_url=base_url, storage=place.storage, pool=pool, on_progress=on_progress
        ):
            _tell_copies(group, split_of=split_of, check=check)
    for name, checksum in data_set.checksums.items():
        url = join(place.url, name)
        if place.storage.exists(url):
            digest = file_digest(url, kind=checksum.kind, storage=place.storage)
            check.checksums[name] = digest == checksum.digest
    return check


def _published(data_set: DataSet, *, place: Place) -> Mapping[str, int]:
    """Counts for the splits and labels ("0 genre"), for the splits, or for whatever is chosen."""
    splits = chosen(place.splits, known=data_set.splits, what="splits") if data_set.splits else ""
    labels = chosen(place.labels, known=data_set.labels, what="labels") if data_set.labels else ""
    keys = (f"{splits} {labels}", splits, "")
    return next((data_set.counts[key] for key in keys if key in data_set.counts), {})


def _read_rows(data_set: DataSet, *, place: Place, check: Check) -> dict[str, str]:
    """The split of each path that a row names; "" has none."""
    split_of: dict[str, str] = {}
    splits_of: dict[str, tuple[str, ...]] = {}
    ids: set[str] = set()
    for track in data_set.read(place, check.findings):
        if track.track_id in ids:
            check.twice.add(track.track_id)
        ids.add(track.track_id)
        path = relative_path(track.uri, base_url=place.url)
        if path == track.uri:
            check.elsewhere.add(path)
        else:
            split_of[path] = track.split or ""
        if track.artist is not None and track.split is not None:
            before = splits_of.get(track.artist, ())
            if track.split not in before:
                splits_of[track.artist] = (*before, track.split)
    for artist, splits in splits_of.items():
        if len(splits) > 1:
            check.artists.add(f"{artist} ({', '.join(splits)})")
    return split_of


def _list_audio(
    split_of: Mapping[str, str],
    *,
    place: Place,
    base_url: str,
    endings: tuple[str, ...],
    check: Check,
) -> dict[str, int]:
    """The size of each named file that is there; hidden files are none."""
    size_of: dict[str, int] = {}
    for entry in place.storage.walk(place.url):
        path = relative_path(entry.url, base_url=base_url)
        if path in split_of:
            size_of[path] = entry.size_bytes
        elif path.lower().endswith(endings) and not path.rpartition("/")[2].startswith("."):
            check.extra.add(path)
    return size_of


def _tell_copies(group: Sequence[str], *, split_of: Mapping[str, str], check: Check) -> None:
    splits = {split_of[path] for path in group} - {""}
    names = [f"{path} ({split_of[path]})" if split_of[path] else path for path in group]
    text = " = ".join(names[:SHOWN]) + (f" = {len(names) - SHOWN:,} more" * (len(names) > SHOWN))
    check.copies.add(text)
    if len(splits) > 1:
        check.leaking.add(text)
