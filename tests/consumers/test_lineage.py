from __future__ import annotations

import json

import pytest
from deltalake import DeltaTable
from lined import commit_rows, lined_workspace
from tagged import STORAGE, failed, ok, small_workspace, track, write_results, write_tracks

from pipeline.consumers.lineage import (
    NO_LOG,
    NO_MOVE,
    NO_NOTE,
    NO_PLAN,
    NO_RECORD,
    known_track,
    lineage,
)
from pipeline.errors import UserError
from pipeline.revision import this_code
from pipeline.tables.compaction import compact
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views


def chain(root, track_id: str, look_up=None):
    return lineage(track_id, root_url=str(root), storage=STORAGE, memory_mb=200, look_up=look_up)


@pytest.fixture(scope="module")
def lined(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws")
    return root, lined_workspace(root)


def test_a_result_leads_to_run_plan_model_code_and_configuration(lined):
    root, run_id = lined
    found = chain(root, "t1")
    (row,) = found.rows["results"]
    assert row["run_id"] == run_id
    run = found.runs[run_id]
    assert run["code"]["sources_sha256"] == this_code().sources_sha256
    assert "scoring:" in run["config"]
    assert len(run["config_sha256"]) == 64
    assert (run["experiment"], run["versions"]) == ("earmark", {"results": [1]})
    assert found.plans[row["plan_id"]]["num_tracks"] == 3
    assert found.scorings["s1"]["model_version"] == row["model_version"]


def test_a_row_leads_to_the_table_the_version_and_the_commit_that_added_it(lined):
    root, run_id = lined
    (row,) = chain(root, "t1").rows["results"]
    stored = row["stored"]
    assert stored["table_url"] == f"{root}/results"
    assert (root / "results" / stored["file"]).is_file()
    assert (stored["added_in"], stored["commit"]["version"]) == ([1], 1)
    assert stored["commit"]["run_id"] == run_id
    assert stored["commit"]["note"]["sources_sha256"] == this_code().sources_sha256


def test_published_tags_lead_to_their_commit_and_to_when_the_views_show_them(lined):
    root, _ = lined
    found = chain(root, "t1")
    (tags,) = found.rows["tags"]
    assert (tags["num_tags"], tags["stored"]["added_in"]) == (4, [1])
    (move,) = found.shown["s1"]["moves"]
    assert move["version"] == 1
    assert found.shown["s1"]["since"]


def test_a_failed_track_keeps_its_reason(lined):
    root, _ = lined
    (row,) = chain(root, "t3").rows["results"]
    assert (row["status"], row["reason"]) == ("failed", "undecodable")
    assert chain(root, "t3").rows["tags"] == []


def test_after_compaction_the_version_that_holds_a_row_and_those_of_its_run_are_told(tmp_path):
    write_tracks(tmp_path, [track("t1"), track("t2")])
    commit_rows(tmp_path, ["t1"], run_id="r1")
    commit_rows(tmp_path, ["t2"], run_id="r2")
    compact(str(tmp_path), storage=STORAGE, memory_mb=200)
    (row,) = chain(tmp_path, "t2").rows["results"]
    assert row["stored"]["commit"]["version"] == 3
    assert row["stored"]["commit"]["note"]["maintenance"] == "compact"
    assert row["stored"]["added_in"] == [2]


def test_rows_of_before_say_what_is_not_recorded(tmp_path):
    small_workspace(tmp_path)
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    for commit in (tmp_path / "current" / "_delta_log").glob("*.json"):
        rewrite_note(commit)
    found = chain(tmp_path, "t1")
    expected = {"run_id": "run", "not_recorded": NO_RECORD, "mlflow_asked": False}
    assert found.runs["run"] == expected
    assert found.plans["plan"] == {"not_recorded": NO_PLAN}
    stored = found.rows["results"][0]["stored"]
    assert stored["commit"]["not_recorded"] == NO_NOTE
    assert found.shown["s1"]["not_recorded"] == NO_MOVE
    assert found.scorings["s1"]["weights_sha256"] is None


def rewrite_note(commit) -> None:
    """The commit as versions of before wrote it."""
    lines = [json.loads(line) for line in commit.read_text().splitlines()]
    for line in lines:
        line.get("commitInfo", {}).pop("made_current", None)
    commit.write_text("\n".join(map(json.dumps, lines)))


def test_a_log_that_was_cleaned_up_is_said_to_be(tmp_path):
    commit_rows(tmp_path, ["t1"], run_id="r1")
    commit_rows(tmp_path, ["t2"], run_id="r1")
    compacted = tmp_path / "results" / "_delta_log"
    DeltaTable(f"{tmp_path}/results").create_checkpoint()
    for version in (0, 1):
        (compacted / f"{version:020d}.json").unlink()
    (row,) = chain(tmp_path, "t1").rows["results"]
    assert (row["stored"]["commit"], row["stored"]["not_recorded"]) == (None, NO_LOG)


def test_mlflow_is_asked_about_runs_without_a_record_only(tmp_path):
    asked = []

    def look_up(run_ids):
        asked.append(list(run_ids))
        return {"run": {"verb": "tag", "status": "FINISHED", "parameters": {"a": "b"}}}

    small_workspace(tmp_path)
    run = chain(tmp_path, "t1", look_up).runs["run"]
    assert (run["verb"], run["not_recorded"], asked) == ("tag", NO_RECORD, [["run"]])
    assert chain(tmp_path, "t4", look_up).runs == {}
    assert len(asked) == 1


def test_a_track_that_left_the_catalog_is_found_by_its_whole_id(tmp_path):
    write_tracks(tmp_path, [track("t1")])
    write_results(tmp_path, [ok("gone", [0.1, 0.2, 0.3, 0.4]), failed("gone", "empty", by="s2")])
    with open_views(str(tmp_path), storage=STORAGE, memory_mb=200) as connection:
        assert known_track(connection, track="gone") == "gone"
        assert known_track(connection, track="title of t1") == "t1"
        with pytest.raises(UserError, match="no track 'gon'"):
            known_track(connection, track="gon")
    found = chain(tmp_path, "gone")
    assert found.rows["catalog"] == []
    assert "gone" in found.scorings["s1"]["not_recorded"]


def test_what_machines_read_is_json(lined):
    root, run_id = lined
    facts = json.loads(json.dumps(chain(root, "t1").facts(), default=str))
    assert facts["rows"]["results"][0]["run_id"] == run_id
