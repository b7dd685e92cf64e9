"""Fixtures of the suite: tests' own helpers importable, one small Ray for those that share it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
for name in ("COLUMNS", "LINES"):  # as pytest-xdist sets them: tables are as wide as by default
    os.environ.pop(name, None)
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

MEBIBYTE = 2**20

# How long an example takes is the machine's affair: the suite runs in two processes on two cores.
hypothesis.settings.register_profile(
    "earmark", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("earmark")


@pytest.fixture(scope="session")
def shared_ray():
    """A Ray instance of two logical CPUs that lives as long as the suite."""
    import ray

    ray.init(
        address="local",  # never one that another test, or person, left running
        num_cpus=2,
        object_store_memory=200 * MEBIBYTE,
        include_dashboard=False,
        logging_level="WARNING",
    )
    yield
    ray.shutdown()
