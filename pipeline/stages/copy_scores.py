"""New thresholds in seconds: rows of a scoring with the same scores become rows of a new one.

A bundle that `calibrate` made differs from its model in thresholds alone. Its rows are those that
the model's scoring has already, embeddings included, under another scoring_id: they are copied,
file by file, through the same plan, receipts and commits as any other work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import TagJob
from pipeline.schemas import RESULTS
from pipeline.stages.run import run
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import Storage, absolute, join
from pipeline.tables import delta
from pipeline.tables.database import database, register_catalog
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.pending import Pending, PendingReader
from pipeline.tables.prepare import prepare
from pipeline.tables.receipt import Receipt, write_table
from pipeline.tables.scorings import Scoring, read_scorings

UNIT_ROWS = 8_192
"""Rows of a written file: 26 MB of musicnn's embeddings and scores."""
ROW_S = 0.001
"""Stands for the seconds of a row's work, which are all alike."""


@dataclass(frozen=True)
class CopyWork:
    """What a copying worker needs."""

    root_url: str
    storage: Storage
    pending: Pending
    scoring_id: str
    model_version: str
    plan_id: str
    run_id: str


class CopyScores:
    """In: a slice of the pending file, whose rows say where in `results` a row is.

    Out: a receipt.
    Fan-out: one file for each slice.
    Rejects: none; a failed row is copied as it is.
    """

    def __init__(self, work: CopyWork) -> None:
        self._work = work
        self._pending = PendingReader(work.pending, storage=work.storage)
        self._watch = Stopwatch()

    def __call__(self, unit: pa.Table) -> Iterator[pa.Table]:
        """Yields receipts as files are written."""
        for start, stop in zip(unit["start"].to_pylist(), unit["stop"].to_pylist(), strict=True):
            with self._watch.timing("read"):
                rows = self._read(self._pending.table(start, stop))
            with self._watch.timing("write"):
                receipt = self._write(rows, numbers=range(start, stop))
            (receipt,) = self._watch.onto([receipt])
            yield pa.table({"receipt": [receipt.to_json()]})

    def _read(self, wanted: pa.Table) -> pa.Table:
        """The rows, in the order asked for; that is by file."""
        files = wanted["file"].to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(files[1:] != files[:-1]) + 1).tolist(), len(files)]
        found = []
        for first, last in pairwise(edges):
            filesystem, path = self._work.storage.arrow_filesystem(files[first])
            whole = pq.read_table(path, filesystem=filesystem, schema=RESULTS)
            found.append(whole.take(wanted["file_row"][first:last]))
        return pa.concat_tables(found)

    def _write(self, rows: pa.Table, *, numbers: range) -> Receipt:
        work, now = self._work, datetime.now(UTC)
        renamed = {
            "scoring_id": work.scoring_id,
            "model_version": work.model_version,
            "plan_id": work.plan_id,
            "run_id": work.run_id,
            "tagged_at": now,
        }
        for name, value in renamed.items():
            column = pa.repeat(pa.scalar(value, RESULTS.field(name).type), rows.num_rows)
            rows = rows.set_column(rows.schema.get_field_index(name), RESULTS.field(name), column)
        return write_table(
            rows.cast(RESULTS),
            numbers=numbers,
            table_url=join(work.root_url, RESULTS_LEDGER.name),
            storage=work.storage,
            key=work.scoring_id,
            counted=[True] * rows.num_rows,
        )


def copy_scores(scoring: Scoring, *, config: TagJob, where: str, run_id: str) -> int:
    """Copies what other scorings with the same scores have of the catalog's tracks.

    Args:
        scoring: the one that shall have the rows.
        config: the job.
        where: SQL over columns of the catalog: these tracks only.
        run_id: names the run in the rows.

    Returns:
        How many rows were copied; 0 where there is no such scoring.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    twins = [
        other.scoring_id
        for other in read_scorings(root_url, storage=storage).values()
        if other.scores_id == scoring.scores_id and other.scoring_id != scoring.scoring_id
    ]
    if not scoring.scores_id or not twins:
        return 0
    key, memory_mb = scoring.scoring_id, config.runtime.plan_memory_mb

    def make_planned(connection: duckdb.DuckDBPyConnection) -> None:
        plan_rows(connection, root_url=root_url, storage=storage, twins=twins, where=where)

    with database(memory_mb=memory_mb) as connection:
        make_planned(connection)
        if not connection.sql("SELECT 1 FROM planned LIMIT 1").fetchall():
            return 0
    prepared = prepare(
        RESULTS_LEDGER,
        keys=[key],
        register=make_planned,
        order="file, file_row",
        root_url=root_url,
        storage=storage,
        run_id=f"{run_id}-copy",
        memory_mb=memory_mb,
        part=f"scores of {', '.join(twins)}",
    )
    work = CopyWork(
        root_url=root_url,
        storage=storage,
        pending=prepared.pending,
        scoring_id=key,
        model_version=scoring.model_version,
        plan_id=prepared.plans[key].plan_id,
        run_id=run_id,
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
