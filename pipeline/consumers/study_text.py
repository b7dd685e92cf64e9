"""A study for the terminal: what differs, then all figures."""

from __future__ import annotations

import io
import math

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.consumers.study_page import figure, number, says
from pipeline.consumers.study_result import Study
from pipeline.consumers.study_row import ALL, Row
from pipeline.tables.output import cell, printable

SHOWN_FOUND = 30
SHOWN_ROWS = 60


def study_text(study: Study, *, width: int) -> str:
    """The study as text of at most `width` characters a line."""
    console = Console(file=io.StringIO(), width=width)
    head = (
        f"{study.grouped:,} tracks by {study.by}: {len(study.found):,} of {study.tests:,} "
        f"differences are marked (false discovery rate {study.false_discovery:g})"
    )
    console.print(Text(head, style="bold"))
    for note in study.notes:
        console.print(Text(printable(note), style="dim"))
    if study.found:
        console.print()
        console.print(_table("what differs, the largest effect first", study.found[:SHOWN_FOUND]))
    if study.trends:
        console.print()
        console.print(_trends(study))
    console.print()
    console.print(_table("all figures", study.rows[:SHOWN_ROWS]))
    left = len(study.rows) - SHOWN_ROWS
    if left > 0:
        console.print(Text(f"{left:,} more: --output FOLDER or --format csv", style="dim"))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def _table(title: str, rows: tuple[Row, ...]) -> Table:
    table = _bare(title)
    for name in ("group", "subject", "measure"):
        table.add_column(name)
    for name in ("group's", "others", "effect", "q", "tracks", "units"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            Text(cell(row.group), style="bold" if row.group == ALL else ""),
            Text(cell(row.subject)),
            row.measure,
            says(row),
            figure(row.rest, measure=row.measure),
            "" if math.isnan(row.effect) else f"{row.effect:+.2f}",
            number(row.q),
            f"{row.tracks:,}",
            f"{row.clusters:,}",
        )
    return table


def _trends(study: Study) -> Table:
    table = _bare("change a decade")
    for name in ("subject", "measure"):
        table.add_column(name)
    for name in ("change", "interval", "q", "tracks"):
        table.add_column(name, justify="right")
    for one in study.trends:
        table.add_row(
            Text(cell(one.subject)),
            one.figure,
            f"{one.trend.per_decade:+.3g}",
            f"{one.trend.low:+.3g} to {one.trend.high:+.3g}",
            number(one.q),
            f"{one.trend.tracks:,}",
        )
    return table


def _bare(title: str) -> Table:
    return Table(title=Text(title, style="bold"), title_justify="left", show_edge=False)
