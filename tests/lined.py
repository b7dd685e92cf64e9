"""Workspaces whose rows have a whole lineage: tracked runs that commit, without audio or Ray."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ledgered import start
from tagged import STORAGE, failed, ok, scoring, track, write_scorings, write_tracks
from tracking_database import give_database
from workspace import tag_job

from pipeline.schemas import RESULTS
from pipeline.tables.receipt import write_rows
from pipeline.tables.tags import publish
from pipeline.tracking import tracked

SCORES = [0.1, 0.9, 0.4, 0.2]


def tag_tracks(root: Path, tracks: Iterable[str], *, key: str = "s1", bad: str = "") -> str:
    """A tracked run that commits a row a track under a scoring; gives its id."""
    give_database(root)
    job = tag_job(root)
    with tracked(job, verb="tag", root_url=str(root), tracking=job.tracking) as run:
        commit_rows(root, tracks, run_id=run.run_id, key=key, bad=bad)
    return run.run_id


def commit_rows(
    root: Path, tracks: Iterable[str], *, run_id: str, key: str = "s1", bad: str = ""
) -> None:
    """What a run does: plan, files, receipts, one commit."""
    prepared = start(root, tracks=tracks, run_id=run_id, key=key)
    own = {"run_id": run_id, "plan_id": prepared.plans[key].plan_id}
    rows = [
        (failed(t, "undecodable", by=key) if t == bad else ok(t, SCORES, by=key)) | own
        for t in tracks
    ]
    receipt = write_rows(
        rows,
        numbers=range(len(rows)),
        table_url=f"{root}/results",
        storage=STORAGE,
        schema=RESULTS,
        key=key,
        counted=[True] * len(rows),
    )
    prepared.committers[key].add(receipt)
    prepared.committers[key].commit()


def lined_workspace(root: Path) -> str:
    """t1 and t2 tagged and published, t3 failed, all by one tracked run; gives the run's id."""
    write_tracks(root, [track(f"t{i}") for i in (1, 2, 3)])
    write_scorings(root, scoring("s1"))
    run_id = tag_tracks(root, ["t1", "t2", "t3"], bad="t3")
    publish(str(root), storage=STORAGE, memory_mb=200)
    return run_id
