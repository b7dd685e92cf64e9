"""Names never become markup: whatever text a page is given, it has the same elements."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.browse.site import templates
from pipeline.consumers.recap_facts import (
    Entry,
    Match,
    Period,
    Personality,
    Read,
    Recap,
    Sessions,
    TagGrid,
    TagRow,
    TagShare,
)
from pipeline.consumers.recap_page import render_recap
from pipeline.evaluation.agreement import Agreement
from pipeline.evaluation.report import (
    Answer,
    Fault,
    ModelFacts,
    Picture,
    ReportData,
    Summary,
    TrackPictures,
    TrackRow,
    render_report,
)

BOUNDED = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PIECES = st.sampled_from(
    [
        *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='x", "<"),
        *("</style><b>", "</title>", "<!--", "-->", "]]>", "{{ 7*7 }}", "{% raw %}", "&lt;"),
        *("javascript:alert(1)", "\x00", "\x1b[31m", "\u2028", "\u202e", "<svg/onload=x>", "&#60;"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=4), min_size=1, max_size=4).map(
    lambda parts: "n" + "x".join(parts)
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}</style></title><!--"


class Elements(HTMLParser):
    """The names of a page's elements and of their attributes, in order; and its links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


@cache
def elements_of_plain(render: Callable[[str], str]) -> list[tuple[str, tuple[str, ...]]]:
    return Elements(render("plain")).found


def assert_same_elements(render, text: str) -> None:
    hostile = Elements(render(text))
    assert hostile.found == elements_of_plain(render)
    assert "script" not in {tag for tag, _ in hostile.found}
    assert not any(link.strip().lower().startswith("javascript") for link in hostile.links)


def report(text: str) -> str:
    row = TrackRow(text, text, text, 91.0, {"t": ((f"mood---{text}", 0.75),)})
    return render_report(
        ReportData(
            title=text,
            workspace=text,
            made_at=text,
            summary=Summary(tracks=9, audio_s=72.0, ok=8, flagged=2, failed=1, wall_s=7.0),
            models=(ModelFacts(text, text, text, 50, True, {text: text}, ((f"a---{text}", 7),)),),
            tracks=(row,),
            cards=(TrackPictures(row, (Picture(b"png", text),)),),
            answers=(Answer(text, text, (text, "n"), ((text, 0.5), (None, 3))),),
            faults=(Fault(text, text, "failed", text, text),),
            agreements={text: (Agreement("a---b", text, 9, 4, 0.625),)},
        )
    )


def recap(text: str) -> str:
    entry, share = Entry(text, text, 3, 700.0), TagShare("moods", "mood", text, 0.5)
    hours = tuple(Period(f"{hour:02d}", 1, 10.0) for hour in range(24))
    return render_recap(
        Recap(
            user=text,
            first_day="2024-01-05",
            last_day="2024-03-09",
            timezone=text,
            plays=1234,
            listened_s=90_000.0,
            num_artists=2,
            num_tracks=1,
            artists=(entry,),
            tracks=(entry,),
            tags=(share,),
            moods=(share,),
            months=(Period("2024-01", 3, 700.0), Period("2024-03", 1, 350.0)),
            weekdays=(Period("Monday", 4, 710.0),),
            hours=hours,
            slots=(Period("Monday 17", 3, 700.0),),
            moods_by_month=TagGrid(("2024-01", "2024-02"), (TagRow(text, (0.5, None)),)),
            moods_by_hour=TagGrid((), ()),
            sessions=Sessions(2, 355.0, 2.0, 700.0, "2024-01-05"),
            personality=Personality((0.2, None, 0.7, 0.5), "F-VU", (text,), (text,)),
            read=Read(1, (text,), (text,), 5, {text: 1}, (text,)),
            match=Match(4, 3, {text: 3}, ((text, text, 1),)),
        )
    )


@BOUNDED
@given(text=TEXTS)
@example(text=HOSTILE)
def test_a_report_has_the_same_elements_whatever_the_names(text):
    assert_same_elements(report, text)


@BOUNDED
@given(text=TEXTS)
@example(text=HOSTILE)
def test_a_recap_has_the_same_elements_whatever_the_names(text):
    assert_same_elements(recap, text)


def test_every_template_escapes_by_itself():
    environment = templates()
    assert environment.autoescape is True
    assert environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
