"""A job's driver in a process of its own: it joins a cluster, runs one verb, breaks where told."""

from __future__ import annotations

import enum
import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import ray.data  # noqa: F401 - takes seconds, and so is there before the driver is forked
from deltalake import DeltaTable
from fault_workers import FaultyExtract, FaultyScore, Orders
from workspace import features_job, tag_job

from pipeline.errors import UserError
from pipeline.stages import cluster, extract_catalog, tag_catalog
from pipeline.tables.ledger import Committer

MEETING_S = 60
SETTINGS = (
    "runtime.commit_every_s=0.05",
    "runtime.unit_tracks=4",
    "runtime.file_tracks=2",
    "runtime.num_cpus_per_actor=0.5",
    "runtime.decode_timeout_s=6",
)


class DriverFault(enum.StrEnum):
    """What befalls a driver."""

    KILLED_BEFORE = "killed before a commit"
    KILLED_AFTER = "killed after a commit"
    KILLED_WITH_RECEIPT = "killed between file and receipt"
    LOST_ANSWER = "answer to a commit lost"


@dataclass(frozen=True)
class Job:
    """One submission.

    Attributes:
        verb: features or tag.
        root_url: the workspace.
        ray_address: the cluster.
        name: of the run; its log and outcome are NAME.log and NAME.json in `folder`.
        folder: for what the test looks at afterwards.
        orders: for the workers.
        fault: of the driver.
        number: which commit, or receipt, counted from 1.
        num_actors: workers.
        max_restarts: of a worker; None: what the pipeline says.
        meets: name of another job; neither goes on before both have planned.
    """

    verb: str
    root_url: Path
    ray_address: str
    name: str
    folder: Path
    orders: Orders = field(default_factory=Orders)
    fault: DriverFault | None = None
    number: int = 1
    num_actors: int = 1
    max_restarts: int | None = None
    meets: str | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def outcome(self) -> Path:
        return self.folder / f"{self.name}.json"


def drive(job: Job) -> None:
    """Runs the job; its outcome is a message, empty when all went well."""
    log = os.open(job.log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _break_commits(job)
    _break_receipts(job)
    if job.max_restarts is not None:
        cluster.MAX_RESTARTS = job.max_restarts
    for module in (tag_catalog, extract_catalog):
        module.run = _with_orders(module.run, job)
    settings = (
        *SETTINGS,
        f"runtime.ray_address='{job.ray_address}'",
        f"runtime.num_actors={job.num_actors}",
    )
    try:
        if job.verb == "tag":
            tag_catalog.tag_catalog(tag_job(job.root_url, *settings), run_id=job.name)
        else:
            extract_catalog.extract_catalog(features_job(job.root_url, *settings), run_id=job.name)
        message = ""
    except UserError as error:
        message = str(error)
    job.outcome.write_text(json.dumps({"message": message}))


def _with_orders(run, job: Job):
    def run_with_orders(worker, *, work, **rest):
        _meet(job)
        faulty = {"ScoreTracks": FaultyScore, "ExtractTracks": FaultyExtract}[worker.__name__]
        return run(faulty, work=(work, job.orders), **rest)

    return run_with_orders


def _meet(job: Job) -> None:
    if job.meets is None:
        return
    (job.folder / f"{job.name}.planned").touch()
    deadline = time.monotonic() + MEETING_S
    while not (job.folder / f"{job.meets}.planned").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job.meets} has not planned within {MEETING_S} s")
        time.sleep(0.01)


def _break_commits(job: Job) -> None:
    commit, done = DeltaTable.create_write_transaction, 0

    def commit_and_break(table, *args, **kwargs):
        nonlocal done
        if done + 1 == job.number and job.fault is DriverFault.KILLED_BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(table, *args, **kwargs)
        done += 1  # one that another job's commit made fail is tried again, and does not count
        if done == job.number and job.fault is DriverFault.KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        if done == job.number and job.fault is DriverFault.LOST_ANSWER:
            (job.folder / f"{job.name}.lost").touch()
            raise ConnectionResetError("connection reset by peer (by the test)")

    DeltaTable.create_write_transaction = commit_and_break


def _break_receipts(job: Job) -> None:
    if job.fault is not DriverFault.KILLED_WITH_RECEIPT:
        return
    add, taken = Committer.add, 0

    def add_or_break(committer, receipt):
        nonlocal taken
        taken += 1
        if taken == job.number:
            os.kill(os.getpid(), signal.SIGKILL)
        return add(committer, receipt)

    Committer.add = add_or_break
