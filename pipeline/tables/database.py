"""DuckDB with bounded memory: the joins and sorts of every job run here and spill."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from pipeline.errors import TableError, UserError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage, join
from pipeline.tables import delta


@contextmanager
def database(*, memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills beyond `memory_mb` MiB to a temporary folder of its own.

    Raises:
        UserError: neither memory nor the disk of the temporary folder is enough.
    """
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        connection = duckdb.connect(":memory:", config={"memory_limit": f"{memory_mb}MiB"})
        try:
            connection.execute(f"SET temp_directory = '{folder}'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        except duckdb.OutOfMemoryException as error:
            raise UserError(
                f"DuckDB has no room left: {str(error).splitlines()[0]}. It may take {memory_mb} "
                f"MiB (runtime.plan_memory_mb, query.memory_mb), and spills to {folder}: give it "
                "more memory, or set TMPDIR to a folder on a larger disk"
            ) from error
        finally:
            connection.close()


def register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    root_url: str,
    storage: Storage,
    schema: pa.Schema,
) -> None:
    """Makes a table of the workspace readable under its own name; empty if it is not there.

    Raises:
        TableError: the path holds something else.
    """
    table = delta.open_existing(join(root_url, name), storage=storage, schema=schema)
    delta.parquet_source(connection, name=name, table=table, schema=schema, storage=storage)


def register_catalog(
    connection: duckdb.DuckDBPyConnection, *, root_url: str, storage: Storage
) -> None:
    """Makes the catalog readable.

    Raises:
        TableError: there is no catalog, or the path holds something else.
    """
    url = join(root_url, "catalog")
    if delta.open_existing(url, storage=storage, schema=CATALOG) is None:
        raise TableError(f"there is no catalog at {url}: run earmark catalog SOURCE first")
    register(connection, "catalog", root_url=root_url, storage=storage, schema=CATALOG)
