"""Submitted jobs of a Ray cluster, through its Jobs API: submit or attach, list, stop.

Facts behind it (Ray 2.60): a submission id is taken once, so two submitters cannot both start an
attempt; ids are forgotten with the cluster's head; RAY_API_SERVER_ADDRESS and RAY_ADDRESS stand
over any address that the client is given, so they are hidden from it; the supervisor of a job reads
RAY_JOB_STOP_WAIT_TIME_S from the job's own runtime environment, and sends SIGTERM, then SIGKILL;
values of `env_vars` can be read by whoever has the cluster's token.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.exceptions import AuthenticationError, RayError
from ray.job_submission import JobSubmissionClient, JobType

from pipeline.config_submit import ClusterConfig, WhileAlive
from pipeline.errors import UserError
from pipeline.stages.submission_address import ADDRESS_VARIABLES, HOW, Door, find_door, refuse_open
from pipeline.stages.submission_id import SubmissionId, next_attempt, parse_id
from pipeline.stages.submission_job import SubmittedJob
from pipeline.stages.submission_request import VERB, WORKSPACE, Request

STARTING_S = 120.0
"""How long a head that has just started may have nobody to take jobs."""
NOT_YET, TAKEN = "No available agent", "already exists"
"""What Ray answers (dashboard/modules/job/job_head.py, job_manager.py)."""
POLL_S = 1.0


@dataclass(frozen=True)
class Submission:
    """What became of a request: the job, and whether this call started it."""

    job: SubmittedJob
    is_new: bool

    def line(self, *, address: str) -> str:
        """For the terminal."""
        if not self.is_new:
            return (
                f"{self.job.id} on {address} is {self.job.status.lower()} already: attached to it; "
                "what this call says of runtime and driver does not reach it"
            )
        known = parse_id(self.job.id)
        again = known is not None and known.attempt > 1
        return f"{self.job.id} on {address}" + (
            ": goes on with what is not committed" if again else ""
        )


class Jobs:
    """The submitted jobs of one cluster."""

    def __init__(self, client: JobSubmissionClient, *, door: Door) -> None:
        self._client = client
        self.door = door

    def list(self, *, workspace: str | None = None) -> list[SubmittedJob]:
        """All that the cluster knows, the newest first.

        Args:
            workspace: only those on the tables of this URL; None: all.
        """
        with self._answers():
            details = self._client.list_jobs()
        jobs = [_job(detail) for detail in details if detail.type == JobType.SUBMISSION]
        mine = [job for job in jobs if workspace is None or job.workspace == workspace]
        return sorted(mine, key=lambda job: (job.started_s, job.id), reverse=True)

    def find(self, name: str, *, workspace: str | None = None) -> SubmittedJob:
        """A job by its id, or by a beginning that only one job has: then its last attempt.

        Raises:
            UserError: none is called so, or several are.
        """
        jobs = self.list(workspace=workspace)
        found = [job for job in jobs if job.id == name]
        found = found or [job for job in jobs if job.id.startswith(name)]
        if not found:
            raise UserError(f"{self.door.url} has no job {name}; earmark jobs lists what it has")
        newest = found[0]
        for job in found[1:]:
            first = parse_id(newest.id)
            if first is None or not first.is_same_job(parse_id(job.id)):
                raise UserError(f"{name} begins several jobs: {newest.id}, {job.id}, ...")
        return newest

    def read(self, job_id: str) -> SubmittedJob:
        """A job as it is now."""
        with self._answers():
            return _job(self._client.get_job_info(job_id))

    def log(self, job_id: str) -> str:
        """All that a job has written until now."""
        with self._answers():
            text: str = self._client.get_job_logs(job_id)
            return text

    def tail(self, job_id: str) -> AsyncIterator[str]:
        """The log from its beginning, piece by piece, until the job ends."""
        pieces: AsyncIterator[str] = self._client.tail_job_logs(job_id)
        return pieces

    def submit(
        self, request: Request, *, while_alive: WhileAlive, say: Callable[[str], None]
    ) -> Submission:
        """Starts a new attempt, unless one is alive.

        Args:
            request: the job.
            while_alive: what to do with one that is alive.
            say: takes a line for people.

        Raises:
            UserError: an attempt is alive and shall not be attached to; the cluster refuses.
        """
        deadline = time.monotonic() + STARTING_S
        while True:
            known = self.list()
            attempt = next_attempt(request.verb, plan=request.plan, taken=[job.id for job in known])
            alive = [job for job in known if job.is_alive and attempt.is_same_job(parse_id(job.id))]
            if alive:
                return Submission(self._attached(alive[0], while_alive), is_new=False)
            try:
                self._send(request, attempt=attempt)
                return Submission(self.read(str(attempt)), is_new=True)
            except UserError as error:
                if TAKEN in str(error):  # somebody else was first: theirs is alive, or has ended
                    continue
                if NOT_YET not in str(error) or time.monotonic() > deadline:
                    raise
                say("the cluster is starting and takes no jobs yet")
                time.sleep(POLL_S)

    def stop(self, job: SubmittedJob, *, wait_s: float) -> SubmittedJob:
        """Ends a job as Ctrl-C does, and waits until it has ended.

        Args:
            job: one of the cluster.
            wait_s: how long to wait at most, seconds.
        """
        with self._answers():
            self._client.stop_job(job.id)
        deadline = time.monotonic() + wait_s
        while (job := self.read(job.id)).is_alive and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return job

    def _attached(self, job: SubmittedJob, while_alive: WhileAlive) -> SubmittedJob:
        if while_alive is WhileAlive.REFUSE:
            raise UserError(
                f"{job.id} is {job.status.lower()}: the same job is not started beside it. "
                f"earmark logs {job.id} --follow shows it, earmark stop {job.id} ends it"
            )
        return job

    def _send(self, request: Request, *, attempt: SubmissionId) -> None:
        with tempfile.TemporaryDirectory(prefix="earmark-submit-") as folder:
            zipped = Path(folder) / "package.zip"
            zipped.write_bytes(request.package.content)
            options = request.options(str(zipped))
            with self._answers(secrets=tuple(request.environment.values())):
                self._client.submit_job(submission_id=str(attempt), **options)

    @contextmanager
    def _answers(self, *, secrets: Sequence[str] = ()) -> Iterator[None]:
        """Turns what Ray's client raises into a message, without secrets."""
        with answers(self.door, secrets=secrets):
            yield


def connect(cluster: ClusterConfig) -> Jobs:
    """Reaches the Jobs API of a cluster.

    Raises:
        ConfigError: it is not on this machine, and there is no token, or it wants none.
        UserError: nothing answers there, or it refuses the token.
    """
    door = find_door(cluster.address, environment=os.environ)
    refuse_open(door, ca_file=cluster.ca_file)
    for name in ("dashboard_sdk", "job.sdk"):
        logging.getLogger(f"ray.dashboard.modules.{name}").setLevel(logging.WARNING)
    with _only_our_address(), answers(door):
        client = JobSubmissionClient(door.url, headers=door.headers, verify=cluster.ca_file or True)
    return Jobs(client, door=door)


@contextmanager
def answers(door: Door, *, secrets: Sequence[str] = ()) -> Iterator[None]:
    """Turns what Ray's client raises into a message that names the cluster, without secrets."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, RayError) as error:
        text = str(error)
        for secret in filter(None, (door.token, *secrets)):
            text = text.replace(secret, "***")
        if isinstance(error, AuthenticationError):
            text = f"{text.partition(chr(10))[0]}. To go on, {HOW}"
        raise UserError(f"{door.url}: {text}") from None


@contextmanager
def _only_our_address() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in ADDRESS_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _job(detail: Any) -> SubmittedJob:  # noqa: ANN401 - Ray's JobDetails, which has no types here
    metadata = detail.metadata or {}
    return SubmittedJob(
        id=detail.submission_id,
        verb=metadata.get(VERB, ""),
        workspace=metadata.get(WORKSPACE, ""),
        status=str(detail.status),
        started_s=(detail.start_time or 0) / 1000,
        ended_s=detail.end_time / 1000 if detail.end_time else None,
        message=detail.message or "",
        code=detail.driver_exit_code,
    )
