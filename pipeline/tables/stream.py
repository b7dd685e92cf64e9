"""Appends a sorted stream of rows to a Delta table: own files, one fenced commit."""

from __future__ import annotations

import itertools
import json
import random
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from pipeline.errors import TableError
from pipeline.storage import FAULTS, Storage, join
from pipeline.store_faults import patiently, scratch, unreachable
from pipeline.tables import delta
from pipeline.tables.commit_note import commit_note

GROUPS_PER_FILE = 200
COMMIT_PAUSES_S = (0.2, 1.0, 4.0)


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
        TableError: the store did not answer, several times over.
    """
    remaining = iter(batches)
    adds: list[AddAction] = []
    for first in remaining:
        part = itertools.chain([first], itertools.islice(remaining, GROUPS_PER_FILE - 1))
        adds.append(_write(part, table_url=table_url, storage=storage, schema=schema))
    if adds:
        _commit(table, adds, table_url=table_url, schema=schema, application=application)


def _commit(
    table: DeltaTable,
    adds: list[AddAction],
    *,
    table_url: str,
    schema: pa.Schema,
    application: str,
) -> None:
    """One commit; when its answer is lost, the table says whether it happened."""
    before = table.transaction_version(application)
    fence = CommitProperties(
        custom_metadata=commit_note(),
        app_transactions=[Transaction(application, (before or 0) + 1)],
    )
    for pause_s in (*COMMIT_PAUSES_S, None):
        try:
            table.create_write_transaction(adds, "append", schema, commit_properties=fence)
            return
        except (DeltaError, *FAULTS) as error:
            if _happened(table, adds):
                return
            if isinstance(error, DeltaError) or table.transaction_version(application) != before:
                raise CommitFailedError(f"{application} has committed to {table_url}") from error
            if pause_s is None:
                raise TableError(unreachable(table_url, error)) from error
            time.sleep(pause_s * random.uniform(0.5, 1.5))


def _happened(table: DeltaTable, adds: list[AddAction]) -> bool:
    patiently(table.update_incremental, pauses_s=COMMIT_PAUSES_S)
    return adds[0].path in {uri.rpartition("/")[2] for uri in delta.file_uris(table)}


def _write(
    batches: Iterator[pa.RecordBatch], *, table_url: str, storage: Storage, schema: pa.Schema
) -> AddAction:
    name = f"part-{uuid.uuid4().hex}.parquet"
    url = join(table_url, name)
    with scratch("earmark-stream-") as folder:  # whole before it is sent: that can be repeated
        path = folder / name
        metadata = _write_file(batches, path=path, schema=schema)
        size_bytes = path.stat().st_size
        storage.put(str(path), url)
    statistics = json.dumps(_statistics(metadata))
    return AddAction(name, size_bytes, {}, int(time.time() * 1000), True, statistics)


def _write_file(
    batches: Iterator[pa.RecordBatch], *, path: Path, schema: pa.Schema
) -> pq.FileMetaData:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            # DuckDB says of no column that it has no nulls.
            rows = pa.Table.from_arrays(batch.columns, schema=schema)
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))
    return pq.read_metadata(path)


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
