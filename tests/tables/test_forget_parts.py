from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from forgettable import SPEC, TRACKS, mel
from ledgered import start
from tagged import STORAGE

from pipeline.tables.features import write_part
from pipeline.tables.forget_parts import MOVED, lists_naming, rewrite_list, rewrite_parts
from pipeline.tables.plan import read_plan


@pytest.fixture
def part(tmp_path):
    tracks = [(track_id, mel(track_id)) for track_id in TRACKS]
    return write_part(tracks, spec=SPEC, root_url=str(tmp_path), storage=STORAGE)[0]


def test_a_part_without_a_track_says_where_the_others_are(tmp_path, part):
    moved = rewrite_parts([part], ["t2"], root_url=str(tmp_path), storage=STORAGE)
    places = {row["track_id"]: row for row in moved.to_pylist()}
    assert {track_id: row["first_row"] for track_id, row in places.items()} == {"t1": 0, "t3": 2}
    name = places["t3"]["part"]
    assert name.startswith(f"{SPEC.spec_id}/part-")
    new, old = (pq.read_table(tmp_path / "features" / one) for one in (name, part))
    assert new.schema.equals(old.schema, check_metadata=True)
    kept = [0, 1, 4, 5]
    expected = old["mel"].combine_chunks().to_numpy_ndarray()[kept]
    np.testing.assert_array_equal(new["mel"].combine_chunks().to_numpy_ndarray(), expected)
    assert new["block_index"].to_pylist() == [0, 1, 0, 1]


def test_a_part_of_forgotten_tracks_alone_gets_no_heir(tmp_path, part):
    moved = rewrite_parts([part, "s/gone.parquet"], TRACKS, root_url=str(tmp_path), storage=STORAGE)
    assert moved.equals(MOVED.empty_table())
    assert len(list((tmp_path / "features").rglob("*.parquet"))) == 1


def test_a_plan_loses_the_track_and_keeps_its_id_and_a_list_of_work_goes(tmp_path):
    prepared = start(tmp_path, tracks=["t1", "t2"], run_id="r", key="s1")
    plan = prepared.plans["s1"]
    plan_url, list_url = lists_naming(["t1"], root_url=str(tmp_path), storage=STORAGE)
    assert list_url == prepared.pending.url
    for url in (plan_url, list_url):
        rewrite_list(url, ["t1"], storage=STORAGE)
    kept = read_plan(plan_url, storage=STORAGE)
    assert (kept.plan_id, kept.num_tracks) == (plan.plan_id, 1)
    assert pq.read_table(plan_url)["track_id"].to_pylist() == ["t2"]
    assert lists_naming(["t1"], root_url=str(tmp_path), storage=STORAGE) == []
    assert not STORAGE.exists(list_url)
