"""A million ids: planned, resumed and verified in memory that does not grow with the catalog."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).resolve().parents[1] / "bench" / "bench_ids.py"

DUCKDB_MB = 256
"""MEMORY_MB of the script."""


def measure(num_tracks: int, folder: Path) -> dict:
    spec = importlib.util.spec_from_file_location("bench_ids", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.measure(num_tracks, folder)


def test_a_million_tracks_are_planned_resumed_and_verified_in_bounded_memory(tmp_path):
    few = measure(100_000, tmp_path / "few")
    many = measure(1_000_000, tmp_path / "many")
    assert (many["plan"]["open"], many["resume"]["open"]) == (1_000_000, 1_000)
    assert (many["verify"]["ok"], many["verify"]["missing"]) == (999_000, 1_000)
    assert many["duplicate"]["refused"].startswith(f"{0:032x}: s3://music/0/0.mp3, s3://music/0/0")
    for name in ("plan", "resume", "verify"):
        # A few tracks do not fill what DuckDB may use; a million do, and nothing else grows.
        assert many[name]["peak_mb"] <= few[name]["peak_mb"] + DUCKDB_MB, (name, few, many)
