"""Proof from storage alone that nothing is lost, nothing is there twice, and commits are whole.

Each plan says which rows must be there; the ledgers say which are. Nothing that a run remembers is
asked. A plan that a later one for the same key and part of the catalog has replaced (the catalog
changed) is not held against its ledger; its rows are still checked for doubles. A planned track
without a row is open if `earmark requeue` took its failed row out, else missing; either way the
plan is not finished.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from pipeline.errors import Reason, TableError
from pipeline.schemas import REQUEUED
from pipeline.storage import Storage, absolute, join
from pipeline.tables import delta
from pipeline.tables.database import database, register
from pipeline.tables.footers import rows_of_files
from pipeline.tables.ledger import LEDGERS, Ledger
from pipeline.tables.plan import read_plans
from pipeline.tables.plan_check import PlanCheck, check_plan
from pipeline.tables.requeue import TABLE as REQUEUED_TABLE

SHOWN = 10
CONTENT = {"feature_index": "part", "descriptors": "duration_s", "results": "scores"}
"""A column of each ledger that no row with status ok lacks."""


@dataclass
class VerifyReport:
    """What storage says.

    Attributes:
        plans: each plan against its ledger.
        files: data files that the ledgers list.
        faults: sentences, each a broken promise.
        orphans: files that no current version lists: of writers that were killed, or replaced
            by compaction. Readers do not see them; `earmark vacuum` removes them.
    """

    plans: list[PlanCheck] = field(default_factory=list)
    files: int = 0
    faults: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every promise is kept and every current plan is finished."""
        return not self.faults

    def facts(self) -> dict[str, object]:
        """For programs."""
        return {"holds": self.holds, **vars(self)}

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [check.line() for check in self.plans]
        lines.append(f"{self.files:,} committed files are whole, {len(self.orphans):,} orphans")
        lines += [f"FAULT: {fault}" for fault in self.faults]
        lines.append("verified" if self.holds else f"{len(self.faults)} fault(s)")
        return lines


def verify(root_url: str, *, storage: Storage, memory_mb: int) -> VerifyReport:
    """Checks every plan and ledger of a workspace.

    Raises:
        TableError: there is no plan, so there is nothing to verify.
    """
    root_url = absolute(root_url)
    report = VerifyReport()
    plans = read_plans(root_url, storage=storage)
    if not plans:
        raise TableError(
            f"there is no plan in {root_url}: no features, describe or tag run has started"
        )
    with database(memory_mb=memory_mb) as connection:
        for ledger in LEDGERS:
            url = ledger.url(root_url)
            table = delta.open_existing(url, storage=storage, schema=ledger.schema)
            if table is not None and not _all_there(report, table, url=url, storage=storage):
                return report  # rows can only be counted when every file is there
            register(
                connection, ledger.name, root_url=root_url, storage=storage, schema=ledger.schema
            )
            _check_rows(report, connection, ledger=ledger)
        register(connection, REQUEUED_TABLE, root_url=root_url, storage=storage, schema=REQUEUED)
        latest = {(plan.table, plan.key, plan.part): plan.plan_id for plan in plans}
        for plan in plans:
            replaced = latest[plan.table, plan.key, plan.part] != plan.plan_id
            check = check_plan(
                connection, plan, replaced=replaced, root_url=root_url, storage=storage
            )
            report.plans.append(check)
            if (fault := check.fault()) is not None:
                report.faults.append(fault)
        _check_parts(report, connection, root_url=root_url, storage=storage)
    return report


def _all_there(report: VerifyReport, table: DeltaTable, *, url: str, storage: Storage) -> bool:
    """Promise 4: every listed file is there, whole, with the rows that the log says."""
    faults_before = len(report.faults)
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    listed = {
        join(url, unquote(action["path"])): (action["size_bytes"], action["num_records"])
        for action in actions
    }
    there = {
        entry.url: entry.size_bytes
        for entry in storage.walk(url)
        if "/_delta_log/" not in entry.url
    }
    report.files += len(listed)
    report.faults += [f"{uri} is listed but not there" for uri in listed if uri not in there]
    found = rows_of_files((uri for uri in listed if uri in there), storage=storage)
    for uri, rows in found.items():
        size_bytes, num_records = listed[uri]
        if isinstance(rows, str):
            report.faults.append(f"{uri} {rows}")
        elif (there[uri], rows) != (size_bytes, num_records):
            report.faults.append(
                f"{uri} has {rows} rows in {there[uri]} bytes; the log says "
                f"{num_records} rows in {size_bytes} bytes"
            )
    report.orphans += [uri for uri in there if uri not in listed]
    return len(report.faults) == faults_before


def _check_rows(
    report: VerifyReport, connection: duckdb.DuckDBPyConnection, *, ledger: Ledger
) -> None:
    """Promise 2, and that every row says what happened."""
    key = f"track_id, audio_version, {ledger.key_column}"
    doubled = connection.sql(
        f"SELECT {key}, count(*) FROM {ledger.name} GROUP BY ALL HAVING count(*) > 1 LIMIT {SHOWN}"
    ).fetchall()
    report.faults += [
        f"{ledger.name}: track {track} ({version}) stands {count} times under {scoring}"
        for track, version, scoring, count in doubled
    ]
    reasons = ", ".join(f"'{reason}'" for reason in Reason)
    content = CONTENT[ledger.name]
    mute = connection.sql(
        f"SELECT track_id, status, reason FROM {ledger.name} WHERE status NOT IN ('ok', 'failed') "
        f"OR (status = 'failed' AND (reason IS NULL OR reason NOT IN ({reasons}))) "
        f"OR (status = 'ok' AND {content} IS NULL) LIMIT {SHOWN}"
    ).fetchall()
    report.faults += [
        f"{ledger.name}: track {track} has status {status}, reason {reason}"
        for track, status, reason in mute
    ]


def _check_parts(
    report: VerifyReport,
    connection: duckdb.DuckDBPyConnection,
    *,
    root_url: str,
    storage: Storage,
) -> None:
    """The parts that the feature index leads to are there, with enough rows."""
    parts = connection.sql(
        "SELECT part, max(first_row + num_rows) FROM feature_index WHERE status = 'ok' "
        "GROUP BY part"
    ).fetchall()
    needed = {join(root_url, "features", part): num_rows for part, num_rows in parts}
    for url, found in rows_of_files(needed, storage=storage).items():
        if isinstance(found, str):
            report.faults.append(f"{url} is in the feature index but {found}")
        elif found < needed[url]:
            report.faults.append(f"{url} has {found} rows; the feature index needs {needed[url]}")
