"""What can go wrong, in two kinds: a bad track is a value, anything else is an exception.

`DataError` carries a `Reason` from a closed list; the stage that meets it writes a row with that
reason and goes on. `UserError` and its children are for the person at the command line: what is
wrong, which value, what to do. Everything else is a bug or a broken machine and must not be caught.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a track has no result, or (with status ok) what was wrong with its file."""

    MISSING = "missing"
    FETCH_FAILED = "fetch_failed"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_AUDIO = "not_audio"
    UNDECODABLE = "undecodable"
    TRUNCATED = "truncated"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NON_FINITE = "non_finite"
    DECODER_CRASHED = "decoder_crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"


class DataError(Exception):
    """One track cannot be used. Costs that track's row and nothing else."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[DataError], tuple[Reason, str]]:
        return type(self), (self.reason, self.detail)


class UserError(Exception):
    """Something that the person who started the job can mend; printed without a traceback."""


class ConfigError(UserError):
    """The configuration, or what it names, cannot work."""


class TableError(UserError):
    """A table's path holds something else, or its content contradicts what was asked."""
