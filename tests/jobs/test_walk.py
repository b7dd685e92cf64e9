"""The walk from audio to answers by the commands themselves."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fakes import TONE_REFERENCE, tone_bundle
from tracking_database import give_database
from workspace import CONF, write_broken, write_tones

from jobs.__main__ import main

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]


def run(*line: str) -> str:
    result = CliRunner().invoke(main, list(line))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("walk")
    write_tones(root / "music", num_tracks=4)
    write_broken(root / "music")
    tone_bundle(str(root))
    give_database(root)
    here = ("--workspace", str(root))
    catalog = run("catalog", str(root / "music"), *here)
    assert "7 tracks" in catalog
    conf = ("--conf", str(CONF / "tag.yaml"))
    tagged = run("tag", *conf, "--model", TONE_REFERENCE, *here)
    assert "7 rows committed now" in tagged
    assert "verified" in run("verify", *here)
    assert "4 tracks added, now current" in run("publish", *here)
    return root, here


def test_the_effective_configuration_is_printed(workspace):
    root, here = workspace
    again = run("tag", "--conf", str(CONF / "tag.yaml"), "--model", TONE_REFERENCE, *here)
    assert f"root_url: {root}" in again
    assert "0 rows committed now" in again


def test_sql_is_answered_in_every_format(workspace, tmp_path):
    _, here = workspace
    sql = "SELECT tag, count(*) AS n FROM tags WHERE rank = 1 GROUP BY tag ORDER BY tag"
    assert "high" in run("query", sql, *here)
    assert run("query", sql, "--format", "csv", *here).splitlines()[1:] == ['"high",2', '"low",2']
    lines = run("query", sql, "--format", "json", *here).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"tag": "high", "n": 2},
        {"tag": "low", "n": 2},
    ]
    out = tmp_path / "answer.parquet"
    run("query", sql, "--format", "parquet", "--output", str(out), *here)
    assert pq.read_table(out)["n"].to_pylist() == [2, 2]


def test_rejects_say_why(workspace):
    _, here = workspace
    answer = run("query", "SELECT reason FROM rejects ORDER BY 1", "--format", "csv", *here)
    assert answer.splitlines()[1:] == ['"empty"', '"not_audio"', '"too_short"']


def test_show_prints_scores_and_tags_over_time(workspace):
    _, here = workspace
    card = run("show", "t001.wav", *here)
    assert "high" in card
    assert "tags over time" in card
    assert "0:00" in card


def test_show_of_a_track_that_failed_says_why(workspace):
    _, here = workspace
    assert "not_audio" in run("show", "x-html.mp3", *here)


def test_the_report_is_one_page(workspace, tmp_path):
    _, here = workspace
    page = tmp_path / "report.html"
    run("report", "--output", str(page), *here)
    text = page.read_text()
    assert "data:image/png;base64," in text
    assert "not_audio" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_a_published_catalog_that_is_published_again_gains_nothing(workspace):
    _, here = workspace
    assert "0 rows added" in run("publish", *here)
