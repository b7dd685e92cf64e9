"""Takes the rows of tracks out of a Delta table, and their bytes and names out of its folder.

Every file that holds such a row is written anew without it, in the same order, in one transaction;
then the old files are deleted, a checkpoint is written, and the statistics of files that are no
more (their smallest and largest track_id) are taken out of the log. Older versions of the table
cannot be read afterwards: that is what is asked for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from pipeline.errors import TableError
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.commits import TABLES
from pipeline.tables.database import database
from pipeline.tables.forget_parts import MOVED
from pipeline.tables.rewrite import DataFile, Effect, data_files, replace_files, write_files

MAX_ATTEMPTS = 5
GROUP_ROWS = {"tags": 50_000, "catalog": 10_000}
LEDGER_GROUP_ROWS = 1_024
_LOG = re.compile(r"/_delta_log/(\d{20})\.(json|checkpoint\..*parquet)$")


def take_out(
    name: str,
    track_ids: Sequence[str],
    *,
    root_url: str,
    storage: Storage,
    memory_mb: int,
    moved: pa.Table = MOVED.empty_table(),  # noqa: B008 - Arrow tables do not change
) -> None:
    """Takes the tracks' rows out of the table's current version.

    Args:
        name: of the table.
        track_ids: the tracks.
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB.
        moved: of the feature index, where rows of other tracks lie from now on (MOVED).

    Raises:
        TableError: other jobs rewrite the table all the time.
    """
    url, schema = join(root_url, name), TABLES[name]
    for _ in range(MAX_ATTEMPTS):
        table = delta.open_existing(url, storage=storage, schema=schema)
        if table is None:
            return
        with database(memory_mb=memory_mb) as connection:
            register_ids(connection, track_ids)
            connection.register("moved", moved)
            old = _touched(connection, name, table=table, storage=storage)
            if not old:
                return
            new = _rewritten(connection, name, old, table=table, url=url, storage=storage)
        note = {"maintenance": "forget"}
        try:
            replace_files(
                table, old=old, new=new, schema=schema, effect=Effect.OTHER_ROWS, note=note
            )
        except CommitFailedError:
            continue
        return
    raise TableError(f"{url}: other jobs rewrite it; let them end, then run `earmark forget` again")


def count_rows(
    connection: duckdb.DuckDBPyConnection, name: str, *, root_url: str, storage: Storage
) -> int:
    """Rows of the registered ids in a table."""
    schema = TABLES[name]
    table = delta.open_existing(join(root_url, name), storage=storage, schema=schema)
    delta.parquet_source(connection, name=name, table=table, schema=schema, storage=storage)
    ((number,),) = connection.sql(
        f"SELECT count(*) FROM {name} SEMI JOIN forgotten USING (track_id)"
    ).fetchall()
    return int(number)


def register_ids(connection: duckdb.DuckDBPyConnection, track_ids: Sequence[str]) -> None:
    """Makes `forgotten` the tracks."""
    connection.register("forgotten", pa.table({"track_id": pa.array(track_ids, pa.string())}))


def erase_history(name: str, *, root_url: str, storage: Storage) -> None:
    """Deletes files of no version, and what the log says of them beside their names and sizes."""
    url = join(root_url, name)
    table = delta.open_existing(url, storage=storage, schema=TABLES[name])
    if table is None:
        return
    table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    table.update_incremental()
    table.create_checkpoint()
    alive = {uri.rpartition("/")[2] for uri in delta.file_uris(table)}
    for entry in storage.walk(join(url, "_delta_log")):
        match = _LOG.search(entry.url)
        if match is None or int(match[1]) > table.version():
            continue
        if match[2] == "json":
            text = storage.read(entry.url).decode()
            bare = "".join(f"{_bare(line, alive=alive)}\n" for line in text.splitlines() if line)
            if bare != text and bare != f"{text}\n":
                storage.write(entry.url, bare.encode())
        elif int(match[1]) < table.version():
            storage.delete(entry.url)


def _bare(line: str, *, alive: set[str]) -> str:
    """A line of the log; of a file that is no more, how many rows it had."""
    action = json.loads(line)
    add = action.get("add")
    if add is None or unquote(add["path"]) in alive or not add.get("stats"):
        return line
    rows = json.loads(add["stats"]).get("numRecords")
    add["stats"] = json.dumps({"numRecords": rows})
    return json.dumps(action)


def _touched(
    connection: duckdb.DuckDBPyConnection, name: str, *, table: DeltaTable, storage: Storage
) -> list[DataFile]:
    """Files with rows of the tracks, or of others whose mels have moved."""
    uris = delta.parquet_source(
        connection, name="whole_table", table=table, schema=TABLES[name], storage=storage
    )
    if not uris:
        return []
    connection.read_parquet(uris, hive_partitioning=False, filename=True).create_view("placed")
    of_part = "OR part IN (SELECT old_part FROM moved)" if name == "feature_index" else ""
    rows = connection.sql(
        "SELECT DISTINCT filename FROM placed "
        f"WHERE track_id IN (SELECT track_id FROM forgotten) {of_part}"
    ).fetchall()
    names = {filename.rpartition("/")[2] for (filename,) in rows}
    return [file for file in data_files(table, key_column="track_id") if file.name in names]


def _rewritten(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    old: Sequence[DataFile],
    *,
    table: DeltaTable,
    url: str,
    storage: Storage,
) -> list[AddAction]:
    """A new file for each old one that has other rows."""
    schema = TABLES[name]
    uris = {uri.rpartition("/")[2]: uri for uri in delta.file_uris(table)}
    place = "o.part" if name == "feature_index" else "''"
    columns = ", ".join(
        f"coalesce(m.{column}, o.{column}) AS {column}"
        if name == "feature_index" and column in ("part", "first_row")
        else f"o.{column}"
        for column in schema.names
    )
    new: list[AddAction] = []
    for file in old:
        rows = connection.read_parquet(
            [uris[file.name]], hive_partitioning=False, file_row_number=True
        )
        rows.create_view("old_rows", replace=True)
        kept = connection.sql(
            f"SELECT {columns} FROM old_rows o "
            f"LEFT JOIN moved m ON m.track_id = o.track_id AND m.old_part = {place} "
            "WHERE o.track_id NOT IN (SELECT track_id FROM forgotten) ORDER BY o.file_row_number"
        )
        new += write_files(
            kept.to_arrow_reader(GROUP_ROWS.get(name, LEDGER_GROUP_ROWS)),
            table_url=url,
            storage=storage,
            schema=schema,
            file_rows=sys.maxsize,
        )
    return new
