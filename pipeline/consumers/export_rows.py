"""Every track of the catalog with what scorings know of it, as a stream ordered by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.consumers.export_columns import FACTS

STATES = ("status", "reason", "detail", "up_to_date", "num_chunks", "tagged_at", "scores")
"""What is known of a track under a scoring; in the stream, names end in the scoring's number."""

# A track has one row of `shown` a scoring at most, and one of `rejects`: of the version in the
# catalog. Where a new version failed, the scores of the old one are still the current ones.
_STATE = """
CASE WHEN s{n}.track_id IS NOT NULL THEN 'ok' WHEN f{n}.track_id IS NOT NULL THEN 'failed'
    ELSE 'not_tagged' END AS status{n},
CASE WHEN s{n}.track_id IS NOT NULL THEN s{n}.reason WHEN f{n}.track_id IS NOT NULL THEN f{n}.reason
    ELSE t.reason END AS reason{n},
CASE WHEN s{n}.track_id IS NOT NULL THEN s{n}.detail WHEN f{n}.track_id IS NOT NULL THEN f{n}.detail
    ELSE t.detail END AS detail{n},
s{n}.audio_version = t.audio_version AS up_to_date{n}, s{n}.num_chunks AS num_chunks{n},
s{n}.tagged_at AS tagged_at{n}, s{n}.scores AS scores{n}"""
_JOINS = """
LEFT JOIN (FROM source.shown WHERE scoring_id = ${p}) s{n} ON s{n}.track_id = t.track_id
LEFT JOIN (FROM rejects WHERE scoring_id = ${p}) f{n} ON f{n}.track_id = t.track_id"""


def track_rows(
    connection: DuckDBPyConnection,
    *,
    scoring_ids: Sequence[str],
    batch_rows: int,
    facts: Sequence[str] = FACTS,
    descriptors: Sequence[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Batches of tracks by track_id: facts, descriptors, and STATES of each scoring.

    A scoring's scores are those that the views show: of the version in the catalog if it has been
    scored, else of the version that was scored last. What is no longer in the catalog is left out.

    Args:
        connection: from `open_views`.
        scoring_ids: of which `status0`, `reason0`, ... are the columns of the first.
        batch_rows: of a batch, at most.
        facts: columns of the view `tracks`.
        descriptors: columns of the view `descriptors`; null where a track has none.
    """
    numbers = range(len(scoring_ids))
    selected = [f"t.{name}" for name in facts] + [f"d.{name}" for name in descriptors]
    selected += [_STATE.format(n=n) for n in numbers]
    joins = "".join(_JOINS.format(n=n, p=n + 1) for n in numbers)
    if descriptors:
        joins += "\nLEFT JOIN descriptors d ON d.track_id = t.track_id"
    sql = f"SELECT {', '.join(selected)} FROM tracks t {joins} ORDER BY t.track_id"
    yield from connection.sql(sql, params=[*scoring_ids]).to_arrow_reader(batch_rows)


def num_left_out(connection: DuckDBPyConnection, *, scoring_id: str) -> int:
    """Tracks that have scores but are no longer in the catalog."""
    found = connection.execute(
        "SELECT count(*) FROM source.shown ANTI JOIN tracks USING (track_id) WHERE scoring_id = $1",
        [scoring_id],
    ).fetchall()
    return int(found[0][0])


def jobs_of(connection: DuckDBPyConnection, *, scoring_id: str) -> tuple[list[str], list[str]]:
    """The plan ids and the run ids of a scoring's rows, in order."""
    found = connection.execute(
        "SELECT list(DISTINCT plan_id ORDER BY plan_id), list(DISTINCT run_id ORDER BY run_id) "
        "FROM results WHERE scoring_id = $1",
        [scoring_id],
    ).fetchall()
    plans, runs = found[0]
    return list(plans or []), list(runs or [])
