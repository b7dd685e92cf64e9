"""Before a ledgered run starts: its plans, what is left of them, and who commits.

The committers' handles are opened first and the pending work is computed from a later state of the
table: a commit that another job makes in between is either seen here or makes ours fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import duckdb

from pipeline.storage import Storage
from pipeline.tables import delta
from pipeline.tables.database import database
from pipeline.tables.ledger import Committer, Ledger
from pipeline.tables.pending import Pending, write_pending
from pipeline.tables.plan import Plan, make_plan
from pipeline.tables.workload import Workload


@dataclass(frozen=True)
class Prepared:
    """A run that can start.

    Attributes:
        run_id: the run.
        plans: by key.
        committers: by key.
        pending: tracks that have no row yet under one key at least.
        workload: their seconds of audio.
    """

    run_id: str
    plans: dict[str, Plan]
    committers: dict[str, Committer]
    pending: Pending
    workload: Workload

    @property
    def num_planned(self) -> int:
        """Rows that the run's plans ask for."""
        return sum(plan.num_tracks for plan in self.plans.values())


def prepare(
    ledger: Ledger,
    *,
    keys: Sequence[str],
    register: Callable[[duckdb.DuckDBPyConnection], None],
    order: str,
    root_url: str,
    storage: Storage,
    run_id: str,
    memory_mb: int,
    part: str = "",
) -> Prepared:
    """Writes the plans and the pending file.

    Args:
        ledger: the table.
        keys: what every planned track shall have a row under.
        register: makes the view `planned` (track_id, audio_version, uri, work_s, ...).
        order: columns of `planned` that the work is sorted by.
        root_url: the workspace.
        storage: how to reach it.
        run_id: the run.
        memory_mb: of DuckDB.
        part: of the catalog that `planned` is, in words; empty: all of it.

    Raises:
        TableError: nothing to plan, duplicate track ids, or a path that holds something else.
    """
    with database(memory_mb=memory_mb) as connection:
        register(connection)
        plan = partial(make_plan, connection, root_url=root_url, storage=storage, part=part)
        plans = {key: plan(key=key, table=ledger.name) for key in keys}
        committers = {
            key: Committer(ledger, root_url=root_url, storage=storage, key=key, run_id=run_id)
            for key in keys
        }
        table = delta.open_existing(ledger.url(root_url), storage=storage, schema=ledger.schema)
        delta.parquet_source(
            connection, name="committed", table=table, schema=ledger.schema, storage=storage
        )
        pending, workload = write_pending(
            connection,
            root_url=root_url,
            storage=storage,
            run_id=run_id,
            keys=keys,
            key_column=ledger.key_column,
            order=order,
        )
    for committer in committers.values():
        committer.start(pending.num_tracks)
    return Prepared(run_id, plans, committers, pending, workload)
