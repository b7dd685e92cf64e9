from __future__ import annotations

import json

import pytest

from pipeline.doctor.finding import (
    SECRET_VARIABLES,
    Finding,
    State,
    count_states,
    exit_code,
    facts,
    without_secrets,
)

OK, WARNING, FAILED, SKIPPED = (
    Finding("a check", state, "seen")
    for state in (State.OK, State.WARNING, State.FAILED, State.SKIPPED)
)


@pytest.mark.parametrize(
    ("findings", "code"),
    [([], 0), ([OK, WARNING, SKIPPED], 0), ([OK, FAILED], 1)],
)
def test_only_what_failed_makes_the_exit_code_1(findings, code):
    assert exit_code(findings) == code
    assert facts(findings)["exit_code"] == code


def test_states_are_counted_with_the_worst_first():
    counted = count_states([OK, SKIPPED, FAILED, OK])
    assert list(counted.items()) == [(State.FAILED, 1), (State.OK, 2), (State.SKIPPED, 1)]


def test_a_program_reads_all_findings():
    tree = json.loads(
        json.dumps(facts([Finding("disk", State.WARNING, "full", "make room", "n1")]))
    )
    assert tree["findings"] == [
        {"check": "disk", "state": "warning", "seen": "full", "remedy": "make room", "where": "n1"}
    ]


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_values_of_secret_variables_are_never_shown(name):
    found = Finding("x", State.FAILED, "key hush-hush refused", "not hush-hush")
    (shown,) = without_secrets([found], environment={name: "hush-hush"})
    assert (shown.seen, shown.remedy) == ("key *** refused", "not ***")


def test_credentials_in_urls_are_never_shown():
    found = Finding("x", State.FAILED, "http://me:hush@host:5000 is away")
    (shown,) = without_secrets([found], environment={})
    assert "hush" not in shown.seen
    assert "host:5000" in shown.seen


def test_an_empty_or_short_value_does_not_blot_out_words():
    (shown,) = without_secrets([OK], environment={"RAY_AUTH_TOKEN": "", "AWS_SESSION_TOKEN": "ee"})
    assert shown == OK
