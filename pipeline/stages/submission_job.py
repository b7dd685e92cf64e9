"""A submitted job as its cluster tells of it: status, times, message, exit code. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.progress import duration

ALIVE = frozenset({"PENDING", "RUNNING"})
SUCCEEDED, STOPPED = "SUCCEEDED", "STOPPED"
INTERRUPTED = 130
"""Exit code of what was stopped: as a shell's after Ctrl-C (128 + SIGINT)."""
SIGNALS = 128


@dataclass(frozen=True)
class SubmittedJob:
    """A job.

    Attributes:
        id: of the submission.
        verb: empty if somebody else submitted it.
        workspace: its URL, or empty.
        status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED, as Ray says.
        started_s: when it was submitted, Unix time.
        ended_s: when it ended, Unix time; None while it is alive.
        message: Ray's; of a failed job the end of its log.
        code: its driver's exit code; None if there is none, as after a stop.
    """

    id: str
    verb: str
    workspace: str
    status: str
    started_s: float
    ended_s: float | None
    message: str
    code: int | None

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.status in ALIVE

    @property
    def exit_code(self) -> int:
        """What a command that followed it to its end returns: its own code, where it has one."""
        if self.status == SUCCEEDED:
            return 0
        if self.status == STOPPED:
            return INTERRUPTED
        if self.code is None or self.code == 0:
            return 1
        return self.code if self.code > 0 else SIGNALS - self.code

    def seconds(self, *, now_s: float) -> float:
        """How long it took, or has taken until now, seconds."""
        return max(0.0, (self.ended_s or now_s) - self.started_s)

    def row(self, *, now_s: float) -> dict[str, object]:
        """For a table: id, verb, status, started, took, message's last line."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        return {
            "id": self.id,
            "verb": self.verb,
            "status": self.status,
            "started": datetime.fromtimestamp(self.started_s).strftime("%Y-%m-%d %H:%M:%S"),
            "took": duration(self.seconds(now_s=now_s)),
            "message": lines[-1] if lines else "",
        }

    def facts(self, *, now_s: float) -> dict[str, object]:
        """For programs; nothing of the job's environment is in it."""
        return {
            "id": self.id,
            "verb": self.verb,
            "workspace": self.workspace,
            "status": self.status,
            "started": _utc(self.started_s),
            "ended": _utc(self.ended_s) if self.ended_s else None,
            "seconds": round(self.seconds(now_s=now_s), 3),
            "message": self.message,
            "exit_code": None if self.is_alive else self.exit_code,
        }

    def ending(self, *, now_s: float) -> str:
        """A line for people when it has ended."""
        took = duration(self.seconds(now_s=now_s))
        told = {
            SUCCEEDED: f"{self.id} succeeded in {took}",
            STOPPED: f"{self.id} was stopped after {took}; submitted again, it goes on",
        }
        failed = (
            f"{self.id} failed after {took} with exit code {self.exit_code}; submitted again, it "
            "goes on with what is not committed"
        )
        return told.get(self.status, failed)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
