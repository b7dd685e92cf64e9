"""`earmark similar` by the command itself."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from searchable import shared
from workspace import CONF

from jobs.__main__ import main


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared(tmp_path_factory)


def similar(root, *line: str, exit_code: int = 0) -> str:
    here = ("--conf", str(CONF / "similar.yaml"), "--workspace", root)
    cache = ("--set", f"runtime.cache={root}/../cache")
    result = CliRunner().invoke(main, ["similar", *line, *here, *cache])
    assert result.exit_code == exit_code, result.output
    return result.stdout if exit_code == 0 else result.output


def test_a_track_by_its_title_with_filters(root):
    line = ("title of t007", "--model", "toy", "--per-artist", "2", "--limit", "8")
    text = similar(root, *line, "--like", "m0>=0.25", "--not", "m1<=0.75", "--format", "json")
    rows = [json.loads(one) for one in text.splitlines()]
    assert len(rows) == 8
    assert list(rows[0]) == ["similarity", "track_id", "title", "artist"]
    assert [r["similarity"] for r in rows] == sorted((r["similarity"] for r in rows), reverse=True)


def test_the_answer_is_a_table(root):
    assert "20 rows" in similar(root, "t007", "--model", "toy")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("t007",), "several models can be meant"),
        (("no such track", "--model", "toy"), "no track"),
        (("t007", "--model", "toy", "--like", "m0"), "m0>=0.5"),
        (("t007", "--model", "toy", "--limit", "0"), "similar.limit"),
    ],
)
def test_what_cannot_be_answered_is_refused(root, line, said):
    assert said in similar(root, *line, exit_code=1)
