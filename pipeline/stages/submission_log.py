"""Follows the log of a submitted job until it ends, also over a connection that breaks off."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TextIO

import aiohttp

from pipeline.errors import UserError
from pipeline.progress import duration
from pipeline.stages.submission import POLL_S, Jobs
from pipeline.stages.submission_job import SubmittedJob

QUIET_S = 30.0
"""After so long without a word the job is asked whether it is still alive."""
PATIENCE_S = 300.0
"""How long a cluster may be out of reach while a job is followed."""
PENDING_EVERY_S = 30.0
PROGRESS = re.compile(r"[a-z-]+: [\d,]+ of [\d,]+ .+")
"""A line of pipeline/progress.py."""


class LogPaper:
    """Writes a log as it comes: on a terminal a line of progress stands over the one before it."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._over = output.isatty()
        self._rest = ""
        self._is_progress = False

    def write(self, text: str) -> None:
        """Takes a piece of the log, which may end within a line."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)
        self._output.flush()

    def close(self) -> None:
        """Writes what is left."""
        if self._rest:
            self._line(self._rest)
        if self._is_progress:
            self._output.write("\n")
        self._rest, self._is_progress = "", False
        self._output.flush()

    def _line(self, line: str) -> None:
        is_progress = self._over and PROGRESS.fullmatch(line) is not None
        if self._is_progress:
            self._output.write("\r\x1b[2K" if is_progress else "\n")
        self._output.write(line if is_progress else f"{line}\n")
        self._is_progress = is_progress


@dataclass
class Follower:
    """One job that is followed.

    Attributes:
        jobs: the cluster's.
        job_id: of the submission.
        paper: where its log goes.
        say: takes a line for people.
        seen: characters of the log that were written.
    """

    jobs: Jobs
    job_id: str
    paper: LogPaper
    say: Callable[[str], None]
    seen: int = 0

    def follow(self) -> SubmittedJob:
        """Writes the log until the job ends; gives the job.

        Raises:
            UserError: the cluster was out of reach for PATIENCE_S.
        """
        self._wait_until_it_runs()
        lost_since: float | None = None
        try:
            while True:
                before = self.seen
                try:
                    asyncio.run(self._tail())
                    job = self.jobs.read(self.job_id)
                    if not job.is_alive:
                        return self._ended(job)
                    lost_since = None
                except (UserError, OSError, RuntimeError, aiohttp.ClientError) as error:
                    now = time.monotonic()
                    lost_since = now if lost_since is None or self.seen > before else lost_since
                    if now - lost_since > PATIENCE_S:
                        raise UserError(
                            f"{self.jobs.door.url} is out of reach: {error}. {self.job_id} may go "
                            f"on; earmark logs {self.job_id} --follow looks again"
                        ) from error
                time.sleep(POLL_S)
        finally:
            self.paper.close()

    def _wait_until_it_runs(self) -> None:
        said = time.monotonic() - PENDING_EVERY_S + 5
        while (job := self.jobs.read(self.job_id)).status == "PENDING":
            if time.monotonic() - said >= PENDING_EVERY_S:
                said = time.monotonic()
                waited = duration(job.seconds(now_s=time.time()))
                self.say(f"{job.id} has waited for {waited}: {job.message}")
            time.sleep(POLL_S)

    async def _tail(self) -> None:
        """One connection: it begins with the log's beginning, of which `seen` is left out."""
        pieces = self.jobs.tail(self.job_id)
        skip = self.seen
        async for piece in self._while_alive(pieces):
            text = piece[skip:]
            skip -= len(piece) - len(text)
            self._write(text)

    async def _while_alive(self, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        """The pieces; a silent connection ends when the job has ended."""
        waiting = asyncio.ensure_future(anext(pieces, None))
        try:
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=QUIET_S)
                if not done:
                    job = await asyncio.to_thread(self.jobs.read, self.job_id)
                    if not job.is_alive:
                        return
                    continue
                piece = waiting.result()
                if piece is None:
                    return
                yield piece
                waiting = asyncio.ensure_future(anext(pieces, None))
        finally:
            waiting.cancel()

    def _ended(self, job: SubmittedJob) -> SubmittedJob:
        try:
            self._write(self.jobs.log(self.job_id)[self.seen :])
        except UserError:
            self.say("the end of the log is out of reach: its node is gone")
        return job

    def _write(self, text: str) -> None:
        if text:
            self.seen += len(text)
            self.paper.write(text)
