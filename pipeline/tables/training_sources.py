"""Which data sets and licences a training's tracks come from, as the catalog says."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from pipeline.storage import Storage
from pipeline.tables.database import database, register_catalog

UNNAMED = "not named"


@dataclass(frozen=True)
class TrainingSources:
    """How many of the tracks come from each data set, and under each licence, the most first.

    `UNNAMED` stands for those of which the catalog says nothing.
    """

    datasets: dict[str, int]
    licences: dict[str, int]


def training_sources(
    root_url: str, *, storage: Storage, tracks: pa.Table, memory_mb: int
) -> TrainingSources:
    """The sources of tracks.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        tracks: with the column track_id.
        memory_mb: of DuckDB.

    Raises:
        TableError: there is no catalog.
    """
    with database(memory_mb=memory_mb) as connection:
        register_catalog(connection, root_url=root_url, storage=storage)
        connection.register("mine", tracks.select(["track_id"]))
        found = [
            dict(
                connection.sql(
                    f"SELECT coalesce(nullif({column}, ''), '{UNNAMED}') AS name, "
                    "count(DISTINCT track_id) AS tracks FROM catalog SEMI JOIN mine "
                    "USING (track_id) GROUP BY name ORDER BY tracks DESC, name"
                ).fetchall()
            )
            for column in ("dataset", "license")
        ]
    return TrainingSources(*found)
