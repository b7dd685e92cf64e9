"""The page of a study: its pictures, what differs, and how to read it; opens without a server."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.consumers.study_columns import Measure
from pipeline.consumers.study_plots import Picture
from pipeline.consumers.study_result import Study
from pipeline.consumers.study_row import ALL, Row

SHOWN_ROWS = 150
SHOWN_GROUPS = 200


def render_study(study: Study, *, pictures: Sequence[Picture]) -> str:
    """The page, with the pictures in it.

    Args:
        study: what was found.
        pictures: of `study_pictures`.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.consumers", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"svg_url": svg_url, "number": number}
    judged = [row for row in study.rows if row.group != ALL]
    return environment.get_template("study.html").render(
        study=study,
        title=f"Tracks by {study.by}",
        pictures=pictures,
        found=study.found[:SHOWN_ROWS],
        judged=len(judged),
        trends=study.trends,
        listed=study.listed[:SHOWN_GROUPS],
        measures={row.measure for row in study.rows},
        says=says,
        figure=figure,
        expected_false=study.false_discovery * len(study.found),
    )


def says(row: Row) -> str:
    """A group's figure with its interval, where it has one: `0.42 (0.31 to 0.55)`."""
    estimate = figure(row.estimate, measure=row.measure)
    if math.isnan(row.low):
        return estimate
    low, high = (figure(end, measure=row.measure) for end in (row.low, row.high))
    return f"{estimate} ({low} to {high})"


def figure(value: float, *, measure: str) -> str:
    """A figure as it is read: shares in percent."""
    if math.isnan(value):
        return ""
    return f"{100 * value:.1f} %" if measure == Measure.SHARE else number(value)


def number(value: float) -> str:
    """Three digits, or as many as stand before the point; very small ones by their size."""
    if math.isnan(value):
        return ""
    if value != 0 and abs(value) < 1e-3:
        return "< 0.001" if value > 0 else "> -0.001"
    return f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def svg_url(picture: Picture) -> str:
    """The picture as an address that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg).decode()
