"""Files of a Delta table in the place of others: what compaction and requeue share.

deltalake takes two transactions that remove the same file without a word, and the rows of their
new files are then there twice (measured on 1.6.6). So everything here that removes files carries
the application transaction `maintenance`, on the handle from which the new files were computed:
of two at once, one fails and computes anew. Writers that append are not disturbed by it.

After a commit that failed the new files stay: its answer may have been lost and not the commit.
`earmark vacuum` removes them if they belong to no version.
"""

from __future__ import annotations

import enum
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from pipeline.errors import TableError
from pipeline.storage import FAULTS, Storage, join
from pipeline.tables import delta
from pipeline.tables.commit_note import commit_note

MAINTENANCE = "maintenance"


class Effect(enum.StrEnum):
    """What a rewrite does to the rows of a table."""

    SAME_ROWS = "same_rows"
    OTHER_ROWS = "other_rows"


@dataclass(frozen=True)
class DataFile:
    """A file that the current version of a table lists.

    Attributes:
        name: relative to the table.
        size_bytes: of the file.
        num_rows: rows in it.
        key: the one value of the key column in it; None if several, or not known.
        first: smallest track_id; empty if not known.
    """

    name: str
    size_bytes: int
    num_rows: int
    key: str | None
    first: str


def data_files(table: DeltaTable, *, key_column: str) -> list[DataFile]:
    """The files of the table's version, by key and first track."""
    actions = pa.table(table.get_add_actions(flatten=True))
    found = [
        DataFile(
            name=unquote(action["path"]),
            size_bytes=action["size_bytes"],
            num_rows=action["num_records"] or 0,
            key=_only(action.get(f"min.{key_column}"), action.get(f"max.{key_column}")),
            first=action.get("min.track_id") or "",
        )
        for batch in actions.to_batches(max_chunksize=10_000)
        for action in batch.to_pylist()
    ]
    return sorted(found, key=lambda file: (file.key or "", file.first, file.name))


def read_files(
    connection: duckdb.DuckDBPyConnection,
    table: DeltaTable,
    files: Sequence[DataFile],
    *,
    schema: pa.Schema,
    storage: Storage,
) -> None:
    """Makes `old_rows` what these files of the table hold."""
    uris = {
        uri.rpartition("/")[2]: uri
        for uri in delta.parquet_source(
            connection, name="whole_table", table=table, schema=schema, storage=storage
        )
    }
    rows = connection.read_parquet([uris[file.name] for file in files], hive_partitioning=False)
    rows.select(*schema.names).create_view("old_rows")


def num_rows(add: AddAction) -> int:
    """Rows of a new file, from its statistics."""
    return int(json.loads(add.stats)["numRecords"])


def write_files(
    batches: Iterable[pa.RecordBatch],
    *,
    table_url: str,
    storage: Storage,
    schema: pa.Schema,
    file_rows: int,
) -> list[AddAction]:
    """Writes each batch as a row group, to new files of about `file_rows` rows."""
    adds: list[AddAction] = []
    remaining = iter(batches)
    for first in remaining:
        part = _up_to(file_rows, first=first, remaining=remaining)
        adds.append(_write(part, table_url=table_url, storage=storage, schema=schema))
    return adds


def replace_files(
    table: DeltaTable,
    *,
    old: Sequence[DataFile],
    new: Sequence[AddAction],
    schema: pa.Schema,
    effect: Effect,
    fences: Sequence[str] = (),
    note: Mapping[str, str] | None = None,
) -> None:
    """Puts `new` in the place of `old`, in one transaction.

    Args:
        table: the handle from which `new` was computed.
        old: files of its version; none to append.
        new: from `write_files`.
        schema: of the table.
        effect: whether readers see other rows afterwards.
        fences: further applications whose writers shall notice.
        note: goes into the log beside the commit.

    Raises:
        deltalake.exceptions.CommitFailedError: another rewrite, or a writer under one of the
            fences, has committed since the handle was opened.
        TableError: the store did not answer.
    """
    changed, now_ms = effect is Effect.OTHER_ROWS, int(time.time() * 1000)
    removes = [RemoveAction(file.name, changed, now_ms, file.size_bytes, {}) for file in old]
    for add in new:
        add.data_change = changed
    transactions = [
        Transaction(name, (table.transaction_version(name) or 0) + 1)
        for name in (MAINTENANCE, *fences)
    ]
    fences_and_note = CommitProperties(
        custom_metadata=commit_note(**(note or {})), app_transactions=transactions
    )
    try:
        table.create_write_transaction(
            [*new, *removes], "append", schema, commit_properties=fences_and_note
        )
    except CommitFailedError:
        raise
    except (DeltaError, *FAULTS) as error:
        raise TableError(
            f"{table.table_uri}: the store did not say whether a rewrite was committed ({error}). "
            "The table is whole either way; run the same command again."
        ) from error


def _only(smallest: str | None, largest: str | None) -> str | None:
    return smallest if smallest == largest else None


def _up_to(
    num_rows: int, *, first: pa.RecordBatch, remaining: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The first batch and those after it, until there are so many rows."""
    written = first.num_rows
    yield first
    while written < num_rows and (batch := next(remaining, None)) is not None:
        written += batch.num_rows
        yield batch


def _write(
    batches: Iterable[pa.RecordBatch], *, table_url: str, storage: Storage, schema: pa.Schema
) -> AddAction:
    name = f"part-{uuid.uuid4().hex}.parquet"
    filesystem, path = storage.arrow_filesystem(join(table_url, name))
    with pq.ParquetWriter(path, schema, filesystem=filesystem, compression="zstd") as writer:
        for batch in batches:
            rows = pa.Table.from_batches([batch]).cast(schema)
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))
    metadata = pq.read_metadata(path, filesystem=filesystem)
    size_bytes = int(filesystem.get_file_info(path).size)
    statistics = json.dumps(_statistics(metadata))
    return AddAction(name, size_bytes, {}, int(time.time() * 1000), True, statistics)


def _statistics(metadata: pq.FileMetaData) -> dict[str, object]:
    """Delta's statistics of a file; of columns that hold text or numbers."""
    smallest, largest, nulls = {}, {}, {}
    for i in range(metadata.num_columns):
        groups = [metadata.row_group(g).column(i) for g in range(metadata.num_row_groups)]
        name = groups[0].path_in_schema
        found = [group.statistics for group in groups]
        if "." in name or not all(found):
            continue
        nulls[name] = sum(facts.null_count for facts in found)
        bounds = [(facts.min, facts.max) for facts in found if facts.has_min_max]
        covered = all(facts.has_min_max or facts.num_values == 0 for facts in found)
        if bounds and covered and isinstance(bounds[0][0], str | int | float):
            smallest[name] = min(low for low, _ in bounds)
            largest[name] = max(high for _, high in bounds)
    return {
        "numRecords": metadata.num_rows,
        "minValues": smallest,
        "maxValues": largest,
        "nullCount": nulls,
    }
