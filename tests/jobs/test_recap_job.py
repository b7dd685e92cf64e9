"""`earmark recap` by the command itself."""

from __future__ import annotations

import json

from click.testing import CliRunner
from listens import catalog_tracks, make_listens, write_table
from tagged import STORAGE, small_workspace
from workspace import CONF

from jobs.__main__ import main
from pipeline.tables.tags import publish


def run(*line: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, ["recap", *line, "--conf", str(CONF / "recap.yaml")])
    assert result.exit_code == exit_code, result.output
    return result.stdout if exit_code == 0 else result.output


def test_a_recap_is_a_table_a_page_and_json_of_a_person_or_all(tmp_path):
    root = small_workspace(tmp_path / "ws")
    publish(root, storage=STORAGE, memory_mb=200)
    listens = make_listens(catalog_tracks(root), users=["ada", "bob", "cy"], days=20)
    history = str(write_table(tmp_path / "history.csv", listens))
    place = ("--workspace", root)
    page = tmp_path / "recap.html"
    text = run(history, "--user", "ada", "--output", str(page), *place)
    assert "top artists" in text
    assert "ada&#39;s music" in page.read_text()
    facts = json.loads(
        run(history, "--population", "--format", "json", "--timezone", "Asia/Tokyo", *place)
    )
    assert (facts["users"], facts["timezone"]) == (3, "Asia/Tokyo")
    run(history, "--user", "ada", "--top", "1", "--output", str(tmp_path / "recap.json"), *place)
    assert len(json.loads((tmp_path / "recap.json").read_text())["artists"]) == 1
    refused = run(history, "--population", "--user", "ada", *place, exit_code=1)
    assert "contradict" in refused
    assert "give --user NAME" in run(history, *place, exit_code=1)
    assert "HISTORY" in run(*place, exit_code=1)
