from __future__ import annotations

import html.parser
import io
import json

import numpy as np
import pytest
from PIL import Image

from pipeline.evaluation.evaluation_page import render_evaluation
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.report import Picture
from pipeline.evaluation.thresholds import choose
from pipeline.evaluation.verdict import Subject, give_verdict
from pipeline.evaluation.verdict_files import numbers, pictures, tag_table, verdict_json
from pipeline.evaluation.verdict_text import calibration_text, verdict_text
from pipeline.taxonomy import TaskKind

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "img", "link", "br"}
NUM_TRACKS = 60


def scores(kind: TaskKind, *, skill: float, tags=("mood---calm", "mood---wild", "mood---none")):
    rng = np.random.default_rng(3)
    if kind is TaskKind.MULTICLASS:
        targets_NK = np.eye(3, dtype=bool)[rng.choice(2, NUM_TRACKS, p=(0.7, 0.3))]
    else:
        targets_NK = rng.random((NUM_TRACKS, 3)) < (0.5, 0.2, 0.0)
    noise_NK = rng.random((NUM_TRACKS, 3))
    return Labelled(
        track_ids=tuple(f"t{i:02d}" for i in range(NUM_TRACKS)),
        tags=tuple(tags),
        kind=kind,
        scores_NK=(skill * targets_NK + (1 - skill) * noise_NK).astype(np.float32),
        targets_NK=targets_NK,
    )


def verdict(kind: TaskKind = TaskKind.MULTILABEL, *, text: str = "plain"):
    tags = (f"mood---{text}", "mood---wild", "mood---none")
    weak = scores(kind, skill=0.1, tags=tags)
    subject = Subject(
        name=f"net {text}",
        labelled=scores(kind, skill=0.6, tags=tags),
        baselines={f"probe {text}": weak},
        facts={text: text},
        notes=(f"2 tracks failed: {text}",),
    )
    return give_verdict(subject, num_resamples=50, seed=0)


@pytest.fixture(scope="module", params=[TaskKind.MULTICLASS, TaskKind.MULTILABEL], ids=str)
def judged(request):
    return verdict(request.param)


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


def page(found) -> str:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "png")
    return render_evaluation(found, pictures=[Picture(data.getvalue(), 'a "picture"')])


def test_the_page_holds_figures_with_intervals_beside_the_baselines(judged):
    text = Page(page(judged)).text
    evaluation = judged.figures.evaluation
    shown = f"{evaluation.summary['accuracy']:.3f}"
    low_high = judged.figures.intervals["accuracy"]
    assert shown in text
    assert f"{low_high.low:.3f} to {low_high.high:.3f}" in text
    assert f"majority {evaluation.summary['accuracy_majority']:.3f}" in text
    assert "probe plain" in text
    assert "better in 100% of resamples" in text
    assert "2 tracks failed: plain" in text
    assert "not judged, since all tracks have them or none has: mood---none" in text
    assert "not defined" in text


def test_the_page_needs_nothing_from_outside(judged):
    elements = Page(page(judged)).elements
    assert not [name for name, _ in elements if name in ("script", "link")]
    images = [attributes for name, attributes in elements if name == "img"]
    assert [image["src"][:22] for image in images] == ["data:image/png;base64,"]
    assert images[0]["alt"] == 'a "picture"'


def test_what_stands_in_names_shows_as_text():
    text = page(verdict(text=EVIL))
    assert "<script" not in text
    assert Page(text).text.count(EVIL) >= 5


def test_a_tag_without_tracks_is_said_to_be_so_in_the_terminal(judged):
    text = verdict_text(judged, width=110)
    (line,) = [line for line in text.splitlines() if line.startswith("none ")]
    assert [cell.strip() for cell in line.split("\u2502")][1:5] == ["0", "-", "-", "-"]
    assert "model against probe plain" in text
    assert max(map(len, text.splitlines())) <= 110


def test_a_terminal_is_not_obeyed_by_names():
    text = verdict_text(verdict(text="\x1b[31mred[bold]"), width=110)
    assert "\x1b" not in text
    assert "red[bold]" in text


def test_json_and_table_hold_what_the_page_says(judged):
    facts = json.loads(verdict_json(judged))
    assert facts["model"]["summary"] == judged.figures.evaluation.summary
    assert facts["baselines"][0]["model_against_it"][0]["better_fraction"] == 1.0
    rows = tag_table(judged).to_pylist()
    assert [row["model"] for row in rows] == ["net plain"] * 3 + ["probe plain"] * 3
    assert rows[0]["roc_auc_low"] <= rows[0]["roc_auc"] <= rows[0]["roc_auc_high"]
    assert rows[2]["roc_auc"] is None
    assert rows[2]["num_positives"] == 0


def test_numbers_for_tracking_are_finite_and_named_apart(judged):
    found = numbers(judged)
    assert np.isfinite(list(found.values())).all()
    assert found["accuracy_low"] <= found["accuracy"] <= found["accuracy_high"]
    assert found["probe plain/accuracy"] < found["accuracy"]
    assert "roc_auc/mood---plain" in found
    assert "roc_auc/mood---none" not in found


def test_pictures_are_those_that_the_task_has(judged):
    found = pictures(judged)
    assert ("confusion.png" in found) == (judged.subject.labelled.kind is TaskKind.MULTICLASS)
    assert {"precision_recall.png", "roc_auc.png", "f1.png", "reliability.png"} <= set(found)
    assert all(Image.open(io.BytesIO(picture.png)).format == "PNG" for picture in found.values())


def test_a_baseline_that_lacks_tracks_is_compared_on_those_that_it_has():
    labelled = scores(TaskKind.MULTILABEL, skill=0.6)
    fewer = Labelled(
        track_ids=labelled.track_ids[:9:-1],
        tags=labelled.tags,
        kind=labelled.kind,
        scores_NK=labelled.scores_NK[:9:-1],
        targets_NK=labelled.targets_NK[:9:-1],
    )
    found = give_verdict(Subject("a", labelled, {"b": fewer}, {}, ()), num_resamples=9, seed=0)
    assert found.baselines[0].figures.evaluation.num_tracks == NUM_TRACKS - 10
    assert {paired.difference.value for paired in found.baselines[0].differences} == {0.0}


def test_what_a_rule_costs_is_shown_beside_each_threshold():
    labelled = scores(TaskKind.MULTILABEL, skill=0.3)
    choices = choose(labelled, rule="precision", at=0.95)
    best = choose(labelled, rule="best_f1", at=None)
    text = calibration_text(choices, best=best, asked="precision of at least 0.95", width=110)
    row = next(line for line in text.splitlines() if line.startswith("mood---calm"))
    cost = choices[0].recall - best[0].recall
    assert cost < 0
    assert f"{cost:+.3f}" in row
    assert "not reached by 1 tags, which will never be given: mood---none" in text
