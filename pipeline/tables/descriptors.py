"""Descriptors of the catalog's tracks beside their labels."""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from pipeline.errors import TableError
from pipeline.storage import Storage
from pipeline.tables.database import register, register_catalog
from pipeline.tables.ledger import DESCRIPTORS_LEDGER


def described(
    connection: DuckDBPyConnection, *, spec_id: str, root_url: str, storage: Storage, where: str
) -> list[dict[str, Any]]:
    """Rows of described tracks with their split and labels, in order of their ids.

    Args:
        connection: of a database of this call's own.
        spec_id: of the descriptors.
        root_url: the workspace.
        storage: how to reach it.
        where: SQL over columns of the catalog: these tracks only.

    Raises:
        TableError: tracks that have not been described, or none that could be.
    """
    register_catalog(connection, root_url=root_url, storage=storage)
    name = DESCRIPTORS_LEDGER.name
    register(connection, name, root_url=root_url, storage=storage, schema=DESCRIPTORS_LEDGER.schema)
    connection.execute(
        "CREATE VIEW asked AS SELECT c.split, c.labels, d.*, c.track_id AS asked_id FROM "
        f"(SELECT * FROM catalog WHERE {where}) c "
        f"LEFT JOIN (SELECT * FROM {name} WHERE spec_id = '{spec_id}') d "
        "ON c.track_id = d.track_id AND c.audio_version = d.audio_version"
    )
    ((missing,),) = connection.sql("SELECT count(*) FROM asked WHERE status IS NULL").fetchall()
    if missing:
        raise TableError(
            f"{missing} track(s) have no descriptors ({spec_id}): run earmark describe first"
        )
    answer = connection.sql("SELECT * FROM asked WHERE status = 'ok' ORDER BY asked_id")
    rows: list[dict[str, Any]] = answer.to_arrow_table().to_pylist()
    if not rows:
        raise TableError(f"none of these tracks could be described: {where}")
    return rows
