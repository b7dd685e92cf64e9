"""Delta tables through deltalake: opened by their schema, read by DuckDB without an extension."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from duckdb import DuckDBPyConnection

from pipeline.errors import ConfigError, TableError
from pipeline.storage import FAULTS, Storage, absolute, is_local, local_path
from pipeline.store_faults import patiently, refusal, unreachable
from pipeline.urls import is_below

SHOWN_FILES = 3
CREATE_PAUSES_S = (0.2, 1.0, 4.0)
# In a local path deltalake 1.6.6 looks elsewhere or panics, or DuckDB takes them for a pattern.
UNUSABLE = frozenset("%[]^|\\*?") | {chr(code) for code in range(32)}
IN_URLS = frozenset("#")  # deltalake takes the rest of a URL for a fragment


def open_table(url: str, *, storage: Storage, schema: pa.Schema) -> DeltaTable:
    """The table at the URL; an empty one with the schema's comments is made if there is none.

    Raises:
        TableError: the folder holds other files, or a table with other columns.
    """
    table = open_existing(url, storage=storage, schema=schema)
    if table is not None:
        return table
    _refuse_other_files(url, storage=storage)
    options = storage.delta_options(url)
    # Of two creators at once one must fail; a retry would write the table's first version twice.
    once = CommitProperties(max_commit_retries=0)

    def create() -> DeltaTable:
        # A DeltaError says that the table is there by now: another's, or ours of which no answer
        # came.
        with contextlib.suppress(DeltaError):
            DeltaTable.create(
                absolute(url), schema, storage_options=options, commit_properties=once
            )
        return DeltaTable(absolute(url), storage_options=options)

    with _told(url):
        return patiently(create, pauses_s=CREATE_PAUSES_S)


def open_existing(url: str, *, storage: Storage, schema: pa.Schema) -> DeltaTable | None:
    """The table at the URL, or None if no table is there.

    Raises:
        TableError: a table is there, with other columns; or the path cannot hold a table; or its
            store does not answer.
        ConfigError: the store refuses access, or has no such bucket.
    """
    _refuse_path(url, storage=storage)
    try:
        with _told(url):
            table = DeltaTable(absolute(url), storage_options=storage.delta_options(url))
    except TableNotFoundError:
        return None
    _check_columns(table, url=url, schema=schema)
    return table


def without_comments(schema: pa.Schema) -> pa.Schema:
    """The schema for rows that deltalake writes: a table keeps the comments it was made with.

    Rows whose fields carry others are refused ("Cannot merge metadata", deltalake 1.6.6): a table
    made by another version of the program could not be written to.
    """
    return pa.schema([field.remove_metadata() for field in schema])


def file_uris(table: DeltaTable | None, *, predicate: str | None = None) -> list[str]:
    """The files of the table's current version; none without a table.

    Args:
        table: an open table.
        predicate: SQL by which deltalake leaves out files, from their statistics.

    Raises:
        TableError: its log names a file elsewhere, which nothing of Earmark's ever writes.
    """
    if table is None:
        return []
    uris: list[str] = table.file_uris(file_pruning_predicate=predicate)
    # deltalake gives paths percent-encoded: a space would name a file that is not there.
    uris = [unquote(uri) for uri in uris]
    folder = unquote(table.table_uri)
    for uri in uris:
        if not is_below(uri, local_path(folder) if is_local(folder) else folder):
            raise TableError(
                f"the log of {folder} names {uri!r}, which is outside the table: it was tampered "
                "with. Restore the table from a copy, or give another workspace.root_url"
            )
    return uris


def parquet_source(
    connection: DuckDBPyConnection,
    *,
    name: str,
    table: DeltaTable | None,
    schema: pa.Schema,
    storage: Storage,
) -> list[str]:
    """Makes the table's current rows readable in DuckDB under a name.

    DuckDB reads local files by itself, and those of an object store through the workspace's
    fsspec file system, so that no DuckDB extension is needed. Without files, or without a table,
    the name stands for an empty table.

    Args:
        connection: where the name is made.
        name: of the view; one of that name is replaced.
        table: its current version is read.
        schema: columns that the view has.
        storage: how to reach the files.

    Returns:
        The files that the view reads.
    """
    uris = file_uris(table)
    if not uris:
        # Not empty_table(): it imports pandas, which takes a second.
        empty = pa.Table.from_batches([], schema=schema)
        connection.from_arrow(empty).create_view(name)
        return []
    if not is_local(uris[0]):
        _register_filesystem(connection, url=uris[0], storage=storage)
    rows = connection.read_parquet(uris, hive_partitioning=False)
    rows.select(*schema.names).create_view(name)
    return uris


def _register_filesystem(connection: DuckDBPyConnection, *, url: str, storage: Storage) -> None:
    filesystem, _ = storage.filesystem(url)
    protocols = filesystem.protocol
    names = {protocols} if isinstance(protocols, str) else set(protocols)
    if not names & set(connection.list_filesystems()):
        connection.register_filesystem(filesystem)


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """Words for a store that refuses, or does not answer."""
    try:
        yield
    except FAULTS as error:
        if is_local(url):
            raise
        message = refusal(url, error)
        if message:
            raise ConfigError(message) from error
        raise TableError(unreachable(url, error)) from error


def _refuse_path(url: str, *, storage: Storage) -> None:
    unusable = UNUSABLE if is_local(url) else UNUSABLE | IN_URLS
    found = " ".join(sorted(map(repr, unusable & set(absolute(url)))))
    if found:
        raise TableError(
            f"{absolute(url)!r} cannot hold a Delta table because of {found} in its path: "
            "give another workspace.root_url."
        )
    if not is_local(url):
        return
    if storage.exists(url) and not storage.is_dir(url):
        raise TableError(f"{url} is a file, not a table: give another workspace.root_url.")


def _refuse_other_files(url: str, *, storage: Storage) -> None:
    if not storage.exists(url):
        return
    found = [entry.url for entry in storage.walk(url)]
    if any("/_delta_log/" in name for name in found):  # another job makes the table right now
        return
    if found:
        shown = ", ".join(found[:SHOWN_FILES]) + (", ..." if len(found) > SHOWN_FILES else "")
        raise TableError(
            f"{url} shall become a Delta table, but holds {len(found)} other file(s): {shown}. "
            "Give another workspace (workspace.root_url), or move these files away."
        )


def _check_columns(table: DeltaTable, *, url: str, schema: pa.Schema) -> None:
    expected = {field.name: str(field.type) for field in Schema.from_arrow(schema).fields}
    found = {field.name: str(field.type) for field in table.schema().fields}
    if found == expected:
        return
    faults = [f"{name} is missing" for name in expected.keys() - found.keys()]
    faults += [f"{name} is unknown" for name in found.keys() - expected.keys()]
    faults += [
        f"{name} is {found[name]}, not {expected[name]}"
        for name in expected.keys() & found.keys()
        if found[name] != expected[name]
    ]
    raise TableError(
        f"{url} is a Delta table with other columns: {'; '.join(sorted(faults))}. It was made by "
        "something else, or by another version of earmark: give another workspace.root_url."
    )
