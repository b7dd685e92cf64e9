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
from pipeline.tables.pending import Pending, open_rows, write_pending
from pipeline.tables.plan import Plan, make_plan
from pipeline.tables.workload import Workload


@dataclass(frozen=True)
class Asked:
    """What a run is asked to do.

    Attributes:
        ledger: the table.
        keys: what every planned track shall have a row under.
        register: makes the view `planned` (track_id, audio_version, uri, work_s, ...).
        order: columns of `planned` that the work is sorted by.
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB.
        part: of the catalog that `planned` is, in words; empty: all of it.
    """

    ledger: Ledger
    keys: Sequence[str]
    register: Callable[[duckdb.DuckDBPyConnection], None]
    order: str
    root_url: str
    storage: Storage
    memory_mb: int
    part: str = ""


@dataclass(frozen=True)
class Foreseen:
    """What a run would do.

    Attributes:
        tracks: that are planned.
        num_open: of them, those that lack a row under one key at least.
        open_by_key: by key, those that lack its row.
        audio_s: of the open ones, seconds, as their headers say.
    """

    tracks: int
    num_open: int
    open_by_key: dict[str, int]
    audio_s: float

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [
            f"{self.num_open:,} of {self.tracks:,} tracks ({self.audio_s / 3600:.2f} h of audio) "
            "are to be done"
        ]
        return lines + [f"  {key}: {count:,}" for key, count in self.open_by_key.items()]


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


def prepare(asked: Asked, *, run_id: str) -> Prepared:
    """Writes the plans and the pending file.

    Args:
        asked: what is to be done.
        run_id: the run.

    Raises:
        TableError: nothing to plan, duplicate track ids, or a path that holds something else.
    """
    ledger, root_url, storage = asked.ledger, asked.root_url, asked.storage
    with database(memory_mb=asked.memory_mb) as connection:
        asked.register(connection)
        plan = partial(make_plan, connection, root_url=root_url, storage=storage, part=asked.part)
        plans = {key: plan(key=key, table=ledger.name) for key in asked.keys}
        committers = {
            key: Committer(ledger, root_url=root_url, storage=storage, key=key, run_id=run_id)
            for key in asked.keys
        }
        _register_committed(connection, asked=asked)
        pending, workload = write_pending(
            connection,
            root_url=root_url,
            storage=storage,
            run_id=run_id,
            keys=asked.keys,
            key_column=ledger.key_column,
            order=asked.order,
        )
    for committer in committers.values():
        committer.start(pending.num_tracks)
    return Prepared(run_id, plans, committers, pending, workload)


def foresee(asked: Asked) -> Foreseen:
    """What `prepare` would find now; writes nothing.

    Raises:
        TableError: a path that holds something else.
    """
    with database(memory_mb=asked.memory_mb) as connection:
        asked.register(connection)
        _register_committed(connection, asked=asked)
        ((tracks,),) = connection.sql("SELECT count(*) FROM planned").fetchall()
        rows = open_rows(asked.keys, key_column=asked.ledger.key_column, order=asked.order)
        ((num_open, audio_s, *counts),) = connection.sql(
            f"SELECT count(*), coalesce(sum(work_s), 0), "
            f"{', '.join(f'count_if(list_contains(todo, {i}))' for i in range(len(asked.keys)))} "
            f"FROM ({rows})"
        ).fetchall()
    return Foreseen(tracks, num_open, dict(zip(asked.keys, counts, strict=True)), audio_s)


def _register_committed(connection: duckdb.DuckDBPyConnection, *, asked: Asked) -> None:
    ledger, storage = asked.ledger, asked.storage
    table = delta.open_existing(ledger.url(asked.root_url), storage=storage, schema=ledger.schema)
    delta.parquet_source(
        connection, name="committed", table=table, schema=ledger.schema, storage=storage
    )
