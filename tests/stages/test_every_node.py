from __future__ import annotations

import subprocess
import time

import pytest

from pipeline.stages import every_node
from pipeline.stages.every_node import ask_every_node

FUNCTION = "pipeline.doctor.machine:examine"


def ask(timeout_s: float):
    return ask_every_node("127.0.0.1:9", function=FUNCTION, arguments={}, timeout_s=timeout_s)


def test_a_driver_that_waits_too_long_is_given_up():
    began = time.monotonic()
    answer = ask(0.2)
    assert time.monotonic() - began < 10
    assert answer.error.startswith("no answer within 0.2 s")
    assert answer.nodes == ()


def test_a_driver_that_dies_leaves_the_end_of_its_log(monkeypatch):
    died = subprocess.CompletedProcess([], -6, stdout="", stderr="x" * 5000 + "GCS is gone")
    monkeypatch.setattr(every_node.subprocess, "run", lambda line, **options: died)
    answer = ask(5)
    assert answer.error.startswith("exit code -6")
    assert answer.error.endswith("GCS is gone")
    assert len(answer.error) < 2100


def test_the_clock_is_read_with_the_shortest_round_trip(monkeypatch):
    """A node 5 s ahead: readings that took long are further off and count less."""
    now, waits = [100.0], iter([2.0, 0.5, 0.02, 1.0, 3.0])

    class Clock:
        @staticmethod
        def remote():
            return None

    def get(reference, timeout):
        there = now[0] + 5.0  # read at once: the way back takes all the time
        now[0] += next(waits)
        return there

    monkeypatch.setattr(every_node.time, "time", lambda: now[0])
    monkeypatch.setattr(every_node.ray, "get", get)
    probe = type("Probe", (), {"clock": Clock})
    read = every_node._clock(probe, deadline=time.monotonic() + 60)
    assert read["clock_s"] == pytest.approx(4.99)
    assert read["clock_error_s"] == pytest.approx(0.01)
