"""A disk that fills up: a clear message, nothing lost, and the same command resumes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from deltalake import DeltaTable
from tracking_database import give_database
from workspace import CONF, RATE_HZ, write_catalog

from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
NUM_TRACKS = 40


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few MiB, where this process may mount one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(line, capture_output=True).returncode != 0:
        pytest.skip("skipped: mounting a small file system needs root")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def features(workspace: Path) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "jobs.features", str(CONF / "features.yaml")]
    for override in (
        f"workspace.root_url={workspace}",
        "runtime.commit_every_s=0.1",
        "runtime.num_actors=1",
    ):
        line += ["--set", override]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_a_full_disk_is_named_and_the_job_resumes_with_more_room(small_disk, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, (NUM_TRACKS, 30 * RATE_HZ))
    for i, wave_T in enumerate(noise.astype(np.float32)):
        soundfile.write(music / f"t{i:02d}.wav", wave_T, RATE_HZ)
    workspace = small_disk / "workspace"
    give_database(workspace)
    write_catalog(workspace, sorted(music.iterdir()))
    failed = features(workspace)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "Error:" in failed.stderr
    assert "a disk is full" in failed.stderr
    assert "run the same command again" in failed.stderr
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    done = DeltaTable(str(workspace / "feature_index")).to_pyarrow_table().num_rows
    assert 0 < done < NUM_TRACKS
    resumed = features(workspace)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert f"{done} rows were there" in resumed.stdout
    report = verify(str(workspace), storage=Storage(), memory_mb=256)
    assert report.holds, report.lines()
