"""What a submitted job is called: verb, plan, attempt. Pure.

Ray takes each submission id once, so an id is a key that no two submissions can both have. Before a
job has begun there is no plan of the ledger (it needs the catalog, and the models that aliases lead
to), so a digest stands for it: of the verb, its arguments and its effective configuration without
`runtime` and `tracking`, which change no result. The same configuration is the same job; whether
its plan is still the same, the ledger finds out when the attempt begins, and does what is left.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.config import Section

DIGEST_CHARACTERS = 12
APART = ("runtime", "tracking")
"""Sections that change speed, or where a run is written down, and no result."""
_FORM = re.compile(rf"([a-z_-]+)-([0-9a-f]{{{DIGEST_CHARACTERS}}})-([1-9][0-9]*)")


@dataclass(frozen=True)
class SubmissionId:
    """The parts of an id such as `tag-3f9a12bc4d5e-2`.

    Attributes:
        verb: of the job.
        plan: digest of what shall be done.
        attempt: from 1.
    """

    verb: str
    plan: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.verb}-{self.plan}-{self.attempt}"

    def is_same_job(self, other: SubmissionId | None) -> bool:
        """Whether the other is an attempt at the same."""
        return other is not None and (self.verb, self.plan) == (other.verb, other.plan)


def parse_id(text: str) -> SubmissionId | None:
    """The parts of an id; None of one that somebody else gave."""
    found = _FORM.fullmatch(text)
    return SubmissionId(found[1], found[2], int(found[3])) if found else None


def plan_digest(verb: str, *, arguments: Sequence[str], config: Section) -> str:
    """What stands for the plan: see above.

    Args:
        verb: of the job.
        arguments: of its command line, beside the configuration.
        config: the effective configuration.
    """
    tree = config.model_dump(mode="json")
    kept = {name: section for name, section in tree.items() if name not in APART}
    text = json.dumps([verb, list(arguments), kept], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def next_attempt(verb: str, *, plan: str, taken: Iterable[str]) -> SubmissionId:
    """The id after those that the cluster knows.

    Args:
        verb: of the job.
        plan: its digest.
        taken: all ids of the cluster.
    """
    first = SubmissionId(verb, plan, 1)
    attempts = [
        known.attempt for known in map(parse_id, taken) if known and first.is_same_job(known)
    ]
    return SubmissionId(verb, plan, max(attempts, default=0) + 1)
