"""What the doctor found: a check, its state, what was seen, and what to do about it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from pipeline.credentials import MASK, masked

SECRET_VARIABLES = (
    "RAY_AUTH_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_SAS_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
"""Their values are never shown, whatever library puts them into a message."""
SHORTEST_SECRET = 4
"""A shorter one would blot out half of the words."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: its name.
        state: how it ended.
        seen: the value that was met, or why it was skipped.
        remedy: what to do; empty where nothing is to be done.
        where: the machine or machines; empty for the driver's own and for services.
    """

    check: str
    state: State
    seen: str
    remedy: str = ""
    where: str = ""


def count_states(findings: Sequence[Finding]) -> dict[State, int]:
    """How many findings have each state, the worst first; states that none has are left out."""
    counted = Counter(finding.state for finding in findings)
    order = (State.FAILED, State.WARNING, State.OK, State.SKIPPED)
    return {state: counted[state] for state in order if counted[state]}


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something failed, else 0: warnings keep 0."""
    return int(any(finding.state is State.FAILED for finding in findings))


def without_secrets(
    findings: Sequence[Finding], *, environment: Mapping[str, str] = os.environ
) -> list[Finding]:
    """The findings with `***` for credentials in URLs and for values of secret variables."""
    values = {environment.get(name, "").strip() for name in SECRET_VARIABLES}
    secrets = sorted((v for v in values if len(v) >= SHORTEST_SECRET), key=len, reverse=True)

    def hidden(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, MASK)
        return masked(text)

    return [replace(f, seen=hidden(f.seen), remedy=hidden(f.remedy)) for f in findings]


def facts(findings: Sequence[Finding]) -> dict[str, object]:
    """For programs: the exit code, how many of each state, and all findings."""
    return {
        "exit_code": exit_code(findings),
        "states": {str(state): number for state, number in count_states(findings).items()},
        "findings": [asdict(finding) for finding in findings],
    }
