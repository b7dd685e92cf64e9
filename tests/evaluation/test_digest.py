from __future__ import annotations

from pipeline.evaluation.digest import digest
from pipeline.evaluation.report import Answer, Fault, ReportData, Summary, TrackRow


def data(**changes):
    facts = {
        "title": "t",
        "workspace": "/w",
        "made_at": "now",
        "summary": Summary(1, 30.0, 1, 0, 1, 2.0),
        "models": (),
        "tracks": (
            TrackRow("id1", "Tune", "Maker", 30.0, {"mtat50": (("instrument---piano", 0.91),)}),
        ),
        "cards": (),
        "answers": (Answer("Which?", "SELECT 1", ("tag", "n"), (("piano", 3), (None, 0.5))),),
        "faults": (
            Fault("b", "/m/b.mp3", "failed", "empty", "0 bytes"),
            Fault("c", "/m/c.mp3", "ok", "truncated", "15.0 of 30.0 s"),
        ),
        "agreements": {},
    }
    return ReportData(**(facts | changes))


def test_it_names_tracks_answers_and_failures():
    text = digest(data())
    assert "Maker - Tune" in text
    assert "piano 0.91" in text
    assert "SELECT 1" in text
    assert "failed files: 1" in text
    assert "empty" in text
    assert "tagged, but truncated: /m/c.mp3  15.0 of 30.0 s" in text


def test_a_title_cannot_command_the_terminal():
    track = TrackRow("id1", "\x1b[2Jgone", "", None, {})
    assert "\x1b" not in digest(data(tracks=(track,)))


def test_an_empty_workspace_has_a_digest():
    assert "failed files: 0" in digest(data(tracks=(), answers=(), faults=()))
