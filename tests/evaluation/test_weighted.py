from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import METRICS, evaluate
from pipeline.evaluation.weighted import areas, figures, judge, ranking
from pipeline.taxonomy import TaskKind

# few different scores: most tracks are tied with others
SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 0.3])


@st.composite
def tagged_tracks(draw) -> Labelled:
    num_tracks, num_tags = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    shape = (num_tracks, num_tags)
    kind = draw(st.sampled_from(list(TaskKind)))
    if kind is TaskKind.MULTICLASS:
        answers = draw(hnp.arrays(np.intp, num_tracks, elements=st.integers(0, num_tags - 1)))
        targets = np.eye(num_tags, dtype=bool)[answers]
    else:
        targets = draw(hnp.arrays(bool, shape))
    return Labelled(
        tuple(f"t{i}" for i in range(num_tracks)),
        tuple(f"k{i}" for i in range(num_tags)),
        kind,
        draw(hnp.arrays(np.float32, shape, elements=SCORES.map(np.float32))),
        targets,
        draw(st.none() | st.tuples(*[SCORES] * num_tags)),
    )


@st.composite
def drawn_tracks(draw) -> tuple[Labelled, np.ndarray]:
    """Tracks, and how often each of three resamples draws them: at least one track each."""
    tracks = draw(tagged_tracks())
    shape = (len(tracks.track_ids), 3)
    counts = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 4)))
    counts[0] += counts.sum(0) == 0
    return tracks, counts.astype(np.float32)


def same(found: float, reference: float | None) -> bool:
    if reference is None:
        return bool(np.isnan(found))
    return found == pytest.approx(reference, abs=1e-9)


def judged(targets, weights) -> bool:
    return len(np.unique(targets[weights > 0])) == 2


@given(drawn_tracks())
@settings(max_examples=60, deadline=None)
def test_areas_under_counts_are_those_of_scikit_learn_with_sample_weights(drawn):
    tracks, weights = drawn
    weights[:, 0] = 1
    for scores, targets in zip(tracks.scores_NK.T, tracks.targets_NK.T, strict=True):
        roc_auc, pr_auc = areas(ranking(scores, targets), weights)
        for r, weight in enumerate(weights.T):
            if not judged(targets, weight):
                assert np.isnan([roc_auc[r], pr_auc[r]]).all()
                continue
            assert same(roc_auc[r], roc_auc_score(targets, scores, sample_weight=weight))
            assert same(pr_auc[r], average_precision_score(targets, scores, sample_weight=weight))


@given(drawn_tracks())
@settings(max_examples=40, deadline=None)
def test_decisions_under_counts_are_those_of_scikit_learn_with_sample_weights(drawn):
    tracks, weights = drawn
    found, predictions = figures(judge(tracks), weights), tracks.predictions()
    for k, tag in enumerate(tracks.tags):
        pair = tracks.targets_NK[:, k], predictions[:, k]
        for r, weight in enumerate(weights.T):
            if not judged(pair[0], weight):
                assert np.isnan(found[f"f1/{tag}"][r])
                continue
            reference = precision_recall_fscore_support(
                *pair, average="binary", sample_weight=weight, zero_division=np.nan
            )
            assert same(found[f"recall/{tag}"][r], reference[1])
            silent = weight[pair[1]].sum() == 0
            assert same(found[f"precision/{tag}"][r], None if silent else reference[0])
            if not silent:
                assert same(found[f"f1/{tag}"][r], reference[2])


@given(tagged_tracks())
@settings(max_examples=40, deadline=None)
def test_with_every_track_once_all_figures_are_those_of_the_evaluation(tracks):
    found = figures(judge(tracks), np.ones((len(tracks.track_ids), 1), np.float32))
    whole = evaluate(tracks)
    for name in METRICS:
        assert same(found[name][0], whole.summary.get(name)), name
    for tag in whole.tags:
        for name in ("precision", "recall", "f1", "roc_auc", "pr_auc"):
            assert same(found[f"{name}/{tag.tag}"][0], getattr(tag, name)), name


@given(drawn_tracks())
@settings(max_examples=25, deadline=None)
def test_a_count_is_the_same_as_so_many_tracks(drawn):
    tracks, weights = drawn
    found = figures(judge(tracks), weights)
    for r, weight in enumerate(weights.T):
        rows = np.repeat(np.arange(len(weight)), weight.astype(int))
        ids = tuple(f"t{i}" for i in range(len(rows)))
        scores, targets = tracks.scores_NK[rows], tracks.targets_NK[rows]
        copies = Labelled(ids, tracks.tags, tracks.kind, scores, targets, tracks.thresholds_K)
        summary = evaluate(copies).summary
        for name in METRICS:
            assert same(found[name][r], summary.get(name)), name
