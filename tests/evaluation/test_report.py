from __future__ import annotations

import dataclasses
import html.parser
import io

import pytest
from PIL import Image

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
    count_reasons,
    render_report,
)

EVIL = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
VOID = {"meta", "img", "link", "br"}


def png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "png")
    return data.getvalue()


def full(text: str = "plain") -> ReportData:
    """A report with the text in every place that can hold one."""
    row = TrackRow(text, text, text, 91.0, {text: ((f"mood---{text}", 0.75),)})
    return ReportData(
        title=text,
        workspace=text,
        made_at=text,
        summary=Summary(tracks=1200, audio_s=7200.0, ok=1190, flagged=2, failed=10, wall_s=72.0),
        models=(ModelFacts(text, text, text, 50, True, {text: text}, ((f"mood---{text}", 7),)),),
        tracks=(row,),
        cards=(TrackPictures(row, (Picture(png(), f"picture of {text}"),)),),
        answers=(Answer(text, text, (text, "n"), ((text, 0.5), (None, 3), ([text], True))),),
        faults=(Fault(text, text, "failed", text, text), Fault(text, "", "flagged", text, text)),
        agreements={
            text: (Agreement("a---b", text, 9, 4, 0.625), Agreement(text, text, 9, 0, None))
        },
    )


def empty() -> ReportData:
    return ReportData("t", "w", "m", Summary(0, 0.0, 0, 0, 0, None), (), (), (), (), (), {})


class Page(html.parser.HTMLParser):
    """Collects what a page holds, and refuses tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_what_stands_in_the_data_shows_as_text_everywhere():
    text = render_report(full(EVIL))
    assert "<script" not in text
    assert text.count(ESCAPED) >= 25
    assert text.count("alert(1)") == text.count(ESCAPED)
    assert Page(text).text.count(EVIL) >= 20


@pytest.mark.parametrize("evil", ['" onerror="alert(1)', "' style='x", "</style>", "{{ 7 * 7 }}"])
def test_no_text_leaves_its_attribute_or_becomes_code(evil):
    page = Page(render_report(full(evil)))
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert page.all("img")[0]["alt"] == f"picture of {evil}"
    assert evil in page.text


def test_the_page_needs_nothing_from_outside():
    page = Page(render_report(full()))
    assert not page.all("script")
    assert not page.all("link")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert "default-src 'none'" in policy


def test_every_link_leads_somewhere():
    for data in (full(), empty()):
        page = Page(render_report(data))
        ids = {attributes.get("id") for _, attributes in page.elements}
        assert {link["href"][1:] for link in page.all("a")} <= ids


def test_the_numbers_are_there():
    text = Page(render_report(full())).text
    for number in ("1,200", "2.00", "1,190", "100", "0.625", "not defined", "1:31", "0.75"):
        assert number in text


def test_it_can_be_read_without_eyes():
    page = Page(render_report(full()))
    assert page.all("html") == [{"lang": "en"}]
    assert all(image["alt"] for image in page.all("img"))
    assert all(cell["scope"] in {"col", "row"} for cell in page.all("th"))
    assert len(page.all("h1")) == 1


def test_an_empty_workspace_has_a_report_that_says_so():
    text = Page(render_report(empty())).text
    assert "Nothing has been tagged yet" in text
    assert "times real time" not in text


def test_nothing_wrong_is_said_too():
    text = Page(render_report(dataclasses.replace(full(), faults=()))).text
    assert "every file that was read could be used" in text


def channel(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4


def luminance(colour: str) -> float:
    red, green, blue = (channel(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_background_in_both_schemes(scheme):
    block = render_report(empty()).split(":root {")[scheme + 1].split("}")[0]
    colours = dict(part.strip().split(": ") for part in block.split(";") if "#" in part)
    for text in ("--ink", "--faint", "--accent", "--bad", "--warn"):
        for ground in ("--paper", "--card"):
            pair = sorted((luminance(colours[text]), luminance(colours[ground])))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (text, ground)


def test_reasons_are_counted_most_first():
    faults = [
        Fault("a", "", "failed", "empty", ""),
        Fault("b", "", "failed", "truncated", ""),
        Fault("c", "", "failed", "truncated", ""),
        Fault("d", "", "flagged", "empty", ""),
    ]
    assert count_reasons(faults) == [("truncated", 2), ("empty", 1)]
