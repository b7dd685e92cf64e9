"""A model judged beside its baselines: figures, intervals, differences, what thresholds cost.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.bootstrap import Interval, Paired, intervals, paired
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import Evaluation, evaluate
from pipeline.evaluation.thresholds import Choice, choose
from pipeline.taxonomy import TaskKind

HEADLINES = {
    TaskKind.MULTICLASS: ("accuracy", "f1_macro"),
    TaskKind.BINARY: ("roc_auc_macro", "pr_auc_macro", "f1_macro"),
    TaskKind.MULTILABEL: ("roc_auc_macro", "pr_auc_macro", "f1_macro"),
    TaskKind.POWERSET: ("roc_auc_macro", "pr_auc_macro", "f1_macro"),
}
"""What a model is compared with its baselines by."""


@dataclass(frozen=True)
class Judged:
    """Which bundle was judged, and how.

    Attributes:
        bundle_url: its folder.
        model_version: of what was scored.
        split: whose tracks.
        dataset: tracks of this data set only; None: of all.
        protocol: which chunks of a track were averaged.
        scored_from: audio, or stored features.
    """

    bundle_url: str
    model_version: str
    split: str
    dataset: str | None
    protocol: str
    scored_from: str


@dataclass(frozen=True)
class Subject:
    """Scores that shall be judged.

    Attributes:
        name: of the model, or of the file.
        labelled: its scores beside the truth.
        baselines: the same tracks judged by something simpler, by its name.
        facts: what stands on top of the report, by name.
        notes: sentences about what was left out.
        judged: the bundle whose scores these are; None: saved scores.
    """

    name: str
    labelled: Labelled
    baselines: Mapping[str, Labelled]
    facts: Mapping[str, str]
    notes: tuple[str, ...]
    judged: Judged | None = None


@dataclass(frozen=True)
class Figures:
    """One model's or baseline's figures with their 95 % intervals."""

    name: str
    evaluation: Evaluation
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Baseline:
    """A baseline, and by how much the model is better on the tracks that both have."""

    figures: Figures
    differences: tuple[Paired, ...]


@dataclass(frozen=True)
class Verdict:
    """All that an evaluation says.

    Attributes:
        subject: what was judged.
        figures: of the model.
        baselines: beside it.
        best: a tag's best F1 on these very tracks, which no threshold could exceed; empty for a
            multiclass task, where the highest score decides.
    """

    subject: Subject
    figures: Figures
    baselines: tuple[Baseline, ...]
    best: tuple[Choice, ...]


def give_verdict(subject: Subject, *, num_resamples: int, seed: int) -> Verdict:
    """Judges the subject and its baselines.

    Args:
        subject: what is judged.
        num_resamples: of the bootstrap over tracks.
        seed: of its draws.
    """

    def figures(name: str, labelled: Labelled) -> Figures:
        found = intervals(labelled, num_resamples=num_resamples, seed=seed)
        return Figures(name, evaluate(labelled), found)

    labelled = subject.labelled
    baselines = [
        Baseline(
            figures(name, theirs),
            _differences(theirs, labelled, num_resamples=num_resamples, seed=seed),
        )
        for name, theirs in subject.baselines.items()
    ]
    by_threshold = labelled.kind is not TaskKind.MULTICLASS
    return Verdict(
        subject=subject,
        figures=figures(subject.name, labelled),
        baselines=tuple(baselines),
        best=choose(labelled, rule="best_f1", at=None) if by_threshold else (),
    )


def _differences(
    before: Labelled, after: Labelled, *, num_resamples: int, seed: int
) -> tuple[Paired, ...]:
    shared = set(before.track_ids) & set(after.track_ids)
    both = _only(before, shared), _only(after, shared)
    defined = evaluate(both[0]).summary.keys() & evaluate(both[1]).summary.keys()
    return tuple(
        paired(*both, metric=metric, num_resamples=num_resamples, seed=seed)
        for metric in HEADLINES[after.kind]
        if metric in defined
    )


def _only(labelled: Labelled, track_ids: set[str]) -> Labelled:
    """The tracks that are named, in the order of their ids."""
    order = sorted((name, row) for row, name in enumerate(labelled.track_ids) if name in track_ids)
    rows = np.array([row for _, row in order], dtype=int)
    return Labelled(
        track_ids=tuple(name for name, _ in order),
        tags=labelled.tags,
        kind=labelled.kind,
        scores_NK=labelled.scores_NK[rows],
        targets_NK=labelled.targets_NK[rows],
        thresholds_K=labelled.thresholds_K,
    )
