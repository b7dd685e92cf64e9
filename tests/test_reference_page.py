"""infra/REFERENCE.md is what the program says of itself now, and leaves nothing blank."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.commandline import STOPPED
from pipeline.config_training import Precision
from pipeline.errors import Reason
from pipeline.reference_configuration import job_models
from pipeline.reference_page import CONF, member_docs, reference_page
from pipeline.reference_tables import TOLD
from pipeline.tables.commits import TABLES

PAGE = Path(__file__).resolve().parents[1] / "infra" / "REFERENCE.md"


@pytest.fixture(scope="module")
def page() -> str:
    return reference_page()


def rows(text: str, *, columns: int) -> list[list[str]]:
    """Cells of all tables of so many columns, without their heads."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == columns and cells[0].startswith("`"):
            found.append(cells)
    return found


def test_the_page_is_what_the_program_says_now(page):
    stale = "run `python -m pipeline.reference_page > infra/REFERENCE.md`"
    assert PAGE.read_text(encoding="utf-8") == page, stale


def test_every_key_has_a_meaning_and_a_type(page):
    keys = rows(page, columns=5)
    assert len(keys) > 200
    assert [key for key, kind, _, _, meaning in keys if not meaning or kind in ("", "any")] == []


def test_every_column_has_a_meaning_and_says_when_it_is_null(page):
    columns = rows(page, columns=6)
    assert len(columns) == sum(len(told.schema) for told in TOLD)
    assert [name for name, _, _, _, meaning, null in columns if not meaning or not null] == []


def test_every_table_and_every_configuration_is_there(page):
    assert set(TABLES) < {told.name for told in TOLD}
    files = {path.stem for path in CONF.glob("*.yaml") if not path.stem.startswith("train-")}
    assert set(job_models()) == files
    for name in files:
        assert f"| conf/{name}.yaml | earmark " in page


def test_every_reason_has_a_meaning(page):
    docs = member_docs(Reason)
    assert {one.name for one in Reason} == set(docs)
    for one in Reason:
        assert f"| `{one}` | {docs[one.name]} |" in page


def test_docs_of_members_are_those_that_stand_after_them():
    assert member_docs(Precision) == {"AUTO": "bf16 on GPUs that have it, else float32."}


def test_each_heading_stands_once(page):
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert len(headings) == len(set(headings))


def test_the_exit_codes_are_those_of_the_command_line(page):
    assert f"| {STOPPED} | stopped by Ctrl-C or SIGTERM" in page
