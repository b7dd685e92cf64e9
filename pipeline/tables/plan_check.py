"""One plan against its ledger: what became of each planned track."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow.parquet as pq

from pipeline.storage import Storage
from pipeline.tables.ledger import LEDGERS
from pipeline.tables.plan import Plan, plan_url
from pipeline.tables.requeue import TABLE as REQUEUED_TABLE

SHOWN_TRACKS = 3
PLAN_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class PlanCheck:
    """One plan against its ledger.

    Attributes:
        plan: it.
        replaced: whether a later plan stands in its place.
        ok: planned tracks with a result.
        failed: with a reason why there is none.
        requeued: without a row, since they were requeued.
        missing: without a row for no known reason.
        examples: ids of some that are requeued or missing; missing ones first.
    """

    plan: Plan
    replaced: bool
    ok: int
    failed: int
    requeued: int
    missing: int
    examples: tuple[str, ...]

    def line(self) -> str:
        """For the terminal."""
        state = "replaced by a later plan" if self.replaced else "current"
        parts = [f"{self.ok:,} ok", f"{self.failed:,} failed"]
        parts += [f"{self.requeued:,} requeued"] if self.requeued else []
        parts += [f"{self.missing:,} missing"] if self.missing else []
        plan = self.plan
        return (
            f"plan {plan.plan_id} ({plan.table} {plan.key}, {state}): "
            f"{plan.num_tracks:,} planned = {' + '.join(parts)}"
        )

    def fault(self) -> str | None:
        """What is left of a current plan, in words."""
        if self.replaced or not self.missing + self.requeued:
            return None
        total = f"{self.plan.num_tracks:,}"
        lost = f"{self.missing:,} of {total} tracks have no row" if self.missing else ""
        again = f"{self.requeued:,} of {total} are open again (requeued)" if self.requeued else ""
        return (
            f"plan {self.plan.plan_id} is not finished: "
            f"{' and '.join(part for part in (lost, again) if part)} (for example "
            f"{', '.join(self.examples)}); run the same command again"
        )


def check_plan(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    *,
    replaced: bool,
    root_url: str,
    storage: Storage,
) -> PlanCheck:
    """Promise 1: each planned track has a row.

    Args:
        connection: has the ledgers and `requeued` under their names.
        plan: what to check.
        replaced: whether a later plan stands in its place.
        root_url: the workspace.
        storage: how to reach it.
    """
    filesystem, path = storage.arrow_filesystem(plan_url(root_url, plan.plan_id))
    ledger = next(ledger for ledger in LEDGERS if ledger.name == plan.table)
    planned = pq.ParquetFile(filesystem.open_input_file(path))
    connection.execute("CREATE OR REPLACE TEMP TABLE planned (track_id TEXT, audio_version TEXT)")
    for batch in planned.iter_batches(PLAN_BATCH_ROWS, columns=["track_id", "audio_version"]):
        connection.register("planned_batch", batch)
        connection.execute("INSERT INTO planned FROM planned_batch")
    states = connection.execute(
        f"""
        WITH found AS (
            SELECT p.track_id, any_value(r.status) AS status, any_value(q.status) AS requeued
            FROM planned p
            LEFT JOIN (FROM {ledger.name} WHERE {ledger.key_column} = $1) r
                USING (track_id, audio_version)
            LEFT JOIN (SELECT *, 'requeued' AS status FROM {REQUEUED_TABLE}
                WHERE key = $1 AND table_name = $2) q USING (track_id, audio_version)
            GROUP BY p.track_id
        )
        SELECT coalesce(status, requeued, 'missing') AS state, count(*),
            min(track_id, {SHOWN_TRACKS})
        FROM found GROUP BY state
        """,
        [plan.key, plan.table],
    ).fetchall()
    counts = {"ok": 0, "failed": 0, "requeued": 0, "missing": 0}
    counts |= {state: number for state, number, _ in states}
    examples = {state: first for state, _, first in states}
    shown = (*examples.get("missing", ()), *examples.get("requeued", ()))
    return PlanCheck(
        plan,
        replaced,
        ok=counts["ok"],
        failed=counts["failed"],
        requeued=counts["requeued"],
        missing=counts["missing"],
        examples=shown[:SHOWN_TRACKS],
    )
