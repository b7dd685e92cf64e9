from __future__ import annotations

import errno

import numpy as np
import pytest
from searchable import WIDTH, scored, searchable, shared
from tagged import STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks

from pipeline.consumers import neighbours
from pipeline.consumers.neighbours import open_neighbours
from pipeline.errors import TableError, UserError
from pipeline.tables.views import open_views


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared(tmp_path_factory)


def opened(root, folder, *, by: str = "s1"):
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        return open_neighbours(connection, scoring_id=by, folder=str(folder))


@pytest.fixture(scope="module")
def near(root, tmp_path_factory):
    return opened(root, tmp_path_factory.mktemp("cache"))


def shown_embeddings(root) -> dict[str, np.ndarray]:
    """Of the version that the views show, of tracks in the catalog."""
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        rows = connection.execute(
            "SELECT track_id, r.embedding FROM results r JOIN tracks t USING (track_id) "
            "WHERE r.scoring_id = 's1' AND r.status = 'ok' "
            "QUALIFY row_number() OVER (PARTITION BY track_id ORDER BY "
            "(r.audio_version = t.audio_version)::INTEGER DESC, r.tagged_at DESC) = 1"
        ).fetchall()
    return {track_id: np.array(values) for track_id, values in rows}


def test_each_track_has_the_embedding_of_the_version_that_is_shown(root, near):
    expected = shown_embeddings(root)
    assert {i for i, usable in zip(near.ids.to_pylist(), near.usable_N, strict=True) if usable} == {
        track_id for track_id, values in expected.items() if values.any()
    }
    for track_id, values in list(expected.items())[:50]:
        unit = values / np.linalg.norm(values)
        assert near.vector(track_id) == pytest.approx(unit, abs=3e-4)


def test_the_nearest_are_those_of_numpy_and_ties_go_by_id(root, near):
    expected = shown_embeddings(root)
    query = near.vector("t007")
    found = near.nearest(query, limit=300)
    assert found["track_id"][0].as_py() == "t007"
    assert found.num_rows == int(near.usable_N.sum())
    similar = dict(zip(*(found[n].to_pylist() for n in found.column_names), strict=True))
    for track_id, similarity in similar.items():
        values = expected[track_id]
        assert similarity == pytest.approx(values @ query / np.linalg.norm(values), abs=1e-3)
    ordered = found["similarity"].to_pylist()
    assert ordered == sorted(ordered, reverse=True)
    top = near.nearest(query, limit=7)
    assert top == found.slice(0, 7)


def test_only_what_is_allowed_is_found(near):
    some = ["t001", "t014", "t021", "t022", "no such track"]
    found = near.nearest(near.vector("t007"), limit=9, allowed_N=near.having(some))
    assert set(found["track_id"].to_pylist()) <= set(some)
    assert near.nearest(near.vector("t007"), limit=9, allowed_N=near.having([])).num_rows == 0


def test_equal_embeddings_come_in_the_order_of_their_ids(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    ids = [f"t{i:02d}" for i in np.random.default_rng(0).permutation(30)]
    write_tracks(tmp_path, [track(track_id) for track_id in ids])
    write_results(tmp_path, [ok(track_id, [0.5] * 4) for track_id in ids])
    found = opened(tmp_path, tmp_path / "cache").nearest(np.array([0.5, 0.25]), limit=6)
    assert found["track_id"].to_pylist() == sorted(ids)[:6]
    assert found["similarity"].to_pylist() == pytest.approx([1.0] * 6, abs=1e-3)


def test_a_track_without_embedding_says_so(near):
    with pytest.raises(UserError, match="no embedding of this model"):
        near.vector("t000")
    with pytest.raises(UserError, match="no embedding of this model"):
        near.vector("not in the catalog")


def test_the_file_is_made_once_and_anew_when_the_tables_change(tmp_path, monkeypatch):
    root, cache = searchable(tmp_path / "ws"), tmp_path / "cache"
    first = opened(root, cache)
    with monkeypatch.context() as patched:
        patched.setattr(neighbours, "_write", None)
        assert opened(root, cache).ids == first.ids
    rng = np.random.default_rng(5)
    write_results(root, scored("t000", rng))
    second = opened(root, cache)
    assert second.having(["t000"]).any()
    assert not first.having(["t000"]).any()
    (kept,) = (path for path in cache.iterdir() if path.is_dir())
    before = shown_embeddings(root)["t008"]
    write_tracks(root, [track("new")])
    opened(root, cache)
    assert not kept.exists()
    assert np.array_equal(shown_embeddings(root)["t008"], before)


def test_two_workspaces_and_two_models_do_not_share_a_file(root, tmp_path):
    other = searchable(tmp_path / "ws", seed=1)
    for place in (root, other):
        for by in ("s1", "s2"):
            opened(place, tmp_path / "cache", by=by)
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 4


def test_no_embeddings_and_embeddings_of_two_lengths_are_errors(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    write_tracks(tmp_path, [track("t1"), track("t2"), track("t3")])
    write_results(tmp_path, [ok("t1", [0.5] * 4) | {"embedding": None}])
    with pytest.raises(TableError, match="no embeddings in the ledger"):
        opened(tmp_path, tmp_path / "cache")
    long = np.ones(3, np.float32)
    write_results(tmp_path, [ok("t2", [0.5] * 4), ok("t3", [0.5] * 4) | {"embedding": long}])
    with pytest.raises(TableError, match="embeddings of 2 and 3 values"):
        opened(tmp_path, tmp_path / "cache")
    assert not [p for p in (tmp_path / "cache").iterdir() if p.is_dir() and "part" not in p.name]


def test_a_full_disk_is_told_and_leaves_nothing(root, tmp_path, monkeypatch):
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(neighbours, "_write_vectors", full)
    with pytest.raises(UserError, match=r"runtime\.cache"):
        opened(root, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_query_of_another_length_or_without_one(near):
    with pytest.raises(ValueError, match="shape"):
        near.nearest(np.ones(WIDTH + 1), limit=1)
    assert near.nearest(np.zeros(WIDTH), limit=5).num_rows == 0
