"""`earmark search` by the command itself."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from searchable import shared
from workspace import CONF

from jobs.__main__ import main


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared(tmp_path_factory)


def search(root, *line: str, exit_code: int = 0):
    here = ("--conf", str(CONF / "search.yaml"), "--workspace", root)
    result = CliRunner().invoke(main, ["search", *line, *here])
    assert result.exit_code == exit_code, result.output
    return result


def test_tags_a_negation_a_range_and_a_limit_an_artist(root):
    line = ("--like", "m0,m1*2", "--not", "m2", "--range", "tempo_bpm=80:130", "--per-artist", "1")
    result = search(root, *line, "--limit", "5", "--format", "json")
    rows = [json.loads(one) for one in result.stdout.splitlines()]
    assert 0 < len(rows) <= 5
    artists = [row["artist"].lower() for row in rows if row["artist"]]
    assert len(set(artists)) == len(artists)
    assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)
    assert list(rows[0]) == ["score", "track_id", "title", "artist", "m0", "m1"]
    assert "without m2: at most" in result.stderr


@pytest.mark.parametrize("query_format", ["table", "csv", "parquet"])
def test_the_answer_is_written_in_each_format(root, tmp_path, query_format):
    file = tmp_path / "answer"
    search(root, "--like", "m0", "--format", query_format, "--output", str(file))
    if query_format == "parquet":
        assert pq.read_table(file).num_rows == 100
    else:
        assert "Title of t" in file.read_text()


def test_artist_data_set_key_and_mode_and_model(root):
    named = ("--artist", "artist 0", "--dataset", "set0", "--model", "toy", "--like", "m0")
    assert "Artist 0" in search(root, *named).stdout
    tonal = ("--key", "F#", "--mode", "minor", "--format", "csv")
    assert len(search(root, *tonal).stdout.splitlines()) > 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("--like", "m00"), "nearest names are m0"),
        ((), "nothing is asked for"),
        (("--like", "m0", "--not", "m0"), "wanted and not wanted"),
        (("--like", "m0", "--range", "tempo_bpm"), "COLUMN=LOW:HIGH"),
        (("--like", "m0", "--limit", "0"), "search.limit"),
        (("--like", "m0", "--per-artist", "-1"), "search.per_artist"),
        (("--like", "m0", "--set", "search.unwanted_percentile=200"), "unwanted_percentile"),
    ],
)
def test_a_search_that_cannot_be_answered_is_refused(root, line, said):
    assert said in search(root, *line, exit_code=1).output


def test_no_workspace_is_told(tmp_path):
    assert "no workspace" in search(str(tmp_path / "typo"), "--like", "m0", exit_code=1).output
