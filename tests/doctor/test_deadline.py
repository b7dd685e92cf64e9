from __future__ import annotations

import time

import pytest

from pipeline.doctor.deadline import brief, carry_out
from pipeline.doctor.finding import Finding, State
from pipeline.errors import ConfigError


def run(check, *, timeout_s=20.0):
    return carry_out("storage", check, timeout_s=timeout_s, remedy="mend it")


def test_what_a_check_finds_is_passed_on():
    found = [Finding("storage", State.OK, "fine")]
    assert run(lambda: found) == found


def test_a_check_that_hangs_ends_at_its_limit():
    began = time.monotonic()
    (found,) = run(lambda: time.sleep(60), timeout_s=0.2)
    assert time.monotonic() - began < 10
    assert found == Finding("storage", State.FAILED, "no answer within 0.2 s", "mend it")


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (ConfigError("no bucket"), "no bucket"),
        (ConnectionRefusedError("nobody there"), "ConnectionRefusedError: nobody there"),
    ],
)
def test_a_check_that_fails_is_a_finding_with_a_remedy(error, seen):
    def check():
        raise error

    assert run(check) == [Finding("storage", State.FAILED, seen, "mend it")]


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(lambda: [1 / 0])


def test_a_message_is_one_short_line():
    assert brief("a\n  b") == "a b"
    assert len(brief("x" * 1000)) == 400
