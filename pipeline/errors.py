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
    """The file is not there."""
    FETCH_FAILED = "fetch_failed"
    """Its store gave no answer, or refused, several times over."""
    EMPTY = "empty"
    """No bytes, or a valid header without audio."""
    TOO_LARGE = "too_large"
    """The file has more bytes than limits.max_bytes."""
    NOT_AUDIO = "not_audio"
    """No decoder knows it: text, a picture, a format that is not supported."""
    UNDECODABLE = "undecodable"
    """A known format, damaged or of an unknown codec; with status ok: what came before was used."""
    TRUNCATED = "truncated"
    """It ends before its header says; with status ok: what is there was used."""
    TOO_SHORT = "too_short"
    """Less audio than limits.min_s."""
    TOO_LONG = "too_long"
    """More audio than limits.max_s."""
    NON_FINITE = "non_finite"
    """Too many samples are NaN or infinite; with status ok: some are."""
    DECODER_CRASHED = "decoder_crashed"
    """The decoding process died of it."""
    TIMED_OUT = "timed_out"
    """Longer than runtime.decode_timeout_s to decode, or scan.probe_timeout_s for the header."""
    OUT_OF_MEMORY = "out_of_memory"
    """Decoding wanted more memory than runtime.decode_memory_mb."""


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
