"""Published data sets as tables of tracks, which the scan reads like any other.

An adapter reads a data set's own files and gives its tracks; what is missing or unknown is counted
in `Findings`. `write_tracks` puts them into a Parquet table below the workspace, since the data's
own folder may be read-only.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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
    """

    tracks: Counter[str] = field(default_factory=Counter)
    absent: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """For the terminal."""
        for part, count in self.tracks.items():
            yield f"  {part}: {count:,} tracks"
        for what in self.absent:
            yield f"  absent: {what}"
        for key, count in sorted(self.ignored.items()):
            yield f"  ignored: {key}, which stands {count:,} times"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A copy of a data set.

    Attributes:
        url: the folder that holds it as published.
        name: what the catalog calls it; None: the data set's own name.
        storage: how to reach it.
    """

    url: str
    name: str | None
    storage: Storage


Adapter = Callable[[Place, Findings], Iterator[Track]]
"""Reads the tracks of a data set.

Raises ConfigError where the folder holds something else.
"""


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
