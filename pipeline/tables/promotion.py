"""What another scoring changes in the catalog's tags, and the move of the views to it.

A tag is positive at its threshold; of a scoring without thresholds the track's best tag is.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.schemas import RESULTS
from pipeline.storage import Storage
from pipeline.tables.current import read_current, set_current
from pipeline.tables.database import database, register, register_catalog
from pipeline.tables.scorings import Scoring
from pipeline.tables.tags import publish


@dataclass(frozen=True)
class TagChanges:
    """Tags that tracks gain and lose between two scorings.

    Attributes:
        num_tracks: of the catalog, with scores under both.
        gained: tracks that gain it, by `category---name`; of tags that both scorings have.
        lost: tracks that lose it, likewise.
    """

    num_tracks: int
    gained: dict[str, int]
    lost: dict[str, int]


def tag_changes(
    root_url: str, *, storage: Storage, before: Scoring, after: Scoring, memory_mb: int
) -> TagChanges:
    """Counts over all tracks that the ledger has under both scorings.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        before: the one that is there.
        after: the one that would be.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.

    Raises:
        TableError: there is no catalog.
    """
    with database(memory_mb=memory_mb) as connection:
        register_scores(connection, root_url=root_url, storage=storage)
        connection.register("pairs", tag_pairs(before, after))
        rows = connection.execute(
            f"""
            WITH scored AS (SELECT b.scores AS b, a.scores AS a,
                list_position(b.scores, list_max(b.scores)) AS b_best,
                list_position(a.scores, list_max(a.scores)) AS a_best
            FROM (SELECT * FROM scores WHERE scoring_id = $1) b
            JOIN (SELECT * FROM scores WHERE scoring_id = $2) a USING (track_id, audio_version)
            ), decided AS (
                SELECT tag, {_positive("b")} AS was, {_positive("a")} AS becomes
                FROM scored CROSS JOIN pairs
            )
            SELECT tag, count(*), count_if(becomes AND NOT was), count_if(was AND NOT becomes)
            FROM decided GROUP BY tag ORDER BY tag
            """,
            [before.scoring_id, after.scoring_id],
        ).fetchall()
    return TagChanges(
        num_tracks=rows[0][1] if rows else 0,
        gained={tag: gained for tag, _, gained, _ in rows},
        lost={tag: lost for tag, _, _, lost in rows},
    )


def show(root_url: str, *, storage: Storage, scoring: Scoring, memory_mb: int) -> int:
    """Makes the views of the scoring's taxonomy show it, unless tracks would lose their tags.

    Its tags are published first.

    Returns:
        Tracks that the views have now (where they show nothing: that the catalog has) and that
        have no row under the scoring; the views are moved only if there is none.

    Raises:
        TableError: there is no catalog, or the tables do not go together.
    """
    shown = {
        row["taxonomy_id"]: row["scoring_id"]
        for row in read_current(root_url, storage=storage).to_pylist()
    }.get(scoring.taxonomy.taxonomy_id)
    with database(memory_mb=memory_mb) as connection:
        register_scores(connection, root_url=root_url, storage=storage)
        there = "catalog" if shown is None else f"(FROM scores WHERE scoring_id = '{shown}')"
        ((missing,),) = connection.execute(
            f"SELECT count(*) FROM {there} ANTI JOIN (FROM results WHERE scoring_id = $1) "
            "USING (track_id, audio_version)",
            [scoring.scoring_id],
        ).fetchall()
    if not missing and shown != scoring.scoring_id:
        publish(root_url, storage=storage, memory_mb=memory_mb)
        set_current(root_url, storage=storage, scoring=scoring)
    return int(missing)


def register_scores(connection: DuckDBPyConnection, *, root_url: str, storage: Storage) -> None:
    """`scores`: rows of the ledger with scores, of the files that the catalog has now."""
    register_catalog(connection, root_url=root_url, storage=storage)
    register(connection, "results", root_url=root_url, storage=storage, schema=RESULTS)
    connection.execute(
        "CREATE VIEW scores AS SELECT * FROM results SEMI JOIN catalog "
        "USING (track_id, audio_version) WHERE status = 'ok'"
    )


def tag_pairs(before: Scoring, after: Scoring) -> pa.Table:
    """Positions (from 1) and thresholds of the tags that both have."""
    rows = [
        {"tag": tag}
        | {
            f"{name}_{fact}": value
            for name, scoring in (("b", before), ("a", after))
            for fact, value in _facts(scoring, tag=tag).items()
        }
        for tag in before.taxonomy.tags
        if tag in after.taxonomy.tags
    ]
    columns = [("tag", pa.string())]
    for name in ("b", "a"):
        columns += [(f"{name}_position", pa.int32()), (f"{name}_threshold", pa.float32())]
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _facts(scoring: Scoring, *, tag: str) -> dict[str, float | None]:
    index = scoring.taxonomy.tags.index(tag)
    threshold = None if scoring.thresholds is None else scoring.thresholds[index]
    return {"position": index + 1, "threshold": threshold}


def _positive(name: str) -> str:
    return (
        f"CASE WHEN {name}_threshold IS NULL THEN {name}_position = {name}_best "
        f"ELSE {name}[{name}_position] >= {name}_threshold END"
    )
