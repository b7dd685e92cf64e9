from __future__ import annotations

import json

import pytest
from tagged import STORAGE, track, write_tracks

from pipeline.errors import TableError
from pipeline.tables import forget_rows
from pipeline.tables.database import database
from pipeline.tables.forget_rows import count_rows, erase_history, register_ids, take_out


def counted(root, *track_ids: str) -> int:
    with database(memory_mb=200) as connection:
        register_ids(connection, track_ids)
        return count_rows(connection, "catalog", root_url=str(root), storage=STORAGE)


def test_rows_keep_their_order_and_only_files_with_the_track_are_written(tmp_path):
    write_tracks(tmp_path, [track(f"t{i}") for i in (3, 1, 2)])
    write_tracks(tmp_path, [track("t9")])
    untouched = set((tmp_path / "catalog").glob("*.parquet"))
    take_out("catalog", ["t1"], root_url=str(tmp_path), storage=STORAGE, memory_mb=200)
    assert (counted(tmp_path, "t1"), counted(tmp_path, "t2", "t3", "t9")) == (0, 3)
    assert len(set((tmp_path / "catalog").glob("*.parquet")) - untouched) == 1


def test_the_last_row_of_a_table_can_go(tmp_path):
    write_tracks(tmp_path, [track("t1")])
    take_out("catalog", ["t1"], root_url=str(tmp_path), storage=STORAGE, memory_mb=200)
    erase_history("catalog", root_url=str(tmp_path), storage=STORAGE)
    assert counted(tmp_path, "t1") == 0
    assert list((tmp_path / "catalog").glob("*.parquet")) == []
    write_tracks(tmp_path, [track("t2")])
    assert counted(tmp_path, "t2") == 1


def test_tables_that_are_not_there_are_left_alone(tmp_path):
    take_out("tags", ["t1"], root_url=str(tmp_path), storage=STORAGE, memory_mb=200)
    erase_history("tags", root_url=str(tmp_path), storage=STORAGE)
    assert list(tmp_path.iterdir()) == []


def test_of_files_that_are_no_more_the_log_keeps_the_number_of_rows_only(tmp_path):
    write_tracks(tmp_path, [track("t1"), track("t2")])
    take_out("catalog", ["t1"], root_url=str(tmp_path), storage=STORAGE, memory_mb=200)
    erase_history("catalog", root_url=str(tmp_path), storage=STORAGE)
    log = (tmp_path / "catalog" / "_delta_log" / f"{1:020d}.json").read_text().splitlines()
    (add,) = (json.loads(line)["add"] for line in log if '"add"' in line)
    assert json.loads(add["stats"]) == {"numRecords": 2}


def test_a_table_that_others_rewrite_all_the_time_is_named(tmp_path, monkeypatch):
    def conflict(*_args, **_kwargs):
        raise forget_rows.CommitFailedError("another")

    write_tracks(tmp_path, [track("t1")])
    monkeypatch.setattr(forget_rows, "replace_files", conflict)
    with pytest.raises(TableError, match="other jobs rewrite it"):
        take_out("catalog", ["t1"], root_url=str(tmp_path), storage=STORAGE, memory_mb=200)
