from __future__ import annotations

import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pipeline.consumers.study_bootstrap import Draws
from pipeline.consumers.study_columns import Measure
from pipeline.consumers.study_groups import Group, Standing
from pipeline.consumers.study_page import figure, number, render_study
from pipeline.consumers.study_pictures import file_name, study_pictures
from pipeline.consumers.study_result import Study, SubjectTrend
from pipeline.consumers.study_row import ALL, Row
from pipeline.consumers.study_text import study_text
from pipeline.consumers.study_trend import median_slopes, trend

ODD = "<script>alert(1)</script> & $x$"


def row(group: str, estimate: float, *, subject: str = "mood---sad", **more) -> Row:
    found = Row(group, subject, "tag", "toy", str(Measure.MEAN), "", 20, 8, estimate)
    if group != ALL:
        facts = {"rest": 0.3, "difference": estimate - 0.3, "effect": 2 * (estimate - 0.3)}
        found = replace(found, **facts, p=0.01, q=0.02)
    return replace(found, **{"low": estimate - 0.1, "high": estimate + 0.1, **more})


def made() -> Study:
    spread = (0.1, 0.2, 0.3, 0.4, 0.6)
    rows = [
        row(ALL, 0.3, quantiles=spread),
        row(ODD, 0.5, quantiles=spread),
        row("calm", 0.2, q=0.4, quantiles=spread),
        row("one artist", 0.4, standing=Standing.TOO_FEW_CLUSTERS, low=math.nan, high=math.nan),
        row(ALL, 0.6, subject="key=C", measure=str(Measure.SHARE)),
        row(ODD, 0.0, subject="key=C", measure=str(Measure.SHARE)),
    ]
    rng = np.random.default_rng(0)
    years = rng.integers(1950, 2000, 80).astype(float)
    found = trend(
        rng.uniform(size=80),
        years_N=years,
        clusters_N=np.arange(80),
        draws=Draws(seed=0, resamples=100),
        confidence=0.95,
        slopes=median_slopes,
    )
    facts = ("mood---sad", "tag", "toy", str(Measure.MEAN), "")
    groups = [Group(name, 20, 8, Standing.JUDGED) for name in (ODD, "calm", "one artist")]
    groups.append(Group("tiny", 1, 1, Standing.TOO_SMALL))
    return Study(
        by="artist",
        resample="album",
        tracks=100,
        grouped=90,
        groups=tuple(groups),
        rows=tuple(rows),
        trends=(SubjectTrend(*facts, found, 0.5),),
        notes=("10 of 100 tracks have no artist: left out",),
        resamples=100,
        seed=0,
        confidence=0.95,
        false_discovery=0.05,
    )


@pytest.fixture(scope="module")
def pictures():
    return study_pictures(made(), at_most=3)


def test_each_subject_has_a_picture_and_all_have_one_together(pictures):
    assert [one.name for one in pictures] == [
        "heat",
        "trend-mood-sad-mean",
        "groups-mood-sad-mean",
        "groups-key=c-share",
    ]
    assert len(study_pictures(made(), at_most=0)) == 1


def test_pictures_are_png_and_svg_whose_texts_are_texts(pictures):
    for one in pictures:
        image = Image.open(io.BytesIO(one.png))
        assert min(image.size) > 200
        svg = one.svg.decode()
        assert "<text" in svg
        assert "<script" not in svg
        assert ("calm" in svg) == (one.name in ("heat", "groups-mood-sad-mean"))


def test_a_picture_is_the_same_when_it_is_drawn_again(pictures):
    again = study_pictures(made(), at_most=3)
    assert [one.svg for one in again] == [one.svg for one in pictures]


def test_the_page_shows_all_and_loads_nothing(pictures):
    page = render_study(made(), pictures=pictures)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("data:image/svg+xml;base64,") == len(pictures)
    assert not re.search(r'(src|href)="(?!data:)', page)
    for words in ("How to read this", "Benjamini", "tiny", "too small", "10 of 100 tracks"):
        assert words in page


def test_a_page_without_differences_does_not_say_that_groups_are_alike():
    study = made()
    nothing = replace(study, rows=tuple(replace(one, q=0.9) for one in study.rows), trends=())
    page = render_study(nothing, pictures=[])
    assert "no proof that they are alike" in page
    assert "Over the years" not in page


def test_the_terminal_shows_what_differs_and_obeys_nothing():
    study = made()
    odd = replace(study, rows=(*study.rows, row("\x1b[31mred", 0.9)))
    text = study_text(odd, width=140)
    assert "\x1b" not in text
    assert "3 of 5 differences" in study_text(study, width=140) or "differences are marked" in text
    assert "what differs" in text


def test_figures_are_short_and_shares_in_percent():
    assert figure(0.1234, measure=Measure.SHARE) == "12.3 %"
    assert figure(0.1234, measure=Measure.MEAN) == "0.123"
    assert [number(x) for x in (math.nan, 0.0, 1e-9, -1e-9, 1234.4, 120.26)] == [
        *("", "0", "< 0.001", "> -0.001", "1234", "120"),
    ]


def test_file_names_are_plain():
    assert file_name("groups", "mood---so sad/..", Measure.SHARE) == "groups-mood-so-sad-share"
