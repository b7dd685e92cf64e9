from __future__ import annotations

import re
from html.parser import HTMLParser

from pipeline.evaluation.explanation_page import ExplanationData, LayerPart, render_explanation
from pipeline.evaluation.patches import PatchFacts
from pipeline.evaluation.report import Picture

HOSTILE = "<script>alert('x')</script> & \"quotes\""


def page(**changes):
    facts = PatchFacts(3, 1, 2.5, "t1", HOSTILE, "<b>Trio</b>", 61.25, 62.96, 200.4, 903.0)
    picture = Picture(b"png", f"layer1 {HOSTILE}")
    data = {
        "title": "What net hears",
        "made_at": "2026-01-01",
        "facts": {"model": "net@1", "heard": "2 tracks"},
        "kernels": (Picture(b"kernels", "conv: 4 kernels"),),
        "layers": (LayerPart("layer1", 2, (7,), picture, (facts,)),),
        "track": "",
        "track_pictures": (),
    }
    return render_explanation(ExplanationData(**data | changes))


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.attributes, self.tags, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.words.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


def test_names_from_files_are_text_and_never_markup():
    reader = read(page(track=HOSTILE, track_pictures=(Picture(b"mel", "mel"),)))
    assert "script" not in reader.tags
    assert "b" not in reader.tags
    assert f"{HOSTILE}, <b>Trio</b>" in reader.words


def test_the_page_links_to_nothing_outside():
    html = page()
    targets = [v for _, name, v in read(html).attributes if name in ("src", "href")]
    assert all(target.startswith(("data:image/png;base64,", "#")) for target in targets)
    assert len([target for target in targets if target.startswith("data:")]) == 2
    assert not re.search(r"https?://|url\(|@import", html)


def test_links_within_the_page_lead_to_a_place():
    attributes = read(page(track="x", track_pictures=(Picture(b"mel", "mel"),))).attributes
    places = {value for _, name, value in attributes if name == "id"}
    links = {value[1:] for tag, name, value in attributes if tag == "a" and name == "href"}
    assert links <= places
    assert "track" in links


def test_a_patch_is_listed_with_its_time_and_frequencies():
    words = " ".join(read(page()).words)
    assert "1:01.2 1:03.0 200 to 903" in words
    assert "No track moves channel 7." in words


def test_without_a_track_there_are_no_tags_over_time():
    assert "Tags over time" not in page()
