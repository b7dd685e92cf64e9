"""The demo as a newcomer runs it: minutes the first time, seconds the second."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(1800)]
ROOT = Path(__file__).resolve().parents[2]
MINUTES = 60


def demo(*arguments: str) -> str:
    process = subprocess.run(
        [ROOT / "infra" / "demo", *arguments], capture_output=True, text=True, cwd=ROOT
    )
    print(process.stdout, process.stderr)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_the_demo_tags_its_catalog_and_a_second_run_finds_it_done(tmp_path):
    workspace = ("--workspace", str(tmp_path / "a workspace"))
    first = demo(*workspace)
    assert "206 tracks" in first
    assert "412 rows committed now" in first
    assert "trained:instruments is" in first
    assert first.count("206 rows committed now") == 2  # features, and the trained tagger's scores
    assert "verified" in first
    for reason in ("empty", "not_audio", "too_short", "non_finite", "truncated"):
        assert reason in first
    assert (tmp_path / "a workspace" / "report.html").stat().st_size > 100_000
    started = time.monotonic()
    second = demo(*workspace)
    assert "0 rows committed now" in second
    assert time.monotonic() - started < 2 * MINUTES
