"""What `earmark teach` made, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.consumers.teach import Lesson
from pipeline.models.bundle import Bundle
from pipeline.stages.teach_examples import Chosen
from pipeline.tables.examples import Scored
from pipeline.tables.output import cell
from pipeline.tables.scorings import Scoring

SHOWN_UNSCORED = 5


@dataclass(frozen=True)
class Taught:
    """What was made.

    Attributes:
        reference: of the bundle: `taught:NAME.VERSION`.
        bundle: itself.
        base: the scoring whose embeddings it reads.
        lesson: the head and what is expected of it.
        chosen: the examples.
        num_scored: rows that were written.
        num_positive: tracks over the threshold.
        best: tracks with the highest scores that are no examples.
        ask: tracks whose labels would teach most.
    """

    reference: str
    bundle: Bundle
    base: Scoring
    lesson: Lesson
    chosen: Chosen
    num_scored: int
    num_positive: int
    best: tuple[Scored, ...]
    ask: tuple[Scored, ...]

    def facts(self) -> dict[str, object]:
        """For programs."""
        lesson = self.lesson
        return {
            "reference": self.reference,
            "model_version": self.bundle.model_version,
            "base": self.base.reference,
            "threshold": lesson.threshold,
            "expected_precision": lesson.precision,
            "recall": lesson.recall,
            "reached": lesson.reached,
            "num_scored": self.num_scored,
            "num_positive": self.num_positive,
            "best": self.best,
            "ask": self.ask,
        }

    def lines(self) -> list[str]:
        """For people."""
        lesson, chosen = self.lesson, self.chosen
        (tag,) = self.bundle.taxonomy.tags
        return [
            f"{self.reference} is {self.bundle.model_version}: {tag}",
            f"{len(chosen.positive_ids)} tracks with it, {len(chosen.negative_ids)} without, "
            f"{len(chosen.drawn_NE)} drawn; embeddings of {self.base.reference}",
            *_left_out(chosen),
            f"threshold {lesson.threshold:.3f}: {_expected(lesson)}",
            f"{self.num_scored:,} tracks scored, {self.num_positive:,} at or over the threshold",
            "Strongest tracks that are no examples:",
            *map(_line, self.best),
            "Labels that would teach most (--like or --not):",
            *map(_line, self.ask),
        ]


def _expected(lesson: Lesson) -> str:
    words = (
        f"expected precision {lesson.precision:.2f} if {lesson.share:.1%} of the catalog has the "
        f"tag; it finds {lesson.recall:.0%} of the examples out of fold"
    )
    if lesson.reached:
        return words
    return f"{words}. No threshold has the precision that was asked for: give more examples"


def _left_out(chosen: Chosen) -> Sequence[str]:
    if not chosen.unscored:
        return ()
    shown = ", ".join(chosen.unscored[:SHOWN_UNSCORED])
    more = len(chosen.unscored) - SHOWN_UNSCORED
    return (
        f"{len(chosen.unscored)} example(s) have no embedding and were left out: {shown}"
        + (f" and {more} more" if more > 0 else ""),
    )


def _line(track: Scored) -> str:
    return f"  {track.score:.3f}  {cell(track.title)}  ({cell(track.artist)})  {track.track_id}"
