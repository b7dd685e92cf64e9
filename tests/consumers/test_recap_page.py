from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

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
from pipeline.consumers.recap_formulas import AXES
from pipeline.consumers.recap_page import month_name, render_recap
from pipeline.consumers.recap_text import recap_text

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '"><img src=x onerror=alert(1)>'
ESCAPE = "\x1b[31mred"
RECAP = Recap(
    user=f"ada {ATTRIBUTE}",
    first_day="2024-01-05",
    last_day="2024-03-09",
    timezone="Europe/Berlin",
    plays=1234,
    listened_s=90_000.0,
    num_artists=2,
    num_tracks=1,
    artists=(Entry(SCRIPT, "", 3, 700.0), Entry(ESCAPE, "", 1, 10.0)),
    tracks=(Entry(ATTRIBUTE, SCRIPT, 3, 700.0),),
    tags=(TagShare("sounds", "instrument", SCRIPT, 0.5),),
    moods=(TagShare("moods", "mood", ATTRIBUTE, 0.25),),
    months=(Period("2024-01", 3, 700.0), Period("2024-03", 1, 350.0)),
    weekdays=(Period("Monday", 4, 710.0),),
    hours=(Period("00", 1, 10.0), Period("17", 3, 700.0)),
    slots=(Period("Monday 17", 3, 700.0),),
    moods_by_month=TagGrid(("2024-01", "2024-02"), (TagRow(SCRIPT, (0.5, None)),)),
    moods_by_hour=TagGrid((), ()),
    sessions=Sessions(2, 355.0, 2.0, 700.0, "2024-01-05"),
    personality=Personality((0.2, None, 0.7, 0.5), "F-VU", ("finds",), ("newness: not known",)),
    read=Read(1, ("table (csv)",), (), 5, {"malformed": 1}, (f"malformed: {SCRIPT}",)),
    match=Match(4, 3, {"name": 3}, ((SCRIPT, ATTRIBUTE, 1),)),
)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page():
    return render_recap(RECAP)


def test_names_with_scripts_are_text_alone(page):
    parsed = Page(page)
    assert not {"script", "img"} & {tag for tag, _ in parsed.tags}
    assert not any(name.startswith("on") for _, attrs in parsed.tags for name in attrs)
    assert parsed.text.count(SCRIPT) >= 4
    assert ATTRIBUTE in parsed.text


def test_the_page_loads_nothing(page):
    names = {name for _, attrs in Page(page).tags for name in attrs}
    assert not {"src", "href", "srcset", "action"} & names
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in page


def test_the_page_says_what_the_facts_say(page):
    text = " ".join(Page(page).text.split())
    for said in (
        "25 h",
        "1,234",
        "F-VU",
        "5 Jan 2024 to 9 Mar 2024",
        "75 % of plays",
        "0.5 ^ (age",
    ):
        assert said in text
    assert text.count("Not known") == 1
    assert all(kind.formula in text for kind in AXES)


def test_a_month_without_a_play_has_its_place(page):
    assert 'title="Feb 2024: 0 s, 0 plays"' in page
    assert 'style="height: 50.0%"' in page


def test_a_grid_shows_what_is_not_known_as_such(page):
    assert "2024-02: nothing tagged" in page


def test_a_population_says_what_it_keeps_back():
    found = replace(RECAP, user="", users=1200, min_users=20, suppressed={"artists": 7})
    text = " ".join(Page(render_recap(found)).text.split())
    assert "What 1,200 people listened to" in text
    assert "fewer than 20 users" in text
    assert "left out of artists: 7" in text


def test_a_recap_without_tags_or_names_is_a_page_and_a_table():
    empty = TagGrid((), ())
    found = replace(RECAP, user="", tags=(), moods=(), moods_by_month=empty, slots=(), tracks=())
    assert "Your music" in render_recap(found)
    assert "moods" not in recap_text(found, width=100)


def test_the_table_holds_nothing_that_a_terminal_obeys():
    text = recap_text(RECAP, width=100)
    assert "\x1b" not in text
    assert "?[31mred" in text
    assert "personality F-VU" in text
    assert "not known" in text
    assert max(map(len, text.splitlines())) <= 100


def test_months_and_days_have_names():
    assert month_name("2025-03") == "Mar 2025"
    assert month_name("2025-12-01") == "1 Dec 2025"
