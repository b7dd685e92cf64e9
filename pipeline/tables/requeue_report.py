"""What failed for which reason, and what a requeue of it did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failures:
    """How many tracks, of the files that the catalog has now, failed for a reason under a key."""

    table: str
    key: str
    reason: str
    tracks: int


@dataclass(frozen=True)
class RequeueReport:
    """What failed, and how many rows are open again; None: nothing was to be changed."""

    found: tuple[Failures, ...]
    reopened: int | None

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [
            f"{one.table} {one.key}: {one.tracks:,} failed with {one.reason}" for one in self.found
        ]
        if not self.found:
            return ["no track of the catalog failed for this reason: nothing to do"]
        if self.reopened is None:
            return [*lines, "nothing was changed; --yes does it"]
        return [
            *lines,
            f"{self.reopened:,} rows are open again; run the same verbs to do them anew",
        ]
