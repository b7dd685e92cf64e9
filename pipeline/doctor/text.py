"""The doctor's findings for people: a table, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.doctor.finding import Finding, State, count_states
from pipeline.tables.output import printable

STYLES = {
    State.OK: "green",
    State.WARNING: "yellow",
    State.FAILED: "bold red",
    State.SKIPPED: "dim",
}
"""Shown on a terminal alone; rich leaves them out elsewhere."""


def show(findings: Sequence[Finding], *, console: Console) -> None:
    """Prints a row for each finding, its remedy below it, and how many of each state there are."""
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        where = f" [{finding.where}]" if finding.where else ""
        lines = Text(printable(f"{finding.seen}{where}"))
        if finding.remedy:
            lines.append(printable_line(f"\nto do: {finding.remedy}"), style="italic")
        grid.add_row(Text(finding.state, style=STYLES[finding.state]), Text(finding.check), lines)
    with console.capture() as printed:
        console.print(grid)
    # As it is, but for the spaces that fill the last column.
    console.out("\n".join(line.rstrip() for line in printed.get().splitlines()), highlight=False)
    states = count_states(findings)
    console.print(Text(", ".join(f"{number} {state}" for state, number in states.items())))


def printable_line(text: str) -> str:
    """The text with its first line end, and no other sign that a terminal obeys."""
    head, end, rest = text.partition("\n")
    return printable(head) + end + printable(rest)
