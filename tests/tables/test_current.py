from __future__ import annotations

import threading

import pytest
from tagged import (
    MOODS,
    SOUNDS,
    STORAGE,
    ok,
    scoring,
    small_workspace,
    write_results,
    write_scorings,
)

from pipeline.errors import TableError
from pipeline.tables import current
from pipeline.tables.current import read_current, set_current, set_current_where_none
from pipeline.tables.tags import publish


def shown(root) -> dict[str, str]:
    rows = read_current(str(root), storage=STORAGE).to_pylist()
    return {row["taxonomy"]: row["scoring_id"] for row in rows}


def test_without_a_table_nothing_is_current(tmp_path):
    assert shown(tmp_path) == {}
    assert not (tmp_path / "current").exists()


def test_the_first_publish_makes_each_taxonomys_first_scoring_current(tmp_path):
    small_workspace(tmp_path)
    write_scorings(tmp_path, scoring("a0"))
    write_results(tmp_path, [ok("t1", [0.1, 0.2, 0.3, 0.4], by="a0", minutes=30)])
    report = publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    assert report.made_current == ("s1", "s2")
    assert shown(tmp_path) == {"moods": "s1", "sounds": "s2"}


def test_a_later_scoring_does_not_take_the_place_of_the_current_one(tmp_path):
    first, second = scoring("s1"), scoring("s2")
    assert set_current_where_none(str(tmp_path), storage=STORAGE, scorings=[first]) == ("s1",)
    assert set_current_where_none(str(tmp_path), storage=STORAGE, scorings=[second]) == ()
    assert shown(tmp_path) == {"moods": "s1"}


def test_set_current_moves_one_taxonomy_and_leaves_the_others(tmp_path):
    both = [scoring("s1"), scoring("s2", SOUNDS)]
    set_current_where_none(str(tmp_path), storage=STORAGE, scorings=both)
    set_current(str(tmp_path), storage=STORAGE, scoring=scoring("s3"))
    assert shown(tmp_path) == {"moods": "s3", "sounds": "s2"}


def test_a_row_holds_the_tags_and_the_model(tmp_path):
    set_current(str(tmp_path), storage=STORAGE, scoring=scoring("s1"))
    (row,) = read_current(str(tmp_path), storage=STORAGE).to_pylist()
    assert row["tags"] == list(MOODS.tags)
    assert row["taxonomy_id"] == MOODS.taxonomy_id
    assert row["model_version"] == "net-s1@0123456789ab"


def test_changes_at_the_same_time_are_both_kept(tmp_path):
    changes = [scoring("s1"), scoring("s2", SOUNDS)]
    threads = [
        threading.Thread(
            target=set_current, args=(str(tmp_path),), kwargs={"storage": STORAGE, "scoring": one}
        )
        for one in changes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown(tmp_path) == {"moods": "s1", "sounds": "s2"}


def test_a_change_whose_answer_was_lost_is_told_as_made(tmp_path, monkeypatch):
    root = small_workspace(tmp_path)
    write = current._overwrite
    calls = []

    def write_and_lose_the_answer(table, *, rows):
        write(table, rows=rows)
        calls.append(rows)
        raise OSError("connection reset")

    monkeypatch.setattr(current, "_overwrite", write_and_lose_the_answer)
    made = set_current_where_none(root, storage=STORAGE, scorings=[scoring("s1")])
    assert made == ("s1",)
    assert len(calls) == 1
    assert shown(tmp_path) == {"moods": "s1"}


def test_a_store_that_takes_no_change_is_named(tmp_path, monkeypatch):
    root = small_workspace(tmp_path)

    def refuse(table, *, rows):
        raise OSError("503 SlowDown")

    monkeypatch.setattr(current, "_overwrite", refuse)
    with pytest.raises(TableError, match="503 SlowDown"):
        set_current_where_none(root, storage=STORAGE, scorings=[scoring("s1")])
    assert shown(tmp_path) == {}
