from __future__ import annotations

import pytest

from pipeline.bottleneck import Bottleneck
from pipeline.progress import Summary
from pipeline.tables.receipt import Tally
from pipeline.tables.stage_times import StageTimes

TIMES = StageTimes({"fetch": 8.0, "decode": 70.0, "mel": 20.0, "write": 8.0, "wait": 52.0}, 10**7)


def test_the_stage_that_takes_most_limits():
    report = Bottleneck(TIMES, tracks=1000, num_workers=2, seconds=50.0, commits=3, commit_s=0.5)
    assert report.limit == "decode"
    assert report.busy["fetch"] == 2.0  # four threads
    assert report.shares["decode"] == pytest.approx(0.7)
    assert sum(report.shares.values()) == pytest.approx(1)
    assert report.wait_share == pytest.approx(0.52)
    assert report.idle_share == pytest.approx(0.2)
    text = "\n".join(report.lines())
    assert "decoding limits: 70%" in text
    assert "3 commits in 0.50 s" in text
    assert "14.3" in text  # 1000 tracks in 70 s of one worker
    assert len(report.lines()) == 7


def test_many_slow_fetches_limit_only_when_four_at_once_do():
    slow = Bottleneck(StageTimes({"fetch": 300.0, "decode": 70.0}))
    assert slow.limit == "fetch"
    assert Bottleneck(StageTimes({"fetch": 200.0, "decode": 70.0})).limit == "decode"


def test_nothing_measured_says_nothing():
    assert Bottleneck().lines() == []
    assert Bottleneck().metrics() == {}


def test_the_summary_shows_the_stages_and_the_estimate():
    report = Bottleneck(TIMES, tracks=10, num_workers=1, seconds=100.0)
    summary = Summary(
        "tag", 10, 10, 0, Tally(ok=10), 10, 100.0, {"s": "p"}, report, "estimated 9 s"
    )
    assert summary.lines()[-1] == "  estimated 9 s"
    assert summary.metrics()["stage_decode_s"] == 70.0
    assert summary.facts()["limit"] == "decode"
