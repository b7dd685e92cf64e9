"""Pictures of a study for papers and pages: groups beside each other, trends, and a heat map.

On white, unlike the pictures of plots.py, since these go into print. Each is drawn once and given
as PNG and as SVG, whose texts stay texts.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from pipeline.consumers.study_columns import Measure
from pipeline.consumers.study_groups import Standing
from pipeline.consumers.study_result import SubjectTrend
from pipeline.consumers.study_row import ALL, Row
from pipeline.evaluation.plots import plain_text

PAPER, INK, FAINT, LINE = "#ffffff", "#17202b", "#5c6672", "#d9dde1"
MORE, LESS, SAME = "#0b6e69", "#b4451f", "#8a949e"
WIDE, NARROW = "#eef0f2", "#dfe3e7"
DPI = 200
ROW_INCHES = 0.235
MAX_NAME = 44
STRONGEST = 1.5
"""The heat map's colours end at so many standard deviations, or before."""


@dataclass(frozen=True)
class Picture:
    """One figure: a file name without ending, what it shows in words, PNG and SVG."""

    name: str
    says: str
    png: bytes
    svg: bytes


def forest_picture(rows: Sequence[Row], *, name: str, false_discovery: float) -> Picture:
    """Groups below each other: estimate, interval, spread of tracks, and all tracks as a line.

    Args:
        rows: of one subject and measure, in the order in which they shall stand.
        name: of the files.
        false_discovery: at which q a difference is marked.
    """
    whole = next(row for row in rows if row.group == ALL)
    groups = [row for row in rows if row.group != ALL and not math.isnan(row.estimate)]
    figure, axes = _figure(7.2, 1.1 + ROW_INCHES * len(groups), title=_title(whole))
    for place, row in enumerate(groups):
        _draw_spread(axes, row, place=place)
        colour = _colour(row, false_discovery=false_discovery)
        if not math.isnan(row.low):
            axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2)
        filled = row.standing is not Standing.TOO_FEW_CLUSTERS
        axes.plot(
            row.estimate,
            place,
            marker="o",
            markersize=5.5,
            color=colour,
            markerfacecolor=colour if filled else PAPER,
        )
        said = f"{_number(row.estimate, measure=row.measure)}   {row.tracks:,} / {row.clusters:,}"
        axes.annotate(
            said,
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=FAINT,
            annotation_clip=False,
        )
    axes.axvline(whole.estimate, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_yticks(range(len(groups)), [short(row.group) for row in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlabel(_axis(whole, false_discovery=false_discovery))
    if whole.measure == Measure.SHARE:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    says = f"{whole.subject}, {whole.measure}, by group with intervals"
    return _picture(figure, name=name, says=says)


def trend_picture(one: SubjectTrend, *, name: str, confidence: float) -> Picture:
    """A figure over years: means of years, the smoothed curve, and its band."""
    found, curve = one.trend, one.trend.curve
    said = f"{_signed(found.per_decade)} a decade"
    said += f" ({confidence:.0%} interval {_signed(found.low)} to {_signed(found.high)})"
    figure, axes = _figure(7.2, 3.8, title=f"{one.subject}, {one.figure}\n{said}")
    axes.fill_between(curve.years, curve.low, curve.high, color=MORE, alpha=0.16, linewidth=0)
    axes.plot(curve.years, curve.values, color=MORE, linewidth=2)
    years, means, tracks = zip(*found.points, strict=True)
    sizes = 6 + 60 * np.sqrt(np.array(tracks) / max(tracks))
    axes.scatter(years, means, s=sizes, color=INK, alpha=0.55, linewidth=0, zorder=3)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"year (a point: the mean of {_span(found.years_a_point)}; area: tracks)")
    axes.set_ylabel(_mean_axis(one))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True))
    return _picture(figure, name=name, says=f"{one.subject}, {one.figure}, over the years: {said}")


def heat_picture(
    rows: Sequence[Row],
    *,
    groups: Sequence[str],
    columns: Sequence[tuple[str, str]],
    name: str,
    false_discovery: float,
) -> Picture:
    """Groups and subjects: how far each group lies from the rest, in standard deviations.

    Args:
        rows: of all groups and subjects.
        groups: in the order in which they shall stand.
        columns: subject and measure each, in their order.
        name: of the files.
        false_discovery: at which q a difference is marked with a dot.
    """
    places = {group: i for i, group in enumerate(groups)}
    numbers = {column: i for i, column in enumerate(columns)}
    effects = np.full((len(groups), len(columns)), np.nan)
    marks = []
    for row in rows:
        place, number = places.get(row.group), numbers.get((row.subject, row.measure))
        if place is not None and number is not None:
            effects[place, number] = row.effect
            if row.q <= false_discovery:
                marks.append((number, place))
    largest = float(np.nanmax(np.abs(effects))) if np.isfinite(effects).any() else 1.0
    limit = min(STRONGEST, max(largest, 1e-6))
    wide, high = 0.27 * len(columns) + 4.0, ROW_INCHES * len(groups) + 3.0
    figure, axes = _figure(
        wide, high, title=f"Difference to the other groups (dot: q at most {false_discovery:g})"
    )
    axes.set_facecolor(WIDE)
    image = axes.imshow(effects, cmap="BrBG", vmin=-limit, vmax=limit, aspect="auto")
    for number, place in marks:
        strong = abs(effects[place, number]) > 0.6 * limit
        axes.plot(number, place, "o", markersize=3.2, color=PAPER if strong else INK)
    axes.set_yticks(range(len(groups)), [short(group) for group in groups])
    names = [_column_name(*column, columns=columns) for column in columns]
    axes.set_xticks(range(len(columns)), names, rotation=60, ha="right", rotation_mode="anchor")
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=26, extend="both", pad=0.02)
    bar.ax.tick_params(colors=FAINT, labelsize=7, length=0)
    bar.outline.set_visible(False)
    bar.set_label("standard deviations of all tracks", color=FAINT, fontsize=8)
    return _picture(figure, name=name, says="differences of all groups and subjects")


def short(name: str) -> str:
    """A name for an axis."""
    cut = name if len(name) <= MAX_NAME else name[: MAX_NAME - 3] + "..."
    return plain_text(cut)


def _draw_spread(axes: Axes, row: Row, *, place: int) -> None:
    """Where the tracks lie: 10 to 90 % of them pale, 25 to 75 % stronger."""
    if row.quantiles:
        lowest, low, _, high, highest = row.quantiles
        axes.barh(place, highest - lowest, left=lowest, height=0.62, color=WIDE, zorder=0.5)
        axes.barh(place, high - low, left=low, height=0.62, color=NARROW, zorder=0.6)


def _colour(row: Row, *, false_discovery: float) -> str:
    if math.isnan(row.q) or row.q > false_discovery:
        return SAME
    return MORE if row.difference > 0 else LESS


def _figure(width: float, height: float, *, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER, layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor(PAPER)
    axes.set_title(plain_text(title), color=INK, fontsize=10, loc="left")
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.xaxis.label.set(color=FAINT, fontsize=8)
    axes.yaxis.label.set(color=FAINT, fontsize=8)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(LINE)
    return figure, axes


def _title(row: Row) -> str:
    taxonomy = f" ({row.taxonomy})" if row.taxonomy and row.taxonomy not in row.subject else ""
    return f"{row.subject}{taxonomy}: {row.measure} by group"


def _axis(row: Row, *, false_discovery: float) -> str:
    unit = f" ({row.unit})" if row.unit else ""
    spread = "" if row.measure == Measure.SHARE else "; pale: where 80 % and 50 % of tracks lie"
    colours = f"green above, red below the others (q at most {false_discovery:g})"
    drawn = "right: figure, tracks / units that are drawn"
    return f"{row.measure}{unit}; dashed: all tracks; {drawn}\n{colours}{spread}"


def _mean_axis(one: SubjectTrend) -> str:
    return one.figure + (f" ({one.unit})" if one.unit else "")


def _column_name(subject: str, measure: str, *, columns: Sequence[tuple[str, str]]) -> str:
    several = sum(name == subject for name, _ in columns) > 1
    return plain_text(f"{subject}, {measure.split()[0]}" if several else subject)


def _number(value: float, *, measure: str) -> str:
    if measure == Measure.SHARE:
        return f"{value:.0%}" if value == 0 or value >= 0.01 else f"{value:.1%}"
    return f"{value:.3g}" if measure == Measure.MEAN else f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.2g}".replace("-", "\N{MINUS SIGN}")


def _span(years: int) -> str:
    return "a year" if years == 1 else f"{years} years"


def _picture(figure: Figure, *, name: str, says: str) -> Picture:
    png, svg = io.BytesIO(), io.BytesIO()
    options = {"svg.hashsalt": name, "svg.fonttype": "none"}
    with warnings.catch_warnings(), mpl.rc_context(options):
        # A sign that the font lacks is a box in the PNG; the SVG keeps the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(png, format="png")
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return Picture(name, says, png.getvalue(), svg.getvalue())
