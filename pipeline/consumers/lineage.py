"""Where every row about a track comes from: its chain of run, plan, model, code and commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from pipeline.consumers.lineage_models import model_facts
from pipeline.storage import Storage, absolute, join
from pipeline.tables.commits import Commit, read_commits
from pipeline.tables.current import MADE_CURRENT, read_current
from pipeline.tables.database import database
from pipeline.tables.plan import plan_url, read_plan
from pipeline.tables.run_record import RunRecord, read_records, record_url
from pipeline.tables.scorings import read_scorings
from pipeline.tables.show import find_track
from pipeline.tables.track_rows import COLUMNS, track_rows

Row = dict[str, Any]
LookUp = Callable[[Sequence[str]], Mapping[str, Row]]
NO_RECORD = "not recorded (before runs were kept in the workspace)"
NO_NOTE = "not recorded (before commits named their code)"
NO_LOG = "not recorded (this part of the table's log was cleaned up)"
NO_PLAN = "not kept (a later plan for the same work has replaced it)"
NO_MOVE = "not recorded (before commits named what they made current)"


@dataclass(frozen=True)
class Lineage:
    """What is recorded of a track.

    Attributes:
        track_id: its identity.
        rows: of each table, its rows; `stored` says the file, the version and the commit.
        scorings: by scoring_id: model, weights, taxonomy, thresholds, base of a taught tag.
        runs: by run_id: verb, times, code, configuration, MLflow's names, versions committed.
        plans: by plan_id.
        shown: of each scoring, since when views show it and by which commits it was made current.
    """

    track_id: str
    rows: dict[str, list[Row]]
    scorings: dict[str, Row]
    runs: dict[str, Row]
    plans: dict[str, Row]
    shown: dict[str, Row]

    def facts(self) -> Row:
        """For machines; what is not recorded is null, and `not_recorded` says why."""
        return asdict(self)


def known_track(connection: DuckDBPyConnection, *, track: str) -> str:
    """The id of a track of the catalog, or of one that only ledgers still have, by its whole id.

    Args:
        connection: from `open_views`.
        track: as `find_track` takes it.

    Raises:
        UserError: no track, or several, are meant.
    """
    whole = connection.execute(
        "SELECT 1 FROM (SELECT track_id FROM results UNION ALL SELECT track_id FROM descriptors) "
        "WHERE track_id = $1 LIMIT 1",
        [track],
    ).fetchone()
    return track if whole else find_track(connection, track=track)


def lineage(
    track_id: str, *, root_url: str, storage: Storage, memory_mb: int, look_up: LookUp | None
) -> Lineage:
    """Collects the chain of every row.

    Args:
        track_id: the track.
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        look_up: asks MLflow for runs that the workspace has no record of; None: it is not asked.

    Raises:
        TableError: a table or a record that is not what it should be.
    """
    root_url = absolute(root_url)
    rows, commits = {}, {}
    with database(memory_mb=memory_mb) as connection:
        for table in COLUMNS:
            rows[table] = track_rows(
                connection, table=table, track_id=track_id, root_url=root_url, storage=storage
            )
            files = {row["file"] for row in rows[table]}
            url = join(root_url, table)
            commits[table] = read_commits(url, storage=storage, files=files) if files else {}
            for row in rows[table]:
                row["stored"] = _stored(row.pop("file"), row=row, url=url, commits=commits[table])
    noted = [row["stored"]["commit"] for of_table in rows.values() for row in of_table]
    named = [row.get("run_id") for of_table in rows.values() for row in of_table]
    shown = _shown(rows, root_url=root_url, storage=storage)
    named += [commit["run_id"] for commit in noted if commit]
    named += [move["run_id"] for one in shown.values() for move in one["moves"]]
    run_ids = list(dict.fromkeys(filter(None, named)))
    return Lineage(
        track_id=track_id,
        rows=rows,
        scorings=_scorings(rows, root_url=root_url, storage=storage),
        runs=_runs(run_ids, root_url=root_url, storage=storage, look_up=look_up),
        plans=_plans(rows, root_url=root_url, storage=storage),
        shown=shown,
    )


def _stored(file: str, *, row: Row, url: str, commits: Mapping[int, Commit]) -> Row:
    """The file that holds a row, the commit that listed it, and the versions that may have it."""
    holder = next((one for one in commits.values() if file in one.files), None)
    stored: Row = {"table_url": url, "file": file, "commit": None, "added_in": []}
    if holder is None:
        return stored | {"not_recorded": NO_LOG}
    stored["commit"] = _commit(holder)
    if "maintenance" not in holder.note:
        stored["added_in"] = [holder.version]
    else:  # rewritten: of the versions before, those of the row's run and key
        key = row.get("scoring_id") or row.get("spec_id")
        stored["added_in"] = [
            one.version
            for one in commits.values()
            if row.get("run_id") == one.run_id != "" and key in one.applications
        ]
    return stored


def _commit(commit: Commit) -> Row:
    facts: Row = {"version": commit.version, "at": commit.at.isoformat(), "run_id": commit.run_id}
    facts |= {"operation": commit.operation, "note": commit.note}
    return facts if "sources_sha256" in commit.note else facts | {"not_recorded": NO_NOTE}


def _scorings(rows: Mapping[str, list[Row]], *, root_url: str, storage: Storage) -> dict[str, Row]:
    known = read_scorings(root_url, storage=storage)
    wanted = dict.fromkeys(row["scoring_id"] for row in (*rows["results"], *rows["tags"]))
    return {
        key: model_facts(known[key], known=known, root_url=root_url, storage=storage)
        if key in known
        else {"not_recorded": f"nothing describes it: scorings/{key}.json is gone"}
        for key in wanted
    }


def _plans(rows: Mapping[str, list[Row]], *, root_url: str, storage: Storage) -> dict[str, Row]:
    plans: dict[str, Row] = {}
    for plan_id in dict.fromkeys(row.get("plan_id") for of in rows.values() for row in of):
        if plan_id is None:
            continue
        plans[plan_id] = {"not_recorded": NO_PLAN}
        with suppress(FileNotFoundError):
            plans[plan_id] = asdict(read_plan(plan_url(root_url, plan_id), storage=storage))
    return plans


def _runs(
    run_ids: Sequence[str], *, root_url: str, storage: Storage, look_up: LookUp | None
) -> dict[str, Row]:
    records = read_records(root_url, storage=storage, run_ids=run_ids)
    missing = [run_id for run_id in run_ids if run_id not in records]
    found = look_up(missing) if look_up and missing else {}
    asked = {"mlflow_asked": look_up is not None}
    return {
        run_id: _recorded(records[run_id], root_url=root_url)
        if run_id in records
        else {"run_id": run_id, **found.get(run_id, {}), "not_recorded": NO_RECORD, **asked}
        for run_id in run_ids
    }


def _recorded(record: RunRecord, *, root_url: str) -> Row:
    return asdict(record) | {
        "config_sha256": record.config_sha256,
        "record_url": record_url(root_url, record.run_id),
    }


def _shown(rows: Mapping[str, list[Row]], *, root_url: str, storage: Storage) -> dict[str, Row]:
    """What `current` and its log say of the track's scorings."""
    current = {
        row["scoring_id"]: row["since"].isoformat()
        for row in read_current(root_url, storage=storage).to_pylist()
    }
    log = read_commits(join(root_url, "current"), storage=storage)
    shown: dict[str, Row] = {}
    for key in dict.fromkeys(row["scoring_id"] for row in (*rows["results"], *rows["tags"])):
        moves = [
            _commit(commit)
            for commit in log.values()
            if any(
                move.endswith(f"={key}") for move in commit.note.get(MADE_CURRENT, "").split(", ")
            )
        ]
        if key in current or moves:
            shown[key] = {"since": current.get(key), "moves": moves}
            if not moves:
                shown[key]["not_recorded"] = NO_MOVE
    return shown
