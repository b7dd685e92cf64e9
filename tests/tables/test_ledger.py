from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipeline.errors import TableError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage
from pipeline.tables.ledger import RESULTS_LEDGER, Committer
from pipeline.tables.prepare import Asked, Prepared, foresee, prepare
from pipeline.tables.receipt import Receipt, Tally, write_rows
from pipeline.tables.verify import verify

STORAGE = Storage()
KEY = "scoring-a"


def register(connection, *, tracks):
    rows = [{"track_id": t, "audio_version": "v1", "uri": f"/music/{t}.wav"} for t in tracks]
    planned = pa.Table.from_pylist(rows, schema=pa.schema([CATALOG.field(n) for n in rows[0]]))
    seconds = pa.array([30.0] * len(rows), pa.float64())
    connection.register("planned", planned.append_column("work_s", seconds))


def asked(root, *, tracks, keys=(KEY,)) -> Asked:
    return Asked(
        RESULTS_LEDGER,
        keys=list(keys),
        register=lambda connection: register(connection, tracks=tracks),
        order="track_id",
        root_url=str(root),
        storage=STORAGE,
        memory_mb=256,
    )


def start(root, *, tracks, run_id, keys=(KEY,)) -> Prepared:
    return prepare(asked(root, tracks=tracks, keys=keys), run_id=run_id)


def result(track_id, *, key=KEY, status="ok", reason=None):
    return {
        "track_id": track_id,
        "audio_version": "v1",
        "scoring_id": key,
        "model_version": "m",
        "plan_id": "p",
        "run_id": "r",
        "status": status,
        "reason": reason,
        "duration_s": 30.0 if status == "ok" else None,
        "scores": [0.5] if status == "ok" else None,
        "embedding": [0.5] if status == "ok" else None,
        "tagged_at": datetime.now(UTC),
    }


def written(root, *, tracks, numbers, key=KEY) -> Receipt:
    return write_rows(
        [result(t, key=key) for t in tracks],
        numbers=numbers,
        table_url=f"{root}/results",
        storage=STORAGE,
        schema=RESULTS_LEDGER.schema,
        key=key,
        counted=[True] * len(numbers),
    )


def rows_of(root):
    return sorted(DeltaTable(f"{root}/results").to_pyarrow_table()["track_id"].to_pylist())


def test_committed_rows_are_seen_and_held_ones_are_not(tmp_path):
    prepared = start(tmp_path, tracks="abcd", run_id="r1")
    committer = prepared.committers[KEY]
    assert committer.add(written(tmp_path, tracks="ab", numbers=[0, 1])).ok == 2
    assert rows_of(tmp_path) == []
    assert committer.commit() == 2
    assert rows_of(tmp_path) == ["a", "b"]


def test_what_a_run_would_do_is_foreseen_and_nothing_is_written(tmp_path):
    nothing = foresee(asked(tmp_path / "new", tracks="abcd"))
    assert (nothing.tracks, nothing.num_open, nothing.open_by_key) == (4, 4, {KEY: 4})
    assert not (tmp_path / "new").exists()
    committer = start(tmp_path, tracks="abcd", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="abc", numbers=[0, 1, 2]))
    committer.commit()
    before = sorted(path for path in tmp_path.rglob("*"))
    found = foresee(asked(tmp_path, tracks="abcd", keys=(KEY, "other")))
    assert found.open_by_key == {KEY: 1, "other": 4}
    assert (found.tracks, found.num_open, found.audio_s) == (4, 4, 120.0)
    assert "4 of 4 tracks (0.03 h of audio) are to be done" in found.lines()
    assert sorted(path for path in tmp_path.rglob("*")) == before
    prepared = start(tmp_path, tracks="abcd", run_id="r2", keys=(KEY, "other"))
    assert dict(zip((KEY, "other"), prepared.pending.num_open, strict=True)) == found.open_by_key


def test_a_receipt_that_comes_twice_is_committed_once(tmp_path):
    prepared = start(tmp_path, tracks="abcd", run_id="r1")
    committer = prepared.committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.commit()
    again = written(tmp_path, tracks="ab", numbers=[0, 1])
    assert committer.add(again) == Tally()
    assert committer.commit() == 0
    assert rows_of(tmp_path) == ["a", "b"]
    assert not (tmp_path / "results" / again.path).exists()


def test_a_receipt_that_is_partly_committed_is_rewritten_without_those_rows(tmp_path):
    prepared = start(tmp_path, tracks="abcd", run_id="r1")
    committer = prepared.committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.commit()
    tally = committer.add(written(tmp_path, tracks="bcd", numbers=[1, 2, 3]))
    assert (tally.ok, tally.tracks, tally.audio_s) == (2, 2, 60.0)
    committer.commit()
    assert rows_of(tmp_path) == ["a", "b", "c", "d"]
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=256).holds


def test_two_runs_of_one_scoring_share_the_work_and_no_row_is_there_twice(tmp_path):
    first = start(tmp_path, tracks="abcd", run_id="r1")
    second = start(tmp_path, tracks="abcd", run_id="r2")
    first.committers[KEY].add(written(tmp_path, tracks="abc", numbers=[0, 1, 2]))
    second.committers[KEY].add(written(tmp_path, tracks="bcd", numbers=[1, 2, 3]))
    second.committers[KEY].add(written(tmp_path, tracks="a", numbers=[0]))
    assert first.committers[KEY].commit() == 3
    assert second.committers[KEY].commit() == 1
    assert rows_of(tmp_path) == ["a", "b", "c", "d"]
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=256)
    assert report.holds
    assert not report.orphans


def test_runs_of_different_scorings_do_not_disturb_each_other(tmp_path):
    first = start(tmp_path, tracks="ab", run_id="r1")
    second = start(tmp_path, tracks="ab", run_id="r2", keys=["scoring-b"])
    first.committers[KEY].add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    other = written(tmp_path, tracks="ab", numbers=[0, 1], key="scoring-b")
    second.committers["scoring-b"].add(other)
    assert first.committers[KEY].commit() == 2
    assert second.committers["scoring-b"].commit() == 2
    assert rows_of(tmp_path) == ["a", "a", "b", "b"]


def test_a_commit_whose_answer_is_lost_is_not_repeated(tmp_path, monkeypatch):
    prepared = start(tmp_path, tracks="ab", run_id="r1")
    committer = prepared.committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    table = committer._table
    real = table.create_write_transaction

    def lose_answer(*args, **kwargs):
        real(*args, **kwargs)
        raise OSError("connection reset by peer")

    monkeypatch.setattr(table, "create_write_transaction", lose_answer)
    committer.commit()
    monkeypatch.undo()
    assert committer.committed == 2
    assert committer.commit() == 0
    assert rows_of(tmp_path) == ["a", "b"]


def test_a_new_run_finds_only_what_is_left(tmp_path):
    first = start(tmp_path, tracks="abcd", run_id="r1")
    first.committers[KEY].add(written(tmp_path, tracks="bd", numbers=[1, 3]))
    first.committers[KEY].commit()
    second = start(tmp_path, tracks="abcd", run_id="r2")
    assert second.plans[KEY].plan_id == first.plans[KEY].plan_id
    assert second.pending.num_tracks == 2
    second.committers[KEY].add(written(tmp_path, tracks="ac", numbers=[0, 1]))
    second.committers[KEY].commit()
    assert start(tmp_path, tracks="abcd", run_id="r3").pending.num_tracks == 0
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=256).holds


def test_a_file_that_is_gone_or_cut_is_not_committed(tmp_path):
    committer = start(tmp_path, tracks="ab", run_id="r1").committers[KEY]
    receipt = written(tmp_path, tracks="ab", numbers=[0, 1])
    committer.add(receipt)
    path = tmp_path / "results" / receipt.path
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(TableError, match="not committed"):
        committer.commit()
    path.unlink()
    with pytest.raises(TableError, match="gone or damaged"):
        committer.commit()
    assert rows_of(tmp_path) == []


def test_a_store_that_is_away_for_a_while_is_waited_for(tmp_path, monkeypatch):
    """A past bug: the look at the table after a failed commit was not tried again."""
    committer = start(tmp_path, tracks="ab", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    table = committer._table
    calls, commit, update = [], table.create_write_transaction, table.update_incremental

    def away(real):
        def call(*args, **kwargs):
            calls.append(real)
            if len(calls) < 4:
                raise OSError("503 slow down")
            return real(*args, **kwargs)

        return call

    monkeypatch.setattr("pipeline.tables.ledger.LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(table, "create_write_transaction", away(commit))
    monkeypatch.setattr(table, "update_incremental", away(update))
    assert committer.commit() == 2
    assert rows_of(tmp_path) == ["a", "b"]


def test_verify_names_missing_doubled_and_vanished(tmp_path):
    first = start(tmp_path, tracks="abcd", run_id="r1")
    first.committers[KEY].add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    first.committers[KEY].commit()
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=256)
    assert not report.holds
    assert "2 of 4 tracks have no row" in report.faults[0]

    rogue = Committer(
        RESULTS_LEDGER, root_url=str(tmp_path), storage=STORAGE, key=KEY, run_id="rogue"
    )
    rogue.start(4)
    rogue.add(written(tmp_path, tracks="bcd", numbers=[1, 2, 3]))
    rogue.commit()
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=256)
    assert any("track b (v1) stands 2 times" in fault for fault in report.faults)

    listed = DeltaTable(f"{tmp_path}/results").file_uris()
    (tmp_path / "results" / listed[0].rpartition("/")[2]).rename(tmp_path / "elsewhere")
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=256)
    assert any("listed but not there" in fault for fault in report.faults)


def test_a_committed_file_that_is_cut_off_is_a_fault_and_no_crash(tmp_path):
    """Bug: its footer could not be read, and verify ended with Arrow's error."""
    committer = start(tmp_path, tracks="ab", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.commit()
    (uri,) = DeltaTable(f"{tmp_path}/results").file_uris()
    path = tmp_path / "results" / uri.rpartition("/")[2]
    path.write_bytes(path.read_bytes()[:-20])
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=256)
    assert not report.holds
    assert any("is damaged" in fault for fault in report.faults)


def test_many_commits_from_many_threads_lose_and_double_nothing(tmp_path):
    """A past trap: deltalake accepts a fresh handle's commit under an old version."""
    from concurrent.futures import ThreadPoolExecutor

    tracks = [f"t{i:02d}" for i in range(24)]
    runs = [start(tmp_path, tracks=tracks, run_id=f"r{n}") for n in range(3)]

    def work(prepared):
        committer = prepared.committers[KEY]
        for i in range(0, 24, 4):
            numbers = list(range(i, i + 4))
            committer.add(written(tmp_path, tracks=tracks[i : i + 4], numbers=numbers))
            committer.commit()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, runs))
    assert rows_of(tmp_path) == tracks
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=256).holds
