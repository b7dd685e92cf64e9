"""A recap for the terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.consumers.recap_facts import Recap
from pipeline.consumers.recap_formulas import AXES
from pipeline.consumers.recap_shapes import count, duration, percent, shares
from pipeline.tables.output import cell, printable

BAR_CELLS = 24


def recap_text(recap: Recap, *, width: int) -> str:
    """The recap as text of at most `width` characters a line."""
    console = Console(file=io.StringIO(), width=width)
    console.print(Text(_head(recap), style="bold"))
    for line in _notes(recap):
        console.print(Text(printable(line), style="dim"))
    for table in _tables(recap):
        console.print()
        console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def _head(recap: Recap) -> str:
    who = f"{recap.users:,} users" if recap.users is not None else recap.user or "you"
    return (
        f"{printable(who)}, {recap.first_day} to {recap.last_day} ({recap.timezone}): "
        f"{duration(recap.listened_s)}, {count(recap.plays, 'play')}, "
        f"{count(recap.num_artists, 'artist')}, {count(recap.num_tracks, 'track')}, "
        f"{count(recap.sessions.count, 'session')} of {duration(recap.sessions.mean_s)}"
    )


def _notes(recap: Recap) -> Iterable[str]:
    by = ", ".join(f"by {how} {plays:,}" for how, plays in recap.match.by.items())
    yield f"in the catalog: {percent(recap.match.share)} of plays" + (f" ({by})" if by else "")
    read = recap.read
    faults = "".join(f", {reason} {number:,}" for reason, number in read.faults.items())
    yield (
        f"read: {count(read.rows, 'row')} in {count(read.files, 'file')} "
        f"({', '.join(read.formats)}); left out: {count(read.skips, 'skip')}, "
        f"{count(read.duplicates, 'repeated row')}{faults}"
    )
    yield from (f"  {row}" for row in read.shown)
    if read.left_out:
        yield f"  no history: {', '.join(read.left_out)}"
    if recap.min_users is not None:
        cells = ", ".join(f"{name} {number:,}" for name, number in recap.suppressed.items())
        yield f"left out for fewer than {recap.min_users} users: {cells or 'nothing'}"


def _tables(recap: Recap) -> Iterable[Table]:
    yield _personality(recap)
    people = [(one.name, one.plays, one.listened_s) for one in recap.artists]
    yield _listening("top artists", people)
    songs = [(f"{one.name} ({one.artist})", one.plays, one.listened_s) for one in recap.tracks]
    yield _listening("top tracks", songs)
    for title, tags in (("moods", recap.moods), ("tags", recap.tags)):
        if tags:
            names = [(f"{one.tag} ({one.taxonomy}, {one.category})", one.share) for one in tags]
            yield _grid(title, [(name, percent(share)) for name, share in names])
    yield _listening("months", [(one.label, one.plays, one.listened_s) for one in recap.months])
    yield _listening("weekdays", [(one.label, one.plays, one.listened_s) for one in recap.weekdays])
    yield _listening("hours", [(one.label, one.plays, one.listened_s) for one in recap.hours])
    if recap.match.unmatched:
        rows = [(f"{title} ({artist})", f"{n:,}") for artist, title, n in recap.match.unmatched]
        yield _grid("not in the catalog, plays", rows)


def _personality(recap: Recap) -> Table:
    said = ", ".join(recap.personality.words)
    table = _table(f"personality {recap.personality.letters}: {said}")
    for name in ("0", "", "1", "value"):
        table.add_column(name, justify="right" if name == "value" else "left")
    for kind, value in zip(AXES, recap.personality.values, strict=True):
        if value is None:
            table.add_row(kind.low, "", kind.high, f"not known: {kind.missing}")
        else:
            place = min(BAR_CELLS - 1, int(value * BAR_CELLS))
            bar = "·" * place + "●" + "·" * (BAR_CELLS - 1 - place)
            table.add_row(kind.low, Text(bar, style="cyan"), kind.high, f"{value:.2f}")
    for name, users in recap.personality.types:
        table.add_row("type", name, "users", f"{users:,}")
    return table


def _listening(title: str, rows: Sequence[tuple[str, int, float]]) -> Table:
    table = _table(title)
    for name in ("", "plays", "time", ""):
        table.add_column(name, justify="right" if name else "left")
    for (name, plays, seconds), share in zip(
        rows, shares([seconds for _, _, seconds in rows]), strict=True
    ):
        bar = Text("█" * round(share * BAR_CELLS), style="cyan")
        table.add_row(Text(cell(name)), f"{plays:,}", duration(seconds), bar)
    return table


def _grid(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    table = _table(title)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in rows:
        table.add_row(Text(cell(name)), value)
    return table


def _table(title: str) -> Table:
    return Table(title=Text(title, style="bold"), title_justify="left", show_edge=False)
