from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from pipeline.errors import TableError
from pipeline.storage import Storage
from pipeline.tables.plan import make_plan, read_plans


def planned(rows):
    connection = duckdb.connect()
    names = ("track_id", "audio_version", "uri")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    connection.register("planned", table)
    return connection


def plan(root, rows, *, key="k"):
    return make_plan(planned(rows), root_url=str(root), storage=Storage(), key=key, table="results")


A = ("a", "1", "/a.wav")
B = ("b", "1", "/b.wav")


def test_the_same_tracks_in_another_order_and_place_are_the_same_plan(tmp_path):
    moved = ("b", "1", "/elsewhere/b.wav")
    assert plan(tmp_path, [A, B]).plan_id == plan(tmp_path, [moved, A]).plan_id


def test_another_version_track_or_key_is_another_plan(tmp_path):
    base = plan(tmp_path, [A, B]).plan_id
    assert plan(tmp_path, [A, ("b", "2", "/b.wav")]).plan_id != base
    assert plan(tmp_path, [A]).plan_id != base
    assert plan(tmp_path, [A, B], key="other").plan_id != base


def test_ids_and_versions_cannot_run_into_each_other(tmp_path):
    assert plan(tmp_path, [("a1", "", "/")]).plan_id != plan(tmp_path, [("a", "1", "/")]).plan_id


def test_the_plan_that_was_submitted_last_is_last(tmp_path):
    """A past bug: a catalog that went back to an old state could not be verified any more."""
    first = plan(tmp_path, [A])
    second = plan(tmp_path, [A, B])
    assert read_plans(str(tmp_path), storage=Storage()) == [first, second]
    again = plan(tmp_path, [A])
    assert again.plan_id == first.plan_id
    assert read_plans(str(tmp_path), storage=Storage()) == [second, again]
    assert (second.num_tracks, second.key, second.table) == (2, "k", "results")


def test_duplicate_ids_are_refused_with_their_files(tmp_path):
    with pytest.raises(TableError, match=r"b: /b.wav, /copy.wav"):
        plan(tmp_path, [A, B, ("b", "9", "/copy.wav")])


def test_an_empty_catalog_cannot_be_planned(tmp_path):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE planned (track_id TEXT, audio_version TEXT, uri TEXT)")
    with pytest.raises(TableError, match="no track to plan"):
        make_plan(connection, root_url=str(tmp_path), storage=Storage(), key="k", table="results")
