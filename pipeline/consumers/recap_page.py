"""The one-page recap that a person would share: no server, no network, light and dark.

Everything is escaped by the template; pictures are drawn as SVG and CSS in the page's own colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.consumers.recap_facts import Period, Recap, TagShare
from pipeline.consumers.recap_formulas import AXES, AxisKind, letter
from pipeline.consumers.recap_shapes import count, dial, duration, percent, shares

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class AxisRow:
    """An axis as it is drawn."""

    kind: AxisKind
    value: float | None
    letter: str


@dataclass(frozen=True)
class Column:
    """A bar of a picture: how high (0 to 1), what stands under it, what it says when asked."""

    share: float
    label: str
    title: str


def render_recap(recap: Recap) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("pipeline.consumers", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"duration": duration, "percent": percent, "month": month_name}
    environment.globals["count"] = count
    kinds = zip(AXES, recap.personality.values, strict=True)
    return environment.get_template("recap.html").render(
        recap=recap,
        title=_title(recap),
        axes=[AxisRow(kind, value, letter(kind, value=value)) for kind, value in kinds],
        artists=list(
            zip(recap.artists, shares([one.listened_s for one in recap.artists]), strict=True)
        ),
        moods=_groups(recap.moods),
        tags=_groups(recap.tags),
        months=_month_columns(recap.months),
        weekdays=_columns(recap.weekdays, signs=3),
        hours=_hours(recap.hours),
        slots=_slots(recap),
        grids=[
            (name, grid, max((s or 0.0 for row in grid.rows for s in row.shares), default=0.0))
            for name, grid in (
                ("by month", recap.moods_by_month),
                ("by hour", recap.moods_by_hour),
            )
            if grid.rows
        ],
    )


def month_name(label: str) -> str:
    """`2025-03` or `2025-03-09` as `Mar 2025` or `9 Mar 2025`."""
    year, month, *day = label.split("-")
    name = f"{MONTHS[int(month) - 1]} {year}"
    return f"{int(day[0])} {name}" if day else name


def _title(recap: Recap) -> str:
    if recap.users is not None:
        return f"What {recap.users:,} people listened to"
    if not recap.user:
        return "Your music"
    return f"{recap.user}'s music"


def _groups(tags: tuple[TagShare, ...]) -> list[tuple[str, list[tuple[TagShare, float]]]]:
    """Tags by taxonomy, each with its bar: shares of several taxonomies do not compare."""
    groups = []
    ordered = sorted(tags, key=lambda tag: tag.taxonomy)
    for taxonomy, group in groupby(ordered, key=lambda tag: tag.taxonomy):
        members = list(group)
        groups.append(
            (taxonomy, list(zip(members, shares([one.share for one in members]), strict=True)))
        )
    return groups


def _columns(periods: tuple[Period, ...], *, signs: int) -> list[Column]:
    heights = shares([one.listened_s for one in periods])
    return [
        Column(height, one.label[:signs], _said(one))
        for one, height in zip(periods, heights, strict=True)
    ]


def _month_columns(periods: tuple[Period, ...]) -> list[Column]:
    """A bar for each month from the first to the last; silent ones are there, too."""
    if not periods:
        return []
    there = {one.label: one for one in periods}
    numbers = [_month_number(one.label) for one in periods]
    labels = [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(numbers[0], numbers[-1] + 1)]
    whole = [there.get(label, Period(label, 0, 0.0)) for label in labels]
    heights = shares([one.listened_s for one in whole])
    return [
        Column(
            height,
            one.label[:4] if i == 0 or one.label.endswith("-01") else "",
            _said(Period(month_name(one.label), one.plays, one.listened_s)),
        )
        for i, (one, height) in enumerate(zip(whole, heights, strict=True))
    ]


def _month_number(label: str) -> int:
    year, month = label.split("-")
    return 12 * int(year) + int(month) - 1


def _hours(periods: tuple[Period, ...]) -> list[tuple[str, str]]:
    """The dial's sectors: an SVG path and what it says, for 0 to 23 o'clock."""
    there = {one.label: one for one in periods}
    whole = [there.get(f"{hour:02d}", Period(f"{hour:02d}", 0, 0.0)) for hour in range(24)]
    paths = dial([one.listened_s for one in whole])
    said = [_said(Period(f"{one.label}:00", one.plays, one.listened_s)) for one in whole]
    return list(zip(paths, said, strict=True))


def _slots(recap: Recap) -> list[tuple[str, list[tuple[float, str]]]]:
    """Weekdays in rows, each with 24 cells: how strong, and what the cell says."""
    if not recap.slots:
        return []
    there = {one.label: one for one in recap.slots}
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    labels = [f"{day} {hour:02d}" for day in days for hour in range(24)]
    whole = [there.get(label, Period(label, 0, 0.0)) for label in labels]
    levels = shares([one.listened_s for one in whole])
    cells = [(level, _said(one)) for level, one in zip(levels, whole, strict=True)]
    return [(day[:3], cells[24 * i : 24 * i + 24]) for i, day in enumerate(days)]


def _said(period: Period) -> str:
    return f"{period.label}: {duration(period.listened_s)}, {count(period.plays, 'play')}"
