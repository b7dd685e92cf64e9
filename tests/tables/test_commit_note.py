from __future__ import annotations

import threading

from deltalake import DeltaTable
from lined import commit_rows
from tagged import STORAGE, scoring, small_workspace, track, write_scorings, write_tracks

from pipeline.revision import this_code
from pipeline.tables.commit_note import commit_note, noting
from pipeline.tables.compaction import compact
from pipeline.tables.tags import publish


def last(root, table: str) -> dict:
    return DeltaTable(f"{root}/{table}").history(1)[0]


def test_the_runs_facts_hold_inside_and_in_this_thread_only():
    elsewhere: list[dict] = []
    with noting(run_id="r1"), noting(verb="tag"):
        assert commit_note(a="b") == {
            **this_code().facts(),
            "run_id": "r1",
            "verb": "tag",
            "a": "b",
        }
        thread = threading.Thread(target=lambda: elsewhere.append(commit_note()))
        thread.start()
        thread.join()
    assert commit_note() == elsewhere[0] == this_code().facts()


def test_a_commits_own_facts_stand_over_the_runs():
    with noting(run_id="r1"):
        assert commit_note(run_id="r1-copy")["run_id"] == "r1-copy"


def test_commits_of_ledger_tags_and_current_name_run_and_code(tmp_path):
    write_tracks(tmp_path, [track("t1"), track("t2")])
    write_scorings(tmp_path, scoring("s1"))
    with noting(run_id="r1", verb="teach"):
        commit_rows(tmp_path, ["t1", "t2"], run_id="r1")
        publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    for table in ("results", "tags", "current"):
        entry = last(tmp_path, table)
        assert entry["run_id"] == "r1"
        assert entry["verb"] == "teach"
        assert entry["sources_sha256"] == this_code().sources_sha256
    assert last(tmp_path, "current")["made_current"].endswith("=s1")


def test_maintenance_says_what_it_was(tmp_path):
    small_workspace(tmp_path)
    write_tracks(tmp_path, [track("t9")])
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    commit_rows(tmp_path, ["t8"], run_id="r2")
    commit_rows(tmp_path, ["t9"], run_id="r3")
    compact(str(tmp_path), storage=STORAGE, memory_mb=200)
    entry = last(tmp_path, "results")
    assert entry["maintenance"] == "compact"
    assert entry["sources_sha256"] == this_code().sources_sha256
