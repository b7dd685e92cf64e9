"""`earmark lineage` by the command itself."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from lined import lined_workspace
from workspace import CONF

from jobs.__main__ import main


@pytest.fixture(scope="module")
def lined(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws")
    return root, lined_workspace(root)


def run(root, *line: str, exit_code: int = 0) -> str:
    given = ("--conf", str(CONF / "lineage.yaml"), "--workspace", str(root))
    result = CliRunner().invoke(main, ["lineage", *line, *given])
    assert result.exit_code == exit_code, result.output
    return result.stdout if exit_code == 0 else result.output


def test_a_track_is_found_by_its_title_and_told_as_a_tree(lined):
    root, run_id = lined
    shown = run(root, "title of t2")
    assert shown.splitlines()[0] == "t2"
    assert f"run {run_id}, tag" in shown


def test_json_is_one_object_with_the_whole_chain(lined):
    root, run_id = lined
    facts = json.loads(run(root, "t1", "--json"))
    assert facts["track_id"] == "t1"
    assert facts["runs"][run_id]["versions"] == {"results": [1]}
    assert len(facts["runs"][run_id]["code"]["sources_sha256"]) == 64


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("titel of t2",), "near it are: t2 (Title of t2, The Testers)"),
        (("title of",), "can mean several tracks"),
        (("t1", "--set", "lineage.mlflow=often"), "lineage.mlflow"),
    ],
)
def test_what_cannot_be_answered_is_one_message(lined, line, said):
    shown = run(lined[0], *line, exit_code=1)
    assert said in shown
    assert "Traceback" not in shown


def test_a_folder_that_is_no_workspace_is_named(tmp_path):
    assert "there is no workspace" in run(tmp_path, "t1", exit_code=1)
