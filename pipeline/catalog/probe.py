"""Headers of many files at once: only the blocks that are asked for travel, and each has an end.

A file that cannot be read is a value. The reader is pure Python and cannot crash the process; one
that finds no end in a damaged file is stopped at its next access by a deadline and a byte limit.
A store that does not answer is left to the store's own timeouts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import asdict
from typing import IO

import pyarrow as pa

from pipeline.audio.header import Header, read_header
from pipeline.errors import DataError, Reason
from pipeline.schemas import CATALOG
from pipeline.storage import FAULTS, RETRY_PAUSES_S, Storage, is_local
from pipeline.store_faults import patiently

BLOCK_BYTES = 65_536
MAX_HEADER_BYTES = 64 * 2**20
PROBED = pa.schema(
    [
        pa.field("position", pa.int64()),
        *(CATALOG.field(name) for name in Header.__dataclass_fields__),
        *(CATALOG.field(name) for name in ("reason", "detail")),
    ]
)


def probe_batches(
    batches: Iterator[pa.RecordBatch], *, storage: Storage, timeout_s: float, executor: Executor
) -> Iterator[pa.RecordBatch]:
    """Rows of PROBED for batches that have `position` and `uri`."""
    for batch in batches:
        uris = batch["uri"].to_pylist()
        columns = executor.map(lambda uri: _row(uri, storage=storage, timeout_s=timeout_s), uris)
        positions = batch["position"].to_pylist()
        rows = [{"position": i} | row for i, row in zip(positions, columns, strict=True)]
        yield pa.RecordBatch.from_pylist(rows, schema=PROBED)


def probe(uri: str, *, storage: Storage, timeout_s: float) -> Header:
    """Reads one file's header.

    Raises:
        DataError: missing, empty, not_audio, undecodable, timed_out, or fetch_failed with what
            the store said.
    """
    try:
        return patiently(
            lambda: _header(uri, storage=storage, timeout_s=timeout_s),
            pauses_s=() if is_local(uri) else RETRY_PAUSES_S,
        )
    except FileNotFoundError:
        raise DataError(Reason.MISSING, "no such file") from None
    except (ValueError, ImportError, *FAULTS) as error:
        raise DataError(Reason.FETCH_FAILED, f"{type(error).__name__}: {error}") from error


def _header(uri: str, *, storage: Storage, timeout_s: float) -> Header:
    filesystem, path = storage.filesystem(uri)
    cache = {"block_size": BLOCK_BYTES, "cache_type": "blockcache"}
    try:
        with filesystem.open(path, "rb", **cache) as file:
            return read_header(_Limited(file, timeout_s=timeout_s))  # type: ignore[arg-type]
    except TimeoutError:
        raise DataError(Reason.TIMED_OUT, f"header not read within {timeout_s:g} s") from None


def _row(uri: str, *, storage: Storage, timeout_s: float) -> dict[str, object]:
    try:
        return asdict(probe(uri, storage=storage, timeout_s=timeout_s))
    except DataError as error:
        return {"reason": error.reason, "detail": error.detail}


class _Limited:
    """A file that gives up: TimeoutError past the deadline, ValueError past the byte limit."""

    def __init__(self, file: IO[bytes], *, timeout_s: float) -> None:
        self._file = file
        self._deadline = time.monotonic() + timeout_s
        self._bytes_left = MAX_HEADER_BYTES
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        self._check()
        wanted = size if 0 <= size <= self._bytes_left else self._bytes_left + 1
        data = self._file.read(wanted)
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise ValueError(f"more than {MAX_HEADER_BYTES} bytes of header")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check()
        return self._file.seek(offset, whence)

    def _check(self) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError
