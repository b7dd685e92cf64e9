"""A SOURCE and the tracks in it: a folder, a glob, one file, or a table of tracks.

Nothing is opened here but the table; the files are only listed, with their size and version.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TypeVar

import pyarrow as pa

from pipeline.config import ScanConfig
from pipeline.errors import ConfigError, DataError, Reason
from pipeline.schemas import CATALOG
from pipeline.storage import Entry, Storage, absolute, has_glob, is_local

TABLE_ENDINGS = (".parquet", ".csv", ".jsonl")
GIVEN = ("title", "artist", "album", "year", "license", "dataset", "split", "labels")
LISTING = pa.schema(
    [
        pa.field("position", pa.int64()),
        *(CATALOG.field(name) for name in ("track_id", "uri", "size_bytes", "audio_version")),
        *(CATALOG.field(name) for name in ("reason", "detail", *GIVEN)),
    ]
)
BATCH_ROWS = 4096

ItemT = TypeVar("ItemT")


class Kind(StrEnum):
    """What a SOURCE is."""

    FOLDER = "folder"
    GLOB = "glob"
    FILE = "file"
    TABLE = "table"


@dataclass(frozen=True)
class Source:
    """A SOURCE that exists.

    Attributes:
        url: absolute; it stands in the rows' source_url.
        kind: what it is.
        base_url: paths relative to it make the track ids, as `Storage.walk` spells URLs.
    """

    url: str
    kind: Kind
    base_url: str


def open_source(source: str, *, storage: Storage) -> Source:
    """Finds out what a SOURCE is.

    Raises:
        ConfigError: nothing is there.
    """
    url = absolute(source)
    if storage.is_dir(url):
        return Source(url, Kind.FOLDER, _spelled(url, storage=storage))
    if storage.exists(url):
        kind = Kind.TABLE if url.lower().endswith(TABLE_ENDINGS) else Kind.FILE
        return Source(url, kind, _spelled(posixpath.dirname(url), storage=storage))
    if has_glob(url):
        stem = url[: min(url.index(sign) for sign in "*?[" if sign in url)]
        return Source(url, Kind.GLOB, _spelled(posixpath.dirname(stem), storage=storage))
    raise ConfigError(
        f"source {source!r} does not exist (looked for {url}); give a folder, a glob in quotes, "
        "an audio file, a URL, or a table of tracks (.parquet, .csv, .jsonl)"
    )


@dataclass
class Omitted:
    """What a source holds that does not enter the catalog.

    Attributes:
        num_files: files without an audio ending.
        unnameable: audio files whose names are not UTF-8, which no table can hold.
        columns: of a table of tracks, unknown to the catalog.
    """

    num_files: int = 0
    unnameable: list[str] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)


class FileListing:
    """The audio files of a folder, a glob, or a single file.

    Its `omitted` is complete when the batches have been read.
    """

    def __init__(self, source: Source, *, storage: Storage, scan: ScanConfig) -> None:
        self.omitted = Omitted()
        self._source, self._storage, self._scan = source, storage, scan

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Rows of LISTING.

        Raises:
            ConfigError: there is no audio file.
        """
        endings = tuple(ending.lower() for ending in self._scan.extensions)
        rows = enumerate(self._rows(endings))
        found = False
        for part in parts_of(rows, size=BATCH_ROWS):
            found = True
            yield to_batch(part)
        if not found:
            raise ConfigError(
                f"{self._source.url} holds no audio: it has {self.omitted.num_files:,} file(s), "
                f"and none ends in {', '.join(endings)}; give another source, or set "
                "scan.extensions"
            )

    def _rows(self, endings: tuple[str, ...]) -> Iterator[dict[str, object]]:
        for entry in self._storage.walk(self._source.url):
            if not entry.url.lower().endswith(endings):
                self.omitted.num_files += 1
            elif not _is_utf8(entry.url):
                self.omitted.unnameable.append(entry.url)
            else:
                yield file_row(entry) | {
                    "track_id": self._track_id(entry.url),
                    "dataset": self._scan.dataset,
                }

    def _track_id(self, url: str) -> str:
        return hashed_id(
            relative_path(url, base_url=self._source.base_url), dataset=self._scan.dataset
        )


def hashed_id(path: str, *, dataset: str | None) -> str:
    """A track's id: 16 hex characters that stay when the folder moves."""
    name = path if dataset is None else f"{dataset}/{path}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def relative_path(url: str, *, base_url: str) -> str:
    """The URL below the base; the whole URL if it is elsewhere."""
    return url.removeprefix(base_url.rstrip("/") + "/")


def stat(uri: str, *, storage: Storage) -> Entry:
    """Size and version of one file.

    Raises:
        DataError: missing; fetch_failed with what the store said.
    """
    try:
        return storage.stat(uri)
    except FileNotFoundError as error:
        raise DataError(Reason.MISSING, str(error)) from None
    except (OSError, ValueError, ImportError) as error:
        raise DataError(Reason.FETCH_FAILED, f"{type(error).__name__}: {error}") from error


def file_row(entry: Entry) -> dict[str, object]:
    """The columns of LISTING that the store knows."""
    return {"uri": entry.url, "size_bytes": entry.size_bytes, "audio_version": entry.version}


def parts_of(items: Iterable[ItemT], *, size: int) -> Iterator[list[ItemT]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def to_batch(numbered: list[tuple[int, dict[str, object]]]) -> pa.RecordBatch:
    """Rows with their positions as a batch of LISTING; absent columns are null."""
    rows = [{"position": position} | row for position, row in numbered]
    return pa.RecordBatch.from_pylist(rows, schema=LISTING)


def _spelled(url: str, *, storage: Storage) -> str:
    filesystem, path = storage.filesystem(url)
    return path if is_local(url) else str(filesystem.unstrip_protocol(path))


def _is_utf8(url: str) -> bool:
    try:
        url.encode()
    except UnicodeEncodeError:
        return False
    return True
