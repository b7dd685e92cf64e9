"""`earmark teach` says what is missing before it starts anything."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tracking_database import give_database
from workspace import CONF

from jobs.__main__ import main


def teach(root, *line: str):
    give_database(root)
    given = ("--conf", str(CONF / "teach.yaml"), "--workspace", str(root))
    return CliRunner().invoke(main, ["teach", *line, *given])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((), "name the tag"),
        (("!?",), "has no letter"),
        (("rainy sunday", "--like", "t1"), "none: run earmark tag first"),
        (("rainy sunday", "--model", "other"), "the workspace has no scoring 'other'"),
        (("rainy sunday", "--share", "1.5"), "teaching.share"),
    ],
)
def test_a_tag_that_cannot_be_taught_is_one_message(tmp_path, line, said):
    result = teach(tmp_path, *line)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
