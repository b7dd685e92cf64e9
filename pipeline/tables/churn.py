"""Tag churn: how the tags of the same tracks differ between two scorings.

Counted over the tracks of the catalog that have scores under both, for the tags that both have. A
tag is positive at its threshold; of a scoring without thresholds the track's best tag is. All sums
run in DuckDB, a tag at a time, and spill: no list of tracks is held in memory.
"""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from pipeline.config import TablesJob
from pipeline.errors import ConfigError, TableError
from pipeline.storage import Storage, absolute
from pipeline.tables.churn_report import Churn, TagChurn, TrackChange
from pipeline.tables.database import database
from pipeline.tables.promotion import register_scores, tag_pairs
from pipeline.tables.scorings import Scoring, find_scoring, read_scorings


def named_churn(a: str, b: str, *, job: TablesJob) -> Churn:
    """`churn` of two scorings that a person named; see `find_scoring`.

    Raises:
        ConfigError: a name is of no scoring, or of several, or both are of one.
        TableError: see `churn`.
    """
    root_url, storage = absolute(job.workspace.root_url), job.workspace.storage
    known = read_scorings(root_url, storage=storage)
    first, second = find_scoring(known, a), find_scoring(known, b)
    if first == second:
        raise ConfigError(f"{a!r} and {b!r} are the same scoring {first.scoring_id}")
    memory_mb = job.query.memory_mb
    return churn(root_url, storage=storage, a=first, b=second, memory_mb=memory_mb)


def churn(
    root_url: str, *, storage: Storage, a: Scoring, b: Scoring, memory_mb: int, num_tracks: int = 10
) -> Churn:
    """Compares two scorings of the workspace.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        a: the scoring that is there.
        b: the one that would be.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        num_tracks: tracks that are named.

    Raises:
        TableError: no catalog, no common tag, or no track with scores of both.
    """
    pairs = tag_pairs(a, b).to_pylist()
    if not pairs:
        raise TableError(
            f"{a.scoring_id} and {b.scoring_id} have no tag in common (taxonomies "
            f"{a.taxonomy.taxonomy_id} and {b.taxonomy.taxonomy_id})"
        )
    with database(memory_mb=memory_mb) as connection:
        register_scores(connection, root_url=absolute(root_url), storage=storage)
        both, only_a, only_b = _pair_tracks(connection, a=a, b=b, pairs=pairs)
        if not both:
            raise TableError(
                f"no track of the catalog has scores of both: {only_a:,} have those of "
                f"{a.scoring_id}, {only_b:,} those of {b.scoring_id}; run earmark tag with both"
            )
        tags = [_tag_churn(connection, i, pair=pair) for i, pair in enumerate(pairs)]
        tracks = _most_changed(connection, pairs=pairs, limit=num_tracks)
    tags.sort(key=lambda one: (-(one.only_a + one.only_b), -one.mean_change, one.tag))
    return Churn(a, b, both, only_a, only_b, tuple(tags), tuple(tracks))


def _pair_tracks(
    connection: DuckDBPyConnection, *, a: Scoring, b: Scoring, pairs: list[dict[str, Any]]
) -> tuple[int, int, int]:
    """`paired`: a column a tag and side (a0, b0, ...), so that a tag is read by itself.

    Returns:
        Tracks with scores of both, of A only, of B only.
    """
    scores = [
        f"x.scores[{pair['b_position']}] AS a{i}, y.scores[{pair['a_position']}] AS b{i}"
        for i, pair in enumerate(pairs)
    ]
    best = [f"list_position({side}.scores, list_max({side}.scores))" for side in "xy"]
    connection.execute(
        f"CREATE TABLE paired AS SELECT track_id, {best[0]} AS a_best, {best[1]} AS b_best, "
        f"{', '.join(scores)} FROM (FROM scores WHERE scoring_id = $1) x "
        "JOIN (FROM scores WHERE scoring_id = $2) y USING (track_id, audio_version)",
        [a.scoring_id, b.scoring_id],
    )
    ((both, of_a, of_b),) = connection.execute(
        "SELECT (SELECT count(*) FROM paired), count_if(scoring_id = $1), "
        "count_if(scoring_id = $2) FROM scores",
        [a.scoring_id, b.scoring_id],
    ).fetchall()
    return int(both), int(of_a - both), int(of_b - both)


def _tag_churn(connection: DuckDBPyConnection, i: int, *, pair: dict[str, Any]) -> TagChurn:
    # A rank and half of its ties: the mean rank of the tied, but for a constant.
    (row,) = connection.execute(
        f"""
        WITH one AS (
            SELECT a{i} AS a, b{i} AS b, coalesce(a{i} >= $1::FLOAT, a_best = $2) AS in_a,
                coalesce(b{i} >= $3::FLOAT, b_best = $4) AS in_b
            FROM paired
        ), ranked AS (
            SELECT *, abs(a - b) AS change,
                rank() OVER (ORDER BY a) + count(*) OVER (PARTITION BY a) / 2 AS rank_a,
                rank() OVER (ORDER BY b) + count(*) OVER (PARTITION BY b) / 2 AS rank_b
            FROM one
        )
        SELECT count_if(in_a), count_if(in_b), count_if(in_a AND in_b),
            count_if(in_a AND NOT in_b), count_if(in_b AND NOT in_a),
            count_if(in_a AND in_b) / nullif(count_if(in_a OR in_b), 0),
            avg(change), quantile_cont(change, 0.95),
            CASE WHEN min(a) < max(a) AND min(b) < max(b) THEN corr(rank_a, rank_b) END
        FROM ranked
        """,
        [pair["b_threshold"], pair["b_position"], pair["a_threshold"], pair["a_position"]],
    ).fetchall()
    return TagChurn(pair["tag"], *row)


def _most_changed(
    connection: DuckDBPyConnection, *, pairs: list[dict[str, Any]], limit: int
) -> list[TrackChange]:
    changes = ", ".join(f"abs(a{i} - b{i})" for i in range(len(pairs)))
    sides = [f"[{', '.join(f'{side}{i}' for i in range(len(pairs)))}]" for side in "ab"]
    rows = connection.execute(
        f"""
        WITH most AS (
            SELECT track_id, list_avg([{changes}]) AS change,
                list_position([{changes}], list_max([{changes}])) AS place,
                {sides[0]} AS a, {sides[1]} AS b
            FROM paired ORDER BY change DESC, track_id LIMIT $1
        )
        SELECT track_id, (SELECT any_value(title) FROM catalog c WHERE c.track_id = most.track_id),
            change, place, a[place], b[place]
        FROM most ORDER BY change DESC, track_id
        """,
        [limit],
    ).fetchall()
    return [
        TrackChange(track, title, change, pairs[place - 1]["tag"], in_a, in_b)
        for track, title, change, place, in_a, in_b in rows
    ]
