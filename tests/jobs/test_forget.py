"""`earmark forget` by the command itself."""

from __future__ import annotations

import json

from click.testing import CliRunner
from forgettable import forgettable
from workspace import CONF

from jobs.__main__ import main


def run(root, *line: str, exit_code: int = 0) -> str:
    given = ("--conf", str(CONF / "tables.yaml"), "--workspace", str(root))
    result = CliRunner().invoke(main, ["forget", *line, *given])
    assert result.exit_code == exit_code, result.output
    return result.output


def test_it_shows_then_asks_for_quiet_then_deletes_and_proves(tmp_path):
    forgettable(tmp_path)
    (tmp_path / "mlflow.db").unlink()
    assert "nothing was changed" in run(tmp_path, "t1")
    assert "--nothing-runs too" in run(tmp_path, "t1", "--yes", exit_code=1)
    report = json.loads(run(tmp_path, "t1", "--yes", "--nothing-runs", "--json"))
    assert report["after"]["paths"] == []
    assert report["rows"]["results"] == 1
    assert "it is forgotten" in run(tmp_path, "t1", exit_code=1)


def test_what_is_left_by_hand_ends_with_exit_code_1(tmp_path):
    forgettable(tmp_path)
    (tmp_path / "mlflow.db").unlink()
    (tmp_path / "notes.txt").write_text("see t2")
    assert "notes.txt: look at it" in run(tmp_path, "t2", "--yes", "--nothing-runs", exit_code=1)
