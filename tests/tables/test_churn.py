from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import spearmanr
from tagged import (
    MOODS,
    SOUNDS,
    STORAGE,
    failed,
    ok,
    scoring,
    track,
    write_results,
    write_scorings,
    write_tracks,
)

from jobs.__main__ import main
from pipeline.errors import TableError
from pipeline.tables.churn import churn
from pipeline.taxonomy import Taxonomy

OLD, NEW = (0.5, 0.3, 0.7, 0.9), (0.4, 0.3, 0.6, 0.95)


def run(root, a, b, **options):
    return churn(str(root), storage=STORAGE, a=a, b=b, memory_mb=200, **options)


def two_scorings(root, *, num_tracks=40, seed=0):
    """Scores (A, B) of each track and tag; some are tied."""
    rng = np.random.default_rng(seed)
    a_NK = np.round(rng.random((num_tracks, 4)), 1).astype(np.float32)
    b_NK = np.clip(a_NK + rng.normal(0, 0.2, a_NK.shape), 0, 1).astype(np.float32)
    names = [f"t{i:03d}" for i in range(num_tracks)]
    write_tracks(root, [track(name) for name in names])
    write_results(root, [ok(n, a_NK[i], by="s1") for i, n in enumerate(names)])
    write_results(root, [ok(n, b_NK[i], by="s2") for i, n in enumerate(names)])
    return a_NK, b_NK


def test_every_figure_of_a_tag_is_what_numpy_and_scipy_give(tmp_path):
    a_NK, b_NK = two_scorings(tmp_path)
    found = run(tmp_path, scoring("s1", MOODS, OLD), scoring("s2", MOODS, NEW))
    assert found.num_tracks == 40
    by_tag = {one.tag: one for one in found.tags}
    for k, tag in enumerate(MOODS.tags):
        one, change = by_tag[tag], np.abs(b_NK[:, k].astype(float) - a_NK[:, k])
        in_a, in_b = a_NK[:, k] >= np.float32(OLD[k]), b_NK[:, k] >= np.float32(NEW[k])
        counts = (in_a, in_b, in_a & in_b, in_a & ~in_b, in_b & ~in_a)
        said = (one.positive_a, one.positive_b, one.both, one.only_a, one.only_b)
        assert said == tuple(int(part.sum()) for part in counts)
        assert one.jaccard == pytest.approx((in_a & in_b).sum() / (in_a | in_b).sum())
        assert one.mean_change == pytest.approx(change.mean(), abs=1e-6)
        assert one.p95_change == pytest.approx(np.quantile(change, 0.95), abs=1e-6)
        expected = spearmanr(a_NK[:, k], b_NK[:, k]).statistic
        assert one.rank_correlation == pytest.approx(expected, abs=1e-9)


def test_the_tracks_that_changed_most_come_first_with_their_tag(tmp_path):
    a_NK, b_NK = two_scorings(tmp_path)
    found = run(tmp_path, scoring("s1"), scoring("s2"), num_tracks=3)
    change_NK = np.abs(b_NK - a_NK)
    order = np.argsort(-change_NK.mean(axis=1), kind="stable")[:3]
    assert [one.track_id for one in found.tracks] == [f"t{i:03d}" for i in order]
    first, i = found.tracks[0], order[0]
    k = change_NK[i].argmax()
    assert (first.title, first.tag) == (f"Title of t{i:03d}", MOODS.tags[k])
    assert (first.score_a, first.score_b) == (a_NK[i, k], b_NK[i, k])
    assert first.mean_change == pytest.approx(change_NK[i].mean(), abs=1e-6)


def test_the_same_scores_have_no_churn(tmp_path):
    write_tracks(tmp_path, [track("t1"), track("t2")])
    for by in ("s1", "s2"):
        write_results(tmp_path, [ok("t1", [0.1, 0.9, 0.2, 0.5], by=by)])
        write_results(tmp_path, [ok("t2", [0.3, 0.8, 0.2, 0.4], by=by)])
    found = run(tmp_path, scoring("s1", MOODS, OLD), scoring("s2", MOODS, OLD))
    for one in found.tags:
        assert (one.only_a, one.only_b, one.mean_change, one.p95_change) == (0, 0, 0, 0)
        assert one.jaccard in (1.0, None)
        assert one.rank_correlation == (None if one.tag == "genre---rock" else pytest.approx(1))


def test_without_thresholds_the_best_tag_is_the_tracks(tmp_path):
    write_tracks(tmp_path, [track("t1")])
    write_results(tmp_path, [ok("t1", [0.9, 0.1, 0, 0]), ok("t1", [0.1, 0.9, 0, 0], by="s2")])
    found = run(tmp_path, scoring("s1"), scoring("s2"))
    moved = {one.tag: (one.only_a, one.only_b) for one in found.tags}
    assert moved == {
        "mood---calm": (1, 0),
        "mood---wild": (0, 1),
        "genre---rock": (0, 0),
        "genre---Calm": (0, 0),
    }


def test_tags_are_matched_by_name_and_only_tracks_of_both_count(tmp_path):
    turned = Taxonomy("turned", ("genre---new", *MOODS.tags[::-1]))
    write_tracks(tmp_path, [track(f"t{i}") for i in range(1, 5)])
    write_results(
        tmp_path,
        [
            ok("t1", [0.9, 0.1, 0.2, 0.3]),
            ok("t1", [0.5, 0.3, 0.2, 0.1, 0.9], by="s2"),
            ok("t1", [1.0, 1.0, 1.0, 1.0], version="v0"),
            ok("t2", [0.9, 0.1, 0.2, 0.3]),
            failed("t2", "truncated", by="s2"),
            ok("t3", [0.5, 0.3, 0.2, 0.1, 0.9], by="s2"),
        ],
    )
    found = run(tmp_path, scoring("s1"), scoring("s2", turned))
    assert (found.num_tracks, found.only_a, found.only_b) == (1, 1, 1)
    assert {one.tag for one in found.tags} == set(MOODS.tags)
    assert max(one.mean_change for one in found.tags) == 0


def test_what_cannot_be_compared_is_said(tmp_path):
    two_scorings(tmp_path, num_tracks=2)
    with pytest.raises(TableError, match="no tag in common"):
        run(tmp_path, scoring("s1"), scoring("s2", SOUNDS))
    with pytest.raises(TableError, match="2 have those of s1, 0 those of s9"):
        run(tmp_path, scoring("s1"), scoring("s9"))


def command(root, *words):
    return CliRunner().invoke(main, ["compare", *words, "--workspace", str(root)])


def test_the_verb_prints_tables_and_writes_all_figures(tmp_path):
    two_scorings(tmp_path)
    write_scorings(tmp_path, scoring("s1", MOODS, OLD), scoring("s2"))
    said = command(tmp_path, "s1", "net-s2", "--output", str(tmp_path / "churn.json"))
    assert said.exit_code == 0, said.output
    assert "A: s1 net-s1@0123456789ab from audio (with thresholds)" in said.output
    assert "40 tracks have scores of both" in said.output
    assert "rank corr." in said.output
    found = json.loads((tmp_path / "churn.json").read_text())
    assert (found["a"]["scoring_id"], found["b"]["reference"]) == ("s1", "made:s2")
    assert len(found["tags"]) == 4
    assert len(found["tracks"]) == 10


def test_names_that_fit_nothing_or_too_much_are_refused(tmp_path):
    two_scorings(tmp_path, num_tracks=2)
    write_scorings(tmp_path, scoring("s1"), scoring("s2"))
    assert "no scoring 's7'; it has: s1 (made:s1); s2" in command(tmp_path, "s1", "s7").output
    assert "'s' is several scorings" in command(tmp_path, "s1", "s").output
    assert "are the same scoring s1" in command(tmp_path, "s1", "made:s1").output
    assert "give two scorings" in command(tmp_path, "s1").output
    assert "give two scorings" in command(tmp_path, "s1", "s2", "s1").output
