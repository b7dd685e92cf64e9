"""What two scorings' tags look like side by side: tables for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipeline.tables.output import table_text
from pipeline.tables.scorings import Scoring

SHOWN_TAGS = 30
TAG_COLUMNS = {
    "tag": "tag",
    "positive_a": "A",
    "positive_b": "B",
    "both": "both",
    "only_a": "only A",
    "only_b": "only B",
    "jaccard": "Jaccard",
    "mean_change": "change",
    "p95_change": "95 %",
    "rank_correlation": "rank corr.",
}
TRACK_COLUMNS = {
    "track_id": "track",
    "title": "title",
    "mean_change": "change",
    "tag": "tag",
    "score_a": "A",
    "score_b": "B",
}
"""Names of columns in the terminal."""


@dataclass(frozen=True)
class TagChurn:
    """One tag under both scorings.

    Attributes:
        tag: `category---name`.
        positive_a: tracks that have it under A.
        positive_b: under B.
        both: under both.
        only_a: under A and not B: lost on the way from A to B.
        only_b: under B and not A: gained.
        jaccard: both over either; None if no track has it.
        mean_change: mean of the absolute difference of the scores.
        p95_change: their 95th percentile.
        rank_correlation: Spearman's, of the scores over tracks; None if one side is constant.
    """

    tag: str
    positive_a: int
    positive_b: int
    both: int
    only_a: int
    only_b: int
    jaccard: float | None
    mean_change: float
    p95_change: float
    rank_correlation: float | None


@dataclass(frozen=True)
class TrackChange:
    """One of the tracks that changed most.

    Attributes:
        track_id: identity.
        title: from the catalog; None if it has none.
        mean_change: mean absolute difference of its scores.
        tag: the one that changed most.
        score_a: its score under A.
        score_b: under B.
    """

    track_id: str
    title: str | None
    mean_change: float
    tag: str
    score_a: float
    score_b: float


@dataclass(frozen=True)
class Churn:
    """Two scorings of one catalog.

    Attributes:
        a: the scoring that is there.
        b: the one that would be.
        num_tracks: with scores under both, of the files that the catalog has now.
        only_a: with scores under A only.
        only_b: under B only.
        tags: that both have, those that moved most first.
        tracks: that changed most.
    """

    a: Scoring
    b: Scoring
    num_tracks: int
    only_a: int
    only_b: int
    tags: tuple[TagChurn, ...]
    tracks: tuple[TrackChange, ...]

    def to_json(self) -> str:
        """For programs."""
        sides = {
            name: {
                "scoring_id": one.scoring_id,
                "model_version": one.model_version,
                "reference": one.reference,
                "input": one.input,
                "has_thresholds": one.thresholds is not None,
            }
            for name, one in (("a", self.a), ("b", self.b))
        }
        counts = {
            "tracks_with_both": self.num_tracks,
            "tracks_only_a": self.only_a,
            "tracks_only_b": self.only_b,
        }
        lists = {
            "tags": [asdict(one) for one in self.tags],
            "tracks": [asdict(one) for one in self.tracks],
        }
        return json.dumps(sides | counts | lists, indent=2, ensure_ascii=False) + "\n"

    def text(self, *, width: int) -> str:
        """For the terminal, at most `width` characters a line."""
        lines = [f"{name}: {_title(one)}" for name, one in (("A", self.a), ("B", self.b))]
        lines.append(
            f"{self.num_tracks:,} tracks have scores of both, {self.only_a:,} of A only, "
            f"{self.only_b:,} of B only"
        )
        more = len(self.tags) - SHOWN_TAGS
        if more > 0:
            lines.append(f"the {SHOWN_TAGS} tags that moved most; --output FILE has {more:,} more")
        tags = [_renamed(one, TAG_COLUMNS) for one in self.tags[:SHOWN_TAGS]]
        tracks = [_renamed(one, TRACK_COLUMNS) for one in self.tracks]
        tables = [table_text(pa.Table.from_pylist(rows), width=width) for rows in (tags, tracks)]
        return "\n".join([*lines, "", tables[0], "tracks that changed most", tables[1]])


def _title(scoring: Scoring) -> str:
    thresholds = "with thresholds" if scoring.thresholds else "best tag positive: no thresholds"
    return f"{scoring.scoring_id} {scoring.model_version} from {scoring.input} ({thresholds})"


def _renamed(one: TagChurn | TrackChange, names: dict[str, str]) -> dict[str, Any]:
    return {short: getattr(one, name) for name, short in names.items()}
