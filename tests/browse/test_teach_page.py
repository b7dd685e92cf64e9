from __future__ import annotations

import threading

import pytest
from browsing import press, settled

from pipeline.browse import teach_page, teaching
from pipeline.browse.teaching import Step
from pipeline.errors import UserError

HIGH, LOW = ("t001", "t003", "t005", "t007"), ("t000", "t002")


def mark(client):
    for track_id in HIGH:
        press(client, "/desk", do="has", track=track_id)
    for track_id in LOW:
        press(client, "/desk", do="has-not", track=track_id)


def ask(client, **values):
    known = {"do": "try", "tag": "bright", "model": "s1", "share": "0.5", "precision": "0.8"}
    return press(client, "/teach", **(known | values))


def test_a_tag_is_tried_and_nothing_is_written(client, tones):
    mark(client)
    assert ask(client).status_code == 303
    text = settled(client, "/teach")
    assert "expected precision" in text
    best = text[text.index("Strongest that are no examples") :]
    assert best.index("Tone t009") < best.index("Tone t004")
    assert "Tone t001" not in best[: best.index("Labels that would teach most")]
    assert "Accept" in text
    assert not (tones / "models" / "taught:bright.1").exists()
    press(client, "/desk", do="has", track="t009")
    assert "The examples have changed since" in client.get("/teach").text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tag": " "}, "name the tag"),
        ({"model": ""}, "choose a model"),
        ({"share": "7"}, "share"),
        ({"do": "accept"}, "no tag has been tried"),
    ],
)
def test_what_cannot_be_begun_is_said(client, values, said):
    answer = ask(client, **values)
    assert answer.status_code == 400
    assert said in answer.text


def test_too_few_examples_are_said(client):
    press(client, "/desk", do="has", track="t001")
    ask(client)
    assert "at least 3 are needed" in settled(client, "/teach")


def test_a_second_tag_at_the_same_time_is_refused(client, monkeypatch):
    go_on = threading.Event()

    def slow(*_args, **_kwargs):
        go_on.wait(10)
        raise UserError("it was only a test")

    monkeypatch.setattr(teaching, "try_tag", slow)
    mark(client)
    assert ask(client).status_code == 303
    running = client.get("/teach").text
    assert "looks again every 2 seconds" in running
    assert "disabled" in running
    second = ask(client, tag="other")
    assert second.status_code == 409
    assert "is being taught now" in second.text
    assert client.get("/").status_code == 200  # the server goes on meanwhile
    go_on.set()
    assert "it was only a test" in settled(client, "/teach")
    assert ask(client).status_code == 303


def test_a_step_that_ends_while_the_page_is_made_is_shown_by_the_next_one(client, monkeypatch):
    """Bug: the page had neither the wait nor the result, and did not look again."""
    go_on = threading.Event()

    def slow(*_args, **_kwargs):
        go_on.wait(10)
        raise UserError("it was only a test")

    def ends_meanwhile(*args, **kwargs):
        go_on.set()
        client.app.state.site.teaching.last.future.exception(10)
        return read_scorings(*args, **kwargs)

    read_scorings = teach_page.read_scorings
    monkeypatch.setattr(teaching, "try_tag", slow)
    mark(client)
    ask(client)
    monkeypatch.setattr(teach_page, "read_scorings", ends_meanwhile)
    assert 'http-equiv="refresh"' in client.get("/teach").text
    assert "it was only a test" in client.get("/teach").text


def test_a_bug_is_told_without_its_details(client, monkeypatch, caplog):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(teaching, "try_tag", broken)
    mark(client)
    ask(client)
    text = settled(client, "/teach")
    assert "ZeroDivisionError" in text
    assert "secret" not in text
    assert "secret" in caplog.text


def test_accepting_makes_what_was_tried(client, monkeypatch):
    made = []

    def accept(job):
        made.append(job)
        raise UserError("no Ray here")

    monkeypatch.setattr(teaching, "_accept", accept)
    mark(client)
    ask(client, precision="0.7")
    settled(client, "/teach")
    press(client, "/teach", do="accept")
    assert "no Ray here" in settled(client, "/teach")
    (job,) = made
    assert job.teaching.positive == HIGH
    assert job.teaching.negative == LOW
    assert (job.teaching.tag, job.teaching.model, job.teaching.precision) == ("bright", "s1", 0.7)
    assert client.app.state.site.teaching.last.step is Step.ACCEPT
