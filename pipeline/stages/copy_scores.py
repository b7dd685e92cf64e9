"""New thresholds, or a new head, in seconds: rows of one scoring become rows of another.

A bundle that `calibrate` made differs from its model in thresholds alone: its rows are those that
the model's scoring has already, embeddings included. A bundle that `teach` made is a head on its
base's embeddings: its scores are computed from them. Either is done file by file, through the same
plan, receipts and commits as any other work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import duckdb

from pipeline.config import TagJob
from pipeline.schemas import RESULTS
from pipeline.stages.copy_rows import CopyScores, CopyWork
from pipeline.stages.run import run
from pipeline.storage import Storage, absolute
from pipeline.tables import delta
from pipeline.tables.database import database, register_catalog
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.prepare import Asked, prepare
from pipeline.tables.scorings import Scoring, read_scorings

UNIT_ROWS = 8_192
"""Rows of a written file: 26 MB of musicnn's embeddings and scores."""
ROW_S = 0.001
"""Stands for the seconds of a row's work, which are all alike."""


def copy_scores(
    scoring: Scoring,
    *,
    config: TagJob,
    where: str,
    run_id: str,
    base_scores_id: str = "",
    head_url: str | None = None,
) -> int:
    """Copies what other scorings with the same scores, or embeddings, have of the catalog's tracks.

    Args:
        scoring: the one that shall have the rows.
        config: the job.
        where: SQL over columns of the catalog: these tracks only.
        run_id: names the run in the rows.
        base_scores_id: of the scorings whose embeddings a taught bundle reads.
        head_url: that bundle.

    Returns:
        How many rows were made; 0 where there is no such scoring.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    known = [
        other
        for other in read_scorings(root_url, storage=storage).values()
        if other.scores_id and other.scoring_id != scoring.scoring_id
    ]
    twins = [other.scoring_id for other in known if other.scores_id == scoring.scores_id]
    bases = [other.scoring_id for other in known if other.scores_id == base_scores_id]
    run_copy = partial(_copy, scoring, config=config, where=where, run_id=run_id)
    return run_copy(twins, head_url=None) + run_copy(bases, head_url=head_url)


def _copy(
    scoring: Scoring,
    twins: Sequence[str],
    *,
    config: TagJob,
    where: str,
    run_id: str,
    head_url: str | None,
) -> int:
    if not twins:
        return 0
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    key, memory_mb = scoring.scoring_id, config.runtime.plan_memory_mb

    def make_planned(connection: duckdb.DuckDBPyConnection) -> None:
        plan_rows(connection, root_url=root_url, storage=storage, twins=twins, where=where)

    with database(memory_mb=memory_mb) as connection:
        make_planned(connection)
        if not connection.sql("SELECT 1 FROM planned LIMIT 1").fetchall():
            return 0
    prepared = prepare(
        Asked(
            RESULTS_LEDGER,
            keys=[key],
            register=make_planned,
            order="file, file_row",
            root_url=root_url,
            storage=storage,
            memory_mb=memory_mb,
            part=f"{'embeddings' if head_url else 'scores'} of {', '.join(twins)}",
        ),
        run_id=f"{run_id}-copy",
    )
    work = CopyWork(
        root_url=root_url,
        storage=storage,
        pending=prepared.pending,
        scoring_id=key,
        model_version=scoring.model_version,
        plan_id=prepared.plans[key].plan_id,
        run_id=run_id,
        head_url=head_url,
    )
    runtime = config.runtime.model_copy(update={"unit_tracks": UNIT_ROWS})
    summary = run(
        CopyScores, work=work, prepared=prepared, runtime=runtime, storage=storage, verb="tag"
    )
    return summary.committed


def plan_rows(
    connection: duckdb.DuckDBPyConnection,
    *,
    root_url: str,
    storage: Storage,
    twins: Sequence[str],
    where: str,
) -> None:
    """Makes `planned` the catalog's tracks that a twin has a row of, each with its place."""
    register_catalog(connection, root_url=root_url, storage=storage)
    table = delta.open_existing(RESULTS_LEDGER.url(root_url), storage=storage, schema=RESULTS)
    uris = delta.parquet_source(
        connection, name="results", table=table, schema=RESULTS, storage=storage
    )
    if uris:
        places = connection.read_parquet(
            uris, hive_partitioning=False, filename=True, file_row_number=True
        )
        places.create_view("placed")
    else:
        connection.execute(
            "CREATE VIEW placed AS SELECT *, '' AS filename, 0 AS file_row_number FROM results"
        )
    listed = ", ".join(f"'{twin}'" for twin in twins)
    connection.execute(
        "CREATE VIEW planned AS SELECT track_id, audio_version, min(uri) AS uri, "
        f"min(filename) AS file, arg_min(file_row_number, filename) AS file_row, {ROW_S}::DOUBLE "
        f"AS work_s FROM (SELECT * FROM catalog WHERE {where}) JOIN (SELECT track_id, "
        f"audio_version, filename, file_row_number FROM placed WHERE scoring_id IN ({listed})) "
        "USING (track_id, audio_version) GROUP BY track_id, audio_version"
    )
