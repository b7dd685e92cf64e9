from __future__ import annotations

import numpy as np
import pytest
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

from pipeline.errors import TableError
from pipeline.tables.current import read_current, set_current
from pipeline.tables.promotion import show, tag_changes
from pipeline.tables.views import open_views, run_query
from pipeline.taxonomy import Taxonomy

HALVES = (0.5, 0.5, 0.5, 0.5)


def changes(root, before, after):
    return tag_changes(str(root), storage=STORAGE, before=before, after=after, memory_mb=256)


def moved(root, after):
    return show(str(root), storage=STORAGE, scoring=after, memory_mb=256)


def shown(root):
    return read_current(str(root), storage=STORAGE)["scoring_id"].to_pylist()


def workspace(root, rows, *, tracks=("t1", "t2", "t3")):
    write_tracks(root, [track(name) for name in tracks])
    write_results(root, rows)
    write_scorings(root, scoring("s1"), scoring("s2"))
    return root


def test_each_tag_is_counted_where_it_crosses_its_threshold(tmp_path):
    rng = np.random.default_rng(0)
    before_NK, after_NK = rng.random((2, 20, 4), np.float32)
    names = [f"t{i}" for i in range(20)]
    rows = [ok(name, before_NK[i], by="s1") for i, name in enumerate(names)]
    rows += [ok(name, after_NK[i], by="s2") for i, name in enumerate(names)]
    workspace(tmp_path, rows, tracks=names)
    old, new = (0.5, 0.3, 0.7, 0.9), (0.4, 0.3, 0.6, 0.95)
    found = changes(tmp_path, scoring("s1", MOODS, old), scoring("s2", MOODS, new))
    was_NK, becomes_NK = before_NK >= np.float32(old), after_NK >= np.float32(new)
    assert found.num_tracks == 20
    for k, tag in enumerate(MOODS.tags):
        assert found.gained[tag] == (becomes_NK & ~was_NK)[:, k].sum()
        assert found.lost[tag] == (was_NK & ~becomes_NK)[:, k].sum()


def test_without_thresholds_the_best_tag_is_the_tracks(tmp_path):
    rows = [ok("t1", [0.1, 0.2, 0.3, 0.4], by="s1"), ok("t1", [0.4, 0.2, 0.3, 0.1], by="s2")]
    found = changes(workspace(tmp_path, rows), scoring("s1"), scoring("s2"))
    assert {tag for tag, n in found.gained.items() if n} == {MOODS.tags[0]}
    assert {tag for tag, n in found.lost.items() if n} == {MOODS.tags[3]}


def test_tags_are_matched_by_name_not_by_place(tmp_path):
    turned = Taxonomy("turned", ("genre---new", *MOODS.tags[::-1]))
    rows = [ok("t1", [0.9, 0.1, 0.9, 0.1], by="s1"), ok("t1", [0.9, 0.1, 0.9, 0.1, 0.1], by="s2")]
    found = changes(
        workspace(tmp_path, rows), scoring("s1", MOODS, HALVES), scoring("s2", turned, (0.5,) * 5)
    )
    assert set(found.gained) == set(MOODS.tags)
    assert (sum(found.gained.values()), sum(found.lost.values())) == (0, 1)
    assert found.lost["mood---calm"] == 1


def test_only_tracks_with_scores_under_both_for_the_file_that_is_there_count(tmp_path):
    low, high = [0.1] * 4, [0.9] * 4
    rows = [
        ok("t1", low, by="s1"),
        ok("t1", high, by="s2"),
        ok("t1", low, by="s1", version="v0"),
        ok("t1", high, by="s2", version="v0"),
        ok("t2", low, by="s1"),
        failed("t2", "truncated", by="s2"),
        ok("t3", low, by="s1"),
    ]
    workspace(tmp_path, rows)
    found = changes(tmp_path, scoring("s1", MOODS, HALVES), scoring("s2", MOODS, HALVES))
    assert found.num_tracks == 1
    assert sum(found.gained.values()) == 4
    assert changes(tmp_path, scoring("s1"), scoring("s9")).num_tracks == 0
    assert changes(tmp_path, scoring("s1"), scoring("s2", SOUNDS)).num_tracks == 0


def test_the_views_show_a_scoring_that_has_every_track_that_they_have(tmp_path):
    rows = [ok("t1", [0.1] * 4, by="s1"), ok("t2", [0.1] * 4, by="s1")]
    workspace(tmp_path, rows)
    set_current(str(tmp_path), storage=STORAGE, scoring=scoring("s1"))
    write_results(tmp_path, [ok("t1", [0.9] * 4, by="s2")])
    assert moved(tmp_path, scoring("s2")) == 1
    assert shown(tmp_path) == ["s1"]
    write_results(tmp_path, [failed("t2", "truncated", by="s2")])
    assert moved(tmp_path, scoring("s2")) == 0
    assert shown(tmp_path) == ["s2"]
    with open_views(str(tmp_path), storage=STORAGE, memory_mb=256) as connection:
        tags = run_query(connection, "SELECT DISTINCT track_id, scoring_id FROM tags").to_pylist()
    assert tags == [{"track_id": "t1", "scoring_id": "s2"}]


def test_views_that_show_nothing_wait_for_the_whole_catalog(tmp_path):
    workspace(tmp_path, [ok("t1", [0.1] * 4, by="s2")])
    assert moved(tmp_path, scoring("s2")) == 2
    assert shown(tmp_path) == []
    write_results(tmp_path, [ok("t2", [0.1] * 4, by="s2"), ok("t3", [0.1] * 4, by="s2")])
    assert moved(tmp_path, scoring("s2")) == 0
    assert shown(tmp_path) == ["s2"]


def test_a_workspace_without_a_catalog_is_refused(tmp_path):
    with pytest.raises(TableError, match="there is no catalog"):
        changes(tmp_path, scoring("s1"), scoring("s2"))
