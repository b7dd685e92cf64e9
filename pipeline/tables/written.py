"""What is made of a receipt before its file is committed: a check, and Delta's words for it."""

from __future__ import annotations

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from pipeline.errors import TableError
from pipeline.storage import Storage, join
from pipeline.tables.receipt import Receipt


def check(receipt: Receipt, *, table_url: str, storage: Storage, schema: pa.Schema) -> None:
    """Reads the file's footer, since a commit by itself checks nothing.

    Raises:
        TableError: the file is not there, or not what its receipt says.
    """
    url = join(table_url, receipt.path)
    filesystem, path = storage.arrow_filesystem(url)
    try:
        with filesystem.open_input_file(path) as file:
            metadata = pq.ParquetFile(file).metadata
            size_bytes = file.size()
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise TableError(f"{url} is gone or damaged, and is not committed: {error}") from error
    same = metadata.schema.to_arrow_schema().equals(schema, check_metadata=False)
    said, found = (len(receipt.rows), receipt.size_bytes), (metadata.num_rows, size_bytes)
    if not same or said != found:
        raise TableError(f"{url} has {found} rows and bytes, its writer said {said}; not committed")


def add_action(receipt: Receipt, *, key_column: str) -> AddAction:
    """The file as Delta's log lists it, with the statistics by which readers leave it out."""
    statistics = {
        "numRecords": len(receipt.rows),
        "minValues": {"track_id": receipt.min_track_id, key_column: receipt.key},
        "maxValues": {"track_id": receipt.max_track_id, key_column: receipt.key},
        "nullCount": {"track_id": 0, key_column: 0},
    }
    now_ms, text = int(time.time() * 1000), json.dumps(statistics)
    return AddAction(receipt.path, receipt.size_bytes, {}, now_ms, True, text)
