"""One figure of one group: what every table, picture and page of a study is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.consumers.study_groups import Standing

ALL = "all tracks"
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
NAN = math.nan


@dataclass(frozen=True)
class Row:
    """One figure of one group; NaN where there is none.

    Attributes:
        group: its name; `all tracks` for the whole.
        subject: what is measured.
        kind: tag, number, category or label.
        taxonomy: of a tag.
        measure: mean score, share of tracks, or median.
        unit: of a number.
        tracks: with a value.
        clusters: that they belong to.
        estimate: the figure.
        low: lower end of its interval.
        high: upper end.
        quantiles: 10, 25, 50, 75 and 90 % of the values; empty of a share.
        rest: the figure of all other grouped tracks.
        difference: of the group to the rest.
        difference_low: lower end of its interval.
        difference_high: upper end.
        effect: the difference in standard deviations of all tracks.
        p: of no difference, two-sided.
        q: p under the control of false discoveries over the whole study.
        standing: whether it is judged, or why not.
    """

    group: str
    subject: str
    kind: str
    taxonomy: str
    measure: str
    unit: str
    tracks: int
    clusters: int
    estimate: float
    low: float = NAN
    high: float = NAN
    quantiles: tuple[float, ...] = ()
    rest: float = NAN
    difference: float = NAN
    difference_low: float = NAN
    difference_high: float = NAN
    effect: float = NAN
    p: float = NAN
    q: float = NAN
    standing: Standing = Standing.JUDGED
