"""Footers of many Parquet files at once: an object store answers each in its own time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage import Storage

THREADS = 16


def rows_of_files(urls: Iterable[str], *, storage: Storage) -> Mapping[str, int | str]:
    """How many rows each file has, in the order given; why it cannot be read, if it cannot.

    A file that is not there is among the latter.
    """
    urls = list(urls)
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(urls, pool.map(partial(_rows, storage=storage), urls), strict=True))


def _rows(url: str, *, storage: Storage) -> int | str:
    filesystem, path = storage.arrow_filesystem(url)
    try:
        return int(pq.read_metadata(path, filesystem=filesystem).num_rows)
    except FileNotFoundError:
        return "is not there"
    except pa.ArrowInvalid as error:
        return f"is damaged: {error}"
