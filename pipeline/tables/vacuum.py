"""Files of a workspace that belong to nothing: what killed writers, compaction and time leave.

Nothing that a running job may still need is taken: what it writes is younger than the retention
before it is committed, and what it reads was in a version that the retention still covers. Of a
Delta table deltalake says which files those are (it knows when a file left the table, which the
file does not show); parts of features are those that no row of the feature index leads to.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from pipeline.errors import ConfigError, TableError
from pipeline.schemas import CATALOG, CURRENT, FEATURE_INDEX, REQUEUED, TAGS
from pipeline.storage import Storage, absolute, join
from pipeline.tables import delta
from pipeline.tables.database import database, register
from pipeline.tables.ledger import LEDGERS
from pipeline.tables.listing import FILES, list_files
from pipeline.tables.plan import read_plans

RETENTION_HOURS = 168
SAFE_HOURS = 24
THREADS = 16
DELETE_ROWS = 10_000
TABLES = {ledger.name: ledger.schema for ledger in LEDGERS} | {
    "catalog": CATALOG,
    "tags": TAGS,
    "current": CURRENT,
    "requeued": REQUEUED,
}
RECENT = {"results": "tagged_at", "feature_index": "made_at", "descriptors": "made_at"}
"""When a row of each ledger was made."""
TEMPORARY = r"(^|/)\.[^/]+\.[0-9a-f]{32}\.part$"


class Action(enum.StrEnum):
    """What is done with what is found."""

    SHOW = "show"
    DELETE = "delete"


@dataclass(frozen=True)
class Garbage:
    """Files of one kind: how many, and how many bytes they take."""

    kind: str
    files: int
    size_bytes: int


@dataclass
class VacuumReport:
    """What was found, and whether it was deleted."""

    action: Action
    hours: int
    garbage: list[Garbage] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [f"{g.kind}: {g.files:,} files, {g.size_bytes / 1e6:,.1f} MB" for g in self.garbage]
        files = sum(one.files for one in self.garbage)
        size = sum(one.size_bytes for one in self.garbage) / 1e6
        total = f"{files:,} files, {size:,.1f} MB, that nothing needs since {self.hours} hours"
        if not files:
            return [f"there is no file that nothing needs since {self.hours} hours"]
        done = self.action is Action.DELETE
        return [*lines, f"deleted: {total}" if done else f"{total}; --yes deletes them"]


def check_retention(hours: int, *, idle: bool) -> None:
    """Refuses a retention under which a running job could lose its files.

    Args:
        hours: the retention.
        idle: whether the user says that nothing runs.

    Raises:
        ConfigError: it is too short.
    """
    if hours < SAFE_HOURS and not idle:
        raise ConfigError(
            f"--hours {hours}: files under {SAFE_HOURS} hours may belong to a job that runs, or to "
            "someone who reads. Give more hours, or --nothing-runs if no job and no query runs."
        )


def vacuum(
    root_url: str, *, storage: Storage, memory_mb: int, hours: int, action: Action
) -> VacuumReport:
    """Finds files that belong to nothing, and deletes them if asked to.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        hours: files that were needed or written in that time stay; see `check_retention`.
        action: show or delete.

    Raises:
        TableError: no table is there, or a folder of one holds something else.
    """
    root_url = absolute(root_url)
    opened = {
        name: delta.open_existing(join(root_url, name), storage=storage, schema=schema)
        for name, schema in TABLES.items()
    }
    tables = {name: table for name, table in opened.items() if table is not None}
    if not tables:
        raise TableError(f"there is no workspace at {root_url}: none of {', '.join(TABLES)}")
    before_s = time.time() - hours * 3600
    with database(memory_mb=memory_mb) as connection:
        found = _Found(connection, root_url, storage, before_s)
        found.list_all(tuple(tables))
        for name, table in tables.items():
            found.add(f"{name}: files of no version", _unlisted(table, name=name, hours=hours))
        found.add_parts()
        found.add_plans()
        found.add_pending()
        found.add_temporary()
        report = VacuumReport(action, hours, found.counted())
        if action is Action.DELETE:
            for table in tables.values():
                _vacuum_table(table, hours=hours)
            found.delete()
    return report


def _unlisted(table: DeltaTable, *, name: str, hours: int) -> list[str]:
    names = table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)
    return [join(name, one) for one in names]


def _vacuum_table(table: DeltaTable, *, hours: int) -> None:
    if table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True):
        table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True)


@dataclass(frozen=True)
class _Found:
    """DuckDB tables: `files`, all that is there, and `garbage`, what belongs to nothing."""

    connection: duckdb.DuckDBPyConnection
    root_url: str
    storage: Storage
    before_s: float

    def list_all(self, tables: tuple[str, ...]) -> None:
        self.connection.register("batch", FILES.empty_table())
        self.connection.execute("CREATE TABLE files AS FROM batch")
        self.connection.execute("CREATE TABLE garbage (kind TEXT, path TEXT, by_delta BOOLEAN)")
        for batch in list_files(self.root_url, storage=self.storage, tables=tables):
            self.connection.register("batch", batch)
            self.connection.execute("INSERT INTO files FROM batch")

    def add(self, kind: str, paths: Iterable[str]) -> None:
        """Files that deltalake deletes."""
        self.connection.register("named", pa.table({"path": pa.array(paths, pa.string())}))
        self.connection.execute("INSERT INTO garbage SELECT $1, path, true FROM named", [kind])

    def add_parts(self) -> None:
        register(
            self.connection,
            "feature_index",
            root_url=self.root_url,
            storage=self.storage,
            schema=FEATURE_INDEX,
        )
        self._add(
            "features: parts of no track",
            "regexp_matches(path, '^features/[^/]+/part-[^/]+\\.parquet$') AND NOT EXISTS "
            "(FROM feature_index i WHERE 'features/' || i.part = path)",
        )

    def add_plans(self) -> None:
        """Plans in whose place a later one stands."""
        plans = read_plans(self.root_url, storage=self.storage)
        latest = {(plan.table, plan.key, plan.part): plan.plan_id for plan in plans}
        replaced = set({plan.plan_id for plan in plans} - set(latest.values()))
        names = [f"plans/{plan_id}.parquet" for plan_id in sorted(replaced)]
        self.connection.register("named", pa.table({"path": pa.array(names, pa.string())}))
        self._add("plans: replaced by later ones", "path IN (SELECT path FROM named)")

    def add_pending(self) -> None:
        """Lists of work whose run has committed nothing of late: a long one may still read its."""
        recent = " UNION ALL ".join(
            f"SELECT run_id FROM {name} WHERE epoch({at}) >= {self.before_s}"
            for name, at in RECENT.items()
        )
        for ledger in LEDGERS:
            register(
                self.connection,
                ledger.name,
                root_url=self.root_url,
                storage=self.storage,
                schema=ledger.schema,
            )
        self._add(
            "plans: lists of work of runs that ended",
            "regexp_matches(path, '^plans/pending/[^/.][^/]*\\.parquet$') AND NOT EXISTS "
            f"(FROM ({recent}) WHERE 'plans/pending/' || run_id || '.parquet' = path)",
        )

    def add_temporary(self) -> None:
        self._add("half-written files", f"regexp_matches(path, '{TEMPORARY}')")

    def _add(self, kind: str, condition: str) -> None:
        self.connection.execute(
            f"INSERT INTO garbage SELECT $1, path, false FROM files "
            f"WHERE changed_at_s < {self.before_s} AND {condition}",
            [kind],
        )

    def counted(self) -> list[Garbage]:
        rows = self.connection.sql(
            "SELECT kind, count(*), coalesce(sum(size_bytes), 0)::BIGINT FROM garbage "
            "LEFT JOIN files USING (path) GROUP BY kind ORDER BY kind"
        ).fetchall()
        return [Garbage(*row) for row in rows]

    def delete(self) -> None:
        """What deltalake does not delete."""

        def remove(path: str) -> None:
            with suppress(FileNotFoundError):
                self.storage.delete(join(self.root_url, path))

        rows = self.connection.sql("SELECT path FROM garbage WHERE NOT by_delta")
        with ThreadPoolExecutor(THREADS) as pool:
            for batch in rows.to_arrow_reader(DELETE_ROWS):
                for _ in pool.map(remove, batch["path"].to_pylist()):
                    pass
