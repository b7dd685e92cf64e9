from __future__ import annotations

import pytest
from lined import lined_workspace, tag_tracks
from tagged import SOUNDS, STORAGE, scoring, small_workspace, track, write_scorings, write_tracks

from pipeline.consumers.lineage import lineage
from pipeline.consumers.lineage_text import lineage_text
from pipeline.errors import Reason
from pipeline.tables.requeue import failures, requeue


def text(root, track_id: str) -> str:
    found = lineage(track_id, root_url=str(root), storage=STORAGE, memory_mb=200, look_up=None)
    return lineage_text(found)


@pytest.fixture(scope="module")
def lined(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws")
    return root, lined_workspace(root)


def test_the_tree_names_each_link_once(lined):
    root, run_id = lined
    shown = text(root, "t1")
    lines = shown.splitlines()
    assert lines[0] == "t1"
    for part in (
        "catalog: Title of t1, The Testers",
        "source /music, scanned 2026-03-01 12:00:00 UTC",
        "scoring s1, net-s1@0123456789ab: ok",
        "table results, version 1",
        f"run {run_id}, tag: FINISHED",
        f"whole in {root}/runs/{run_id}.json",
        "experiment earmark (1) at sqlite:///",
        "committed versions: results 1",
        "published: 4 tags, the best is mood---wild",
        "made current in version 1 of current",
    ):
        assert sum(part in line for line in lines) == 1, part
    # The test itself wrote the catalog and described the scoring, as versions of before did.
    missing = [line.lstrip("│├└─ ") for line in lines if "not recorded" in line]
    assert [line.partition(" ")[0] for line in missing] == ["code:", "weights"]


def test_a_second_row_of_a_run_points_back(tmp_path):
    write_tracks(tmp_path, [track("t1")])
    write_scorings(tmp_path, scoring("s1"), scoring("s2", SOUNDS))
    run_id = tag_tracks(tmp_path, ["t1"])
    rewritten = text(tmp_path, "t1").count(f"run {run_id}")
    assert rewritten == 2  # the run itself, and MLflow's


def test_a_workspace_of_before_is_told_plainly(tmp_path):
    small_workspace(tmp_path)
    shown = text(tmp_path, "t3")
    assert "scoring s1, net-s1@0123456789ab: failed" in shown
    assert "undecodable: it was undecodable" in shown
    assert "run run: not recorded (before runs were kept in the workspace); MLflow was" in shown
    assert "plan plan: not kept" in shown
    assert "the views show another scoring" in shown


def test_a_failure_that_was_opened_again_is_told(tmp_path):
    small_workspace(tmp_path)
    where = {"root_url": str(tmp_path), "storage": STORAGE, "memory_mb": 200}
    requeue(failures(**where, reasons=[Reason.UNDECODABLE]), **where)
    shown = text(tmp_path, "t3")
    assert "failed before in results under s1: undecodable" in shown
    assert "scoring" not in shown


def test_a_track_without_any_row_but_the_catalogs_ends_there(tmp_path):
    small_workspace(tmp_path)
    assert [line[:3] for line in text(tmp_path, "t4").splitlines()][:2] == ["t4", "└─ "]


def test_signs_that_a_terminal_obeys_are_not_printed(tmp_path):
    write_tracks(tmp_path, [track("t1", title="a\x1b[31mred\nline")])
    shown = text(tmp_path, "t1")
    assert "\x1b" not in shown
    assert "a?[31mred?line" in shown
