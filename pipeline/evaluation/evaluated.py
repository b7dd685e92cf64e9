"""Evaluations that were run of a bundle, as they are kept beside it and shown on its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import ConfigError
from pipeline.evaluation.bootstrap import Interval
from pipeline.evaluation.metrics import Evaluation, TagMetrics
from pipeline.evaluation.verdict import Figures, Verdict
from pipeline.taxonomy import TaskKind


@dataclass(frozen=True)
class Evaluated:
    """An evaluation's figures.

    Attributes:
        model_version: of what was judged: cut into other chunks, it has a version of its own.
        split: whose tracks it was judged on.
        dataset: tracks of this data set only; None: of all.
        protocol: which chunks of a track were averaged.
        scored_from: audio, or stored features.
        date: when, as YYYY-MM-DD.
        kind: of the task.
        num_tracks: that were judged.
        summary: figures of all tags by name.
        intervals: their 95 % intervals.
        tags: figures of each tag.
    """

    model_version: str
    split: str
    dataset: str | None
    protocol: str
    scored_from: str
    date: str
    kind: TaskKind
    num_tracks: int
    summary: dict[str, float]
    intervals: dict[str, Interval]
    tags: tuple[TagMetrics, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """A later evaluation of the same key takes its place."""
        return self.split, self.dataset or "", self.protocol

    @property
    def figures(self) -> Figures:
        """As a verdict has them, without the confusion matrix."""
        excluded = tuple(tag.tag for tag in self.tags if tag.roc_auc is None)
        evaluation = Evaluation(self.kind, self.num_tracks, self.tags, self.summary, excluded, None)
        return Figures(self.model_version, evaluation, self.intervals)


def evaluated(verdict: Verdict, *, date: str) -> Evaluated:
    """What a verdict says, for the card.

    Raises:
        ValueError: the verdict is of saved scores, not of a bundle.
    """
    judged, found = verdict.subject.judged, verdict.figures.evaluation
    if judged is None:
        raise ValueError(f"{verdict.subject.name} was no bundle's")
    return Evaluated(
        model_version=judged.model_version,
        split=judged.split,
        dataset=judged.dataset,
        protocol=judged.protocol,
        scored_from=judged.scored_from,
        date=date,
        kind=found.kind,
        num_tracks=found.num_tracks,
        summary=dict(found.summary),
        intervals={n: found for n, found in verdict.figures.intervals.items() if "/" not in n},
        tags=found.tags,
    )


def with_evaluation(known: Sequence[Evaluated], new: Evaluated) -> tuple[Evaluated, ...]:
    """All of them by key, the new one in the place of an earlier one."""
    return tuple(sorted([*(e for e in known if e.key != new.key), new], key=lambda e: e.key))


@dataclass(frozen=True)
class _File:
    fingerprint: str
    evaluations: tuple[Evaluated, ...]


def to_text(evaluations: Sequence[Evaluated], *, fingerprint: str) -> bytes:
    """The file of a bundle's evaluations; the fingerprint is that of the bundle."""
    tree = asdict(_File(fingerprint, tuple(evaluations)))
    return json.dumps(tree, indent=1, ensure_ascii=False).encode() + b"\n"


def from_text(data: bytes, *, fingerprint: str, url: str) -> tuple[Evaluated, ...]:
    """The evaluations of a file; none, if they are of a bundle that was there before.

    Raises:
        ConfigError: the file holds something else.
    """
    try:
        file = TypeAdapter(_File).validate_json(data)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise ConfigError(
            f"{url} does not hold evaluations: {where}: {fault['msg']}; remove it, and evaluate "
            "again"
        ) from None
    return file.evaluations if file.fingerprint == fingerprint else ()
