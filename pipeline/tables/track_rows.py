"""The rows of one track in every table, each with the file that it stands in."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.storage import Storage, absolute, join
from pipeline.tables import delta
from pipeline.tables.commits import TABLES

_LEDGER = (
    "track_id, audio_version, plan_id, run_id, status, reason, detail, duration_s, filename AS file"
)
COLUMNS = {
    "catalog": "* EXCLUDE (filename), filename AS file",
    "feature_index": f"{_LEDGER}, spec_id, part, first_row, num_rows, num_frames, made_at",
    "descriptors": f"{_LEDGER}, spec_id, made_at",
    "results": f"{_LEDGER}, scoring_id, model_version, num_chunks, len(scores) AS num_scores, "
    "len(embedding) AS num_embedding, tagged_at",
    "tags": "track_id, audio_version, scoring_id, taxonomy_id, filename AS file, "
    "count(*) AS num_tags, count_if(positive) AS num_positive, "
    "arg_min(category || '---' || tag, rank) AS best",
    "requeued": "* EXCLUDE (filename), filename AS file",
}
"""What is told of a row; scores, mels and embeddings are counted only."""
ORDERS = {
    "catalog": "occurrence",
    "feature_index": "made_at",
    "descriptors": "made_at",
    "results": "tagged_at, scoring_id",
    "tags": "ALL",
    "requeued": "requeued_at",
}


def track_rows(
    connection: duckdb.DuckDBPyConnection,
    *,
    table: str,
    track_id: str,
    root_url: str,
    storage: Storage,
) -> list[dict[str, Any]]:
    """The rows of a track, oldest first; `file` is the file's name in the table's folder.

    Of `tags` a row stands for all tags of one scoring in one file.

    Args:
        connection: from `database`.
        table: a key of COLUMNS.
        track_id: the track.
        root_url: the workspace.
        storage: how to reach it.

    Raises:
        TableError: the path holds something else.
    """
    url, schema = join(absolute(root_url), table), TABLES[table]
    opened = delta.open_existing(url, storage=storage, schema=schema)
    delta.parquet_source(connection, name=table, table=opened, schema=schema, storage=storage)
    quoted = track_id.replace("'", "''")
    uris = delta.file_uris(opened, predicate=f"track_id = '{quoted}'")
    if not uris:
        return []
    placed = connection.read_parquet(uris, hive_partitioning=False, filename=True)
    placed.create_view("placed", replace=True)
    grouped = "GROUP BY ALL" if table == "tags" else ""
    rows: list[dict[str, Any]] = (
        connection.sql(
            f"SELECT {COLUMNS[table]} FROM placed WHERE track_id = $1 {grouped} "
            f"ORDER BY {ORDERS[table]}",
            params=[track_id],
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [row | {"file": row["file"].rpartition("/")[2]} for row in rows]
