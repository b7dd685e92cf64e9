"""Evaluations for tests of what keeps and shows them."""

from __future__ import annotations

import numpy as np

from pipeline.evaluation.evaluated import Evaluated, evaluated
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.verdict import Judged, Subject, Verdict, give_verdict
from pipeline.taxonomy import TaskKind

TAGS = ("genre---rock", "mood---calm", "genre---r&b|soul", "mood---sad", "era---60s", "era---70s")
DATE = "2026-01-02"


def verdict(
    split: str = "test",
    *,
    num_tracks: int = 40,
    kind: TaskKind = TaskKind.MULTILABEL,
    tags: tuple[str, ...] = TAGS,
    **changes: str | None,
) -> Verdict:
    """Of tracks none of which has the last tag; each tag is worse than the one before."""
    choice = np.random.default_rng(0)
    targets_NK = choice.random((num_tracks, len(tags))) < 0.5
    targets_NK[:2, :-1] = [[True], [False]]
    targets_NK[:, -1] = False
    if kind is TaskKind.MULTICLASS:
        targets_NK = np.eye(len(tags), dtype=bool)[np.arange(num_tracks) % (len(tags) - 1)]
    ranks_NK = np.argsort(np.argsort(choice.random(targets_NK.shape), axis=0), axis=0)
    scores_NK = ranks_NK / num_tracks * 0.5 + targets_NK * np.linspace(0.5, 0.05, len(tags))
    names = tuple(f"t{i}" for i in range(num_tracks))
    labelled = Labelled(names, tags, kind, scores_NK.astype(np.float32), targets_NK)
    facts = {"dataset": "mine", "protocol": "every chunk", "scored_from": "audio"} | changes
    of = Judged("/somewhere", "notes@0123456789ab", split, **facts)
    return give_verdict(Subject("notes", labelled, {}, {}, (), of), num_resamples=20, seed=0)


def judged(split: str = "test", **changes: object) -> Evaluated:
    """The same as it is kept."""
    return evaluated(verdict(split, **changes), date=DATE)
