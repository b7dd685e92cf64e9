from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.storage import Storage
from pipeline.tables.pending import ROW_GROUP_ROWS, PendingReader, write_pending


def listed(root, *, planned, committed, keys=("k0", "k1"), lengths_s=None):
    connection = duckdb.connect()
    ids = pa.array(planned, pa.string())
    versions = pa.array(["1"] * len(planned), pa.string())
    work_s = pa.array(lengths_s or [30.0] * len(planned), pa.float64())
    tracks = pa.table({"track_id": ids, "audio_version": versions, "uri": ids, "work_s": work_s})
    connection.register("planned", tracks)
    columns = ("track_id", "audio_version", "scoring_id")
    rows = [[row[i] for row in committed] for i in range(3)]
    done = pa.table({n: pa.array(v, pa.string()) for n, v in zip(columns, rows, strict=True)})
    connection.register("committed", done)
    return write_pending(
        connection,
        root_url=str(root),
        storage=Storage(),
        run_id="run",
        keys=keys,
        key_column="scoring_id",
        order="track_id",
    )


def pending_of(root, **what):
    return listed(root, **what)[0]


def test_what_is_long_comes_first_and_the_work_is_counted_in_its_order(tmp_path):
    pending, workload = listed(
        tmp_path,
        planned=["a", "b", "c", "d", "e"],
        committed=[("d", "1", "k0"), ("d", "1", "k1")],
        lengths_s=[30.0, 3600.0, 600.0, 9999.0, 7200.0],
    )
    rows = PendingReader(pending, storage=Storage()).rows(0, pending.num_tracks)
    assert [row["track_id"] for row in rows] == ["e", "b", "a", "c"]
    assert workload.work_s.tolist() == [7200.0, 3600.0, 30.0, 600.0]


def test_each_track_lists_the_keys_that_lack_it(tmp_path):
    committed = [("a", "1", "k0"), ("b", "1", "k0"), ("b", "1", "k1"), ("c", "old", "k0")]
    pending = pending_of(tmp_path, planned=["c", "b", "a"], committed=committed)
    rows = PendingReader(pending, storage=Storage()).rows(0, pending.num_tracks)
    assert [(r["track_id"], r["todo"], r["row"]) for r in rows] == [("a", [1], 0), ("c", [0, 1], 1)]
    assert pending.num_open == (1, 2)


def test_a_row_that_is_committed_twice_does_not_multiply_the_work(tmp_path):
    committed = [("a", "1", "k0"), ("a", "1", "k0")]
    pending = pending_of(tmp_path, planned=["a"], committed=committed)
    assert pending.num_tracks == 1


def test_nothing_is_left_when_all_is_committed(tmp_path):
    pending = pending_of(tmp_path, planned=["a"], committed=[("a", "1", "k0"), ("a", "1", "k1")])
    assert (pending.num_tracks, pending.num_open) == (0, (0, 0))


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_slice_is_what_slicing_the_whole_gives(tmp_path_factory, data):
    num = 3 * ROW_GROUP_ROWS + 17
    ids = [f"{i:06d}" for i in range(num)]
    root = tmp_path_factory.mktemp("pending")
    pending = pending_of(root, planned=ids, committed=[], keys=("k0",))
    reader = PendingReader(pending, storage=Storage())
    for _ in range(5):
        start = data.draw(st.integers(0, num - 1))
        stop = data.draw(st.integers(start + 1, num))
        rows = reader.rows(start, stop)
        assert [r["track_id"] for r in rows] == ids[start:stop]
        assert [r["row"] for r in rows] == list(range(start, stop))
