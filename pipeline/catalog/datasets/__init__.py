"""Published data sets as tables of tracks, which the scan reads like any other.

An adapter reads a data set's own files and gives its tracks; what is missing or unknown is counted
in `Findings`. `write_tracks` puts them into a Parquet table below the workspace, since the data's
own folder may be read-only.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage, join

BATCH_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Track:
    """A row of a table of tracks; the columns are the catalog's."""

    track_id: str
    uri: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    license: str | None = None
    dataset: str | None = None
    split: str | None = None
    labels: list[str] | None = None


@dataclass
class Findings:
    """What an adapter met; complete when its tracks have been read.

    Attributes:
        tracks: tracks of each part of the data set.
        absent: what the data set has as published and this copy lacks.
        ignored: keys or columns that are unknown, and how often they stand.
        faults: known faults of the data set that this copy has, by what was done about them, and
            the tracks (or their number) that they touch.
    """

    tracks: Counter[str] = field(default_factory=Counter)
    absent: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """For the terminal."""
        for part, count in self.tracks.items():
            yield f"  {part}: {count:,} tracks"
        for what in self.absent:
            yield f"  absent: {what}"
        for key, count in sorted(self.ignored.items()):
            yield f"  ignored: {key}, which stands {count:,} times"
        for fault, count in self.faults.items():
            yield f"  known fault: {fault}: {count:,}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A copy of a data set, and what of it is asked for.

    Attributes:
        url: the folder that holds it as published.
        name: what the catalog calls it; None: the data set's own name.
        storage: how to reach it.
        splits: which of its published splits; None: the data set's first.
        labels: which of its labels; None: the data set's first choice.
    """

    url: str
    name: str | None
    storage: Storage
    splits: str | None = None
    labels: str | None = None


Adapter = Callable[[Place, Findings], Iterator[Track]]
"""Reads the tracks of a data set.

Raises ConfigError where the folder holds something else.
"""


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """Of a published file."""

    kind: Literal["md5", "sha1", "sha256"]
    digest: str


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A published data set: how it is read, and what is published about it.

    Attributes:
        title: for people.
        read: its adapter.
        splits: the published splits that can be asked for, the default first; empty: it has one.
        labels: the choices of labels that can be asked for, the default first; one that ends in
            `:` is followed by an argument.
        counts: tracks of each part (a key of Findings.tracks) as published, by the splits chosen
            (`SPLITS LABELS` where they depend on the labels too, empty: whatever is chosen).
        checksums: of published files, by their paths below the folder.
    """

    title: str
    read: Adapter
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    checksums: Mapping[str, Checksum] = field(default_factory=dict)

    def name(self, dataset: str, *, splits: str | None) -> str:
        """What the catalog calls it by default: with its splits, so that two are never mixed."""
        return f"{dataset}-{splits or self.splits[0]}" if self.splits else dataset


def chosen(value: str | None, *, known: tuple[str, ...], what: str) -> str:
    """One of the known choices, the first by default.

    Raises:
        ConfigError: another one.
    """
    if value is None:
        return known[0]
    if value in known or any(k.endswith(":") and value.startswith(k) for k in known):
        return value
    raise ConfigError(f"{what}: there is no {value!r}; choose among {', '.join(known)}")


def write_tracks(tracks: Iterable[Track], *, name: str, root_url: str, storage: Storage) -> str:
    """Writes ROOT/imports/NAME.parquet, in memory that does not grow with the tracks; its URL."""
    url = join(root_url, "imports", f"{name}.parquet")
    schema = pa.schema([CATALOG.field(column) for column in Track.__dataclass_fields__])
    rows = (asdict(track) for track in tracks)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tracks.parquet"
        with pq.ParquetWriter(path, schema) as writer:
            while batch := list(islice(rows, BATCH_ROWS)):
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
        storage.put(str(path), url)
    return url
