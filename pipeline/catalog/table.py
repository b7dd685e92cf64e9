"""A table of tracks as a SOURCE: Parquet, CSV or JSONL with at least a column `uri`."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.catalog.sources import (
    BATCH_ROWS,
    GIVEN,
    Omitted,
    Source,
    file_row,
    hashed_id,
    parts_of,
    relative_path,
    stat,
    to_batch,
)
from pipeline.config import ScanConfig
from pipeline.credentials import INSTEAD, holds_credentials
from pipeline.errors import ConfigError, DataError
from pipeline.storage import Storage, absolute, is_local, join
from pipeline.taxonomy import SEPARATOR

COLUMNS = ("uri", "track_id", *GIVEN)
SPLITS = ("train", "validation", "test")
LABEL_DELIMITER = ";"
NO_VERSION = "none"

Row = dict[str, Any]


class TableListing:
    """The tracks of a table, with the size and version of their files.

    Its `omitted` is complete when the batches have been read.
    """

    def __init__(
        self, source: Source, *, storage: Storage, scan: ScanConfig, executor: Executor
    ) -> None:
        self.omitted = Omitted()
        self._source, self._storage, self._scan = source, storage, scan
        self._executor = executor

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Rows of LISTING; a file that is not there is a row with a reason.

        Raises:
            ConfigError: the table cannot be read, is empty, or a row cannot be used.
        """
        found = False
        for part in parts_of(enumerate(self._rows()), size=BATCH_ROWS):
            found = True
            files = self._executor.map(self._file, [row["uri"] for _, row in part])
            yield to_batch([(i, row | file) for (i, row), file in zip(part, files, strict=True)])
        if not found:
            raise ConfigError(f"{self._source.url} has no rows")

    def _rows(self) -> Iterator[Row]:
        url = self._source.url
        read = _READERS[url.lower().rpartition(".")[2]]
        with self._storage.open(url) as file:
            try:
                for number, row in enumerate(read(file), start=1):
                    self.omitted.columns.update(str(name) for name in row if name not in COLUMNS)
                    yield self._row(row, where=f"row {number} of {url}")
            except (pa.ArrowException, OSError, ValueError, csv.Error) as error:
                raise ConfigError(f"{url} cannot be read as a table: {error}") from None

    def _row(self, row: Row, *, where: str) -> Row:
        if "uri" not in row:
            names = ", ".join(map(str, row)) or "none"
            raise ConfigError(f"{where} has no column uri; its columns are: {names}")
        uri = _text(row["uri"])
        if uri is None:
            raise ConfigError(f"{where} has an empty uri; give every track one, or drop the row")
        if holds_credentials(uri):
            raise ConfigError(
                f"{where} has a uri that holds a password, a token or a signature, which everybody "
                f"who reads the catalog would have: {INSTEAD}"
            )
        base_url = self._source.base_url
        location = located(uri, base_url=base_url)
        below = relative_path(location, base_url=base_url)
        path = uri if below == location else below
        given = {name: _text(row.get(name)) for name in GIVEN}
        return given | {
            "track_id": _text(row.get("track_id")) or hashed_id(path, dataset=self._scan.dataset),
            "uri": location,
            "year": _year(given["year"]),
            "dataset": given["dataset"] or self._scan.dataset,
            "split": _split(given["split"], where=where),
            "labels": _labels(row.get("labels"), where=where),
        }

    def _file(self, uri: str) -> dict[str, object]:
        try:
            return file_row(stat(uri, storage=self._storage))
        except DataError as error:
            return {"audio_version": NO_VERSION, "reason": error.reason, "detail": error.detail}


def located(uri: str, *, base_url: str) -> str:
    """Where a table's uri points; a relative one starts at the table's folder."""
    url = uri if "://" in uri else join(base_url, uri)
    return posixpath.normpath(absolute(url)) if is_local(url) else url


def _read_parquet(file: Any) -> Iterator[Row]:  # noqa: ANN401 - a binary file of fsspec
    for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS):
        yield from batch.to_pylist()


def _read_csv(file: Any) -> Iterator[Row]:  # noqa: ANN401 - a binary file of fsspec
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    yield from csv.DictReader(text, restkey="(columns without a name)")


def _read_jsonl(file: Any) -> Iterator[Row]:  # noqa: ANN401 - a binary file of fsspec
    for number, line in enumerate(io.TextIOWrapper(file, encoding="utf-8-sig"), start=1):
        if line.strip():
            yield _json_object(line, number=number)


_READERS: dict[str, Callable[[Any], Iterator[Row]]] = {
    "parquet": _read_parquet,
    "csv": _read_csv,
    "jsonl": _read_jsonl,
}


def _json_object(line: str, *, number: int) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"line {number} of the JSONL table is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ConfigError(f"line {number} of the JSONL table is not an object: {line[:80]!r}")
    return row


def _text(value: object) -> str | None:
    # No half characters: no table can hold them.
    return None if value is None else str(value).encode(errors="replace").decode().strip() or None


def _year(text: str | None) -> int | None:
    digits = re.match(r"[0-9]{4}", text or "")
    return int(digits.group()) if digits else None


def _split(text: str | None, *, where: str) -> str | None:
    if text is not None and text not in SPLITS:
        raise ConfigError(f"{where} has the split {text!r}; use {', '.join(SPLITS)}, or none")
    return text


def _labels(value: object, *, where: str) -> list[str] | None:
    """From a list, or from text in which `;` stands between labels.

    An empty list says that the track has none of its data set's tags; empty text says nothing.
    """
    if isinstance(value, str):
        value = value.split(LABEL_DELIMITER) if value.strip() else None
    if not isinstance(value, Iterable):
        return None
    labels = [text for text in map(_text, value) if text]
    for label in labels:
        category, _, name = label.partition(SEPARATOR)
        if not (category and name):
            raise ConfigError(
                f"{where} has the label {label!r}; labels are of the form category---name, "
                "in CSV with ; between them"
            )
    return labels
