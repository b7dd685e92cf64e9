from __future__ import annotations

import io

from rich.console import Console

from pipeline.doctor.finding import Finding, State
from pipeline.doctor.text import show

FINDINGS = [
    Finding("disk", State.OK, "much"),
    Finding("node", State.FAILED, "late\x1b[2J", "look " * 40, "n1"),
]


def shown(**options):
    out = io.StringIO()
    show(FINDINGS, console=Console(file=out, width=80, highlight=False, **options))
    return out.getvalue()


def test_without_a_terminal_it_is_plain_and_fits():
    text = shown(force_terminal=False)
    assert "\x1b" not in text
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())
    assert text.splitlines()[0] == "ok      disk  much"
    assert "late?[2J [n1]" in text
    assert "to do: look look" in text
    assert text.splitlines()[-1] == "1 failed, 1 ok"


def test_on_a_terminal_it_has_colours_and_nothing_of_what_was_seen_is_obeyed():
    text = shown(force_terminal=True, color_system="standard")
    assert "\x1b[1;31mfailed" in text
    assert "\x1b[2J" not in text
