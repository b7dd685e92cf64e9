"""A Jobs API without a cluster, for tests: it takes, lists and ends jobs as Ray's client does."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from ray.job_submission import JobType

from pipeline.stages.submission import Jobs
from pipeline.stages.submission_address import Door


@dataclass
class FakeClient:
    """What Jobs asks of Ray's JobSubmissionClient."""

    details: dict[str, SimpleNamespace] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    sent: list[dict] = field(default_factory=list)
    text: str = ""
    pieces: list[list[str]] = field(default_factory=list)

    def add(self, job_id: str, status: str = "RUNNING", **facts: object) -> SimpleNamespace:
        defaults = {
            "type": JobType.SUBMISSION,
            "submission_id": job_id,
            "status": status,
            "message": f"Job is {status}.",
            "start_time": 1_000_000 + 1000 * len(self.details),
            "end_time": None if status in ("PENDING", "RUNNING") else 1_100_000,
            "metadata": {},
            "driver_exit_code": None,
        }
        self.details[job_id] = SimpleNamespace(**(defaults | facts))
        return self.details[job_id]

    def submit_job(self, *, submission_id: str, **options: object) -> str:
        if self.refusals:
            raise RuntimeError(self.refusals.pop(0))
        if submission_id in self.details:
            raise RuntimeError(f"Job with submission_id {submission_id} already exists.")
        with open(options["runtime_env"]["working_dir"], "rb") as file:  # type: ignore[index]
            self.sent.append({"id": submission_id, "zip": file.read(), **options})
        self.add(submission_id, "PENDING", metadata=options["metadata"])
        return submission_id

    def list_jobs(self) -> list[SimpleNamespace]:
        return list(self.details.values())

    def get_job_info(self, job_id: str) -> SimpleNamespace:
        return self.details[job_id]

    def get_job_logs(self, job_id: str) -> str:
        return self.text

    def stop_job(self, job_id: str) -> bool:
        self.add(job_id, "STOPPED")
        return True

    async def tail_job_logs(self, job_id: str):
        """Each connection gives its pieces; one that ends with None breaks off."""
        for piece in self.pieces.pop(0):
            if piece is None:
                raise RuntimeError("WebSocket connection closed unexpectedly")
            yield piece


def fake_jobs(client: FakeClient) -> Jobs:
    return Jobs(client, door=Door("http://127.0.0.1:8265"))
