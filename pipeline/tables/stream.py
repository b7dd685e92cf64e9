"""Appends a sorted stream of rows to a Delta table: own files, one fenced commit."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction

from pipeline.storage import Storage, join

GROUPS_PER_FILE = 200


def append_stream(
    table: DeltaTable,
    *,
    table_url: str,
    storage: Storage,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    application: str,
) -> None:
    """Writes each batch as a row group, and commits all files together.

    Args:
        table: the handle that the rows were computed from.
        table_url: where it is.
        storage: how to reach it.
        schema: of the table.
        batches: rows in the order in which they shall be read.
        application: names the transaction that fences the commit.

    Raises:
        deltalake.exceptions.CommitFailedError: the application has committed since the handle was
            opened. The files that were written belong to no version; nothing removes them yet.
    """
    remaining = iter(batches)
    adds: list[AddAction] = []
    for first in remaining:
        part = itertools.chain([first], itertools.islice(remaining, GROUPS_PER_FILE - 1))
        adds.append(_write(part, table_url=table_url, storage=storage, schema=schema))
    version = (table.transaction_version(application) or 0) + 1
    fence = CommitProperties(app_transactions=[Transaction(application, version)])
    table.create_write_transaction(adds, "append", schema, commit_properties=fence)


def _write(
    batches: Iterator[pa.RecordBatch], *, table_url: str, storage: Storage, schema: pa.Schema
) -> AddAction:
    name = f"part-{uuid.uuid4().hex}.parquet"
    filesystem, path = storage.arrow_filesystem(join(table_url, name))
    with pq.ParquetWriter(path, schema, filesystem=filesystem, compression="zstd") as writer:
        for batch in batches:
            # DuckDB says of no column that it has no nulls.
            rows = pa.Table.from_arrays(batch.columns, schema=schema)
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))
    metadata = pq.read_metadata(path, filesystem=filesystem)
    size_bytes = filesystem.get_file_info(path).size
    statistics = json.dumps(_statistics(metadata))
    return AddAction(name, size_bytes, {}, int(time.time() * 1000), True, statistics)


def _statistics(metadata: pq.FileMetaData) -> dict[str, Any]:
    """Delta's statistics of a file with plain columns, from its row groups'."""
    smallest, largest, nulls = {}, {}, {}
    for i in range(metadata.num_columns):
        groups = [metadata.row_group(g).column(i) for g in range(metadata.num_row_groups)]
        name = groups[0].path_in_schema
        bounds = [g.statistics for g in groups if g.statistics and g.statistics.has_min_max]
        nulls[name] = sum(g.statistics.null_count for g in groups if g.statistics)
        if bounds:
            smallest[name] = min(bound.min for bound in bounds)
            largest[name] = max(bound.max for bound in bounds)
    return {
        "numRecords": metadata.num_rows,
        "minValues": smallest,
        "maxValues": largest,
        "nullCount": nulls,
    }
