"""Which pictures a study has, and in which order groups and subjects stand in them."""

from __future__ import annotations

import math
import re
from itertools import groupby

from pipeline.consumers.study_attributes import OF_TIME
from pipeline.consumers.study_plots import Picture, forest_picture, heat_picture, trend_picture
from pipeline.consumers.study_result import Study
from pipeline.consumers.study_row import ALL, Row

HEAT_COLUMNS = 40
LEAST_HEAT = 2


def study_pictures(study: Study, *, at_most: int) -> list[Picture]:
    """The heat map, then trends and groups of the subjects whose groups differ most clearly.

    Args:
        study: what was found.
        at_most: pictures of single subjects, for trends and for groups each.
    """
    ranked = _ranked(study)
    pictures = []
    shown = [key for key, _ in ranked][:HEAT_COLUMNS]
    groups = _groups(study)
    if len(shown) >= LEAST_HEAT and groups:
        in_order = [key for key in _keys(study) if key in shown]
        pictures.append(
            heat_picture(
                study.rows,
                groups=groups,
                columns=in_order,
                name="heat",
                false_discovery=study.false_discovery,
            )
        )
    trends = sorted(study.trends, key=lambda one: (_or_one(one.q), _or_one(one.trend.p)))
    for one in trends[:at_most]:
        name = file_name("trend", one.subject, one.figure)
        pictures.append(trend_picture(one, name=name, confidence=study.confidence))
    for (subject, measure), rows in ranked[:at_most]:
        name = file_name("groups", subject, measure)
        ordered = rows if study.by in OF_TIME else sorted(rows, key=_by_estimate)
        pictures.append(forest_picture(ordered, name=name, false_discovery=study.false_discovery))
    return pictures


def file_name(kind: str, subject: str, measure: str) -> str:
    """A name for files, from what they show: `groups-mood-sad-share`."""
    words = re.sub(r"[^\w=]+", "-", f"{kind}-{subject}-{measure.split()[0]}".casefold())
    return words.strip("-")


def _ranked(study: Study) -> list[tuple[tuple[str, str], list[Row]]]:
    """Subjects and measures with their rows, the clearest difference first."""
    several = [
        (key, list(rows))
        for key, rows in groupby(study.rows, key=lambda row: (row.subject, row.measure))
    ]
    return sorted(several, key=lambda one: min(_or_one(row.p) for row in one[1]))


def _keys(study: Study) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row.subject, row.measure) for row in study.rows))


def _groups(study: Study) -> list[str]:
    """Groups with a difference, in the order of the attribute."""
    there = {row.group for row in study.rows if not math.isnan(row.effect)}
    return [one.name for one in study.groups if one.name in there]


def _by_estimate(row: Row) -> tuple[bool, float]:
    return row.group != ALL, -_or_one(row.estimate)


def _or_one(value: float) -> float:
    return 1.0 if math.isnan(value) else value
