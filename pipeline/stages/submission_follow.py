"""The end of submit and logs: a job that is followed, its last line, its exit code."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from pipeline.stages.submission import Jobs
from pipeline.stages.submission_job import INTERRUPTED, SUCCEEDED
from pipeline.stages.submission_log import Follower, LogPaper


def follow_to_end(jobs: Jobs, job_id: str, *, output: TextIO, say: Callable[[str], None]) -> int:
    """Writes the log until the job ends, or the person stops to look; gives an exit code.

    Args:
        jobs: the cluster's.
        job_id: of the submission.
        output: where the log goes.
        say: takes a line for people.
    """
    try:
        job = Follower(jobs, job_id, LogPaper(output), say).follow()
    except KeyboardInterrupt:
        say(
            f"{job_id} goes on without you: earmark logs {job_id} --follow shows it, "
            f"earmark stop {job_id} ends it"
        )
        return INTERRUPTED
    if job.status != SUCCEEDED and job.code is None and job.message:
        say(job.message)  # no log says it: the job never began, was stopped, or its node is gone
    say(job.ending(now_s=time.time()))
    return job.exit_code
