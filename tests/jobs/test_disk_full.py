"""A disk that fills up: a clear message, nothing lost, and the same command resumes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from deltalake import DeltaTable
from workspace import RATE_HZ, features_job, write_catalog, write_tones

from pipeline.errors import UserError
from pipeline.progress import Summary
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray"), pytest.mark.timeout(600)]
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


def features(workspace: Path) -> Summary:
    job = features_job(workspace, "runtime.commit_every_s=0.1", "runtime.num_actors=1")
    return extract_catalog(job, run_id="run")


def test_a_full_disk_is_named_and_the_job_resumes_with_more_room(small_disk, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, (NUM_TRACKS, 30 * RATE_HZ))
    for i, wave_T in enumerate(noise.astype(np.float32)):
        soundfile.write(music / f"t{i:02d}.wav", wave_T, RATE_HZ)
    workspace = small_disk / "workspace"
    write_catalog(workspace, sorted(music.iterdir()))
    with pytest.raises(UserError, match=r"a disk is full(.|\n)*run the same command again"):
        features(workspace)
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    done = DeltaTable(str(workspace / "feature_index")).to_pyarrow_table().num_rows
    assert 0 < done < NUM_TRACKS
    resumed = features(workspace)
    assert (resumed.already, resumed.committed) == (done, NUM_TRACKS - done)
    report = verify(str(workspace), storage=Storage(), memory_mb=256)
    assert report.holds, report.lines()


def test_a_full_disk_of_the_driver_is_named_and_nothing_was_begun(
    small_disk, tmp_path, monkeypatch
):
    write_tones(tmp_path / "music", num_tracks=2)
    write_catalog(tmp_path, sorted((tmp_path / "music").iterdir()))
    monkeypatch.setenv("TMPDIR", str(small_disk))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (small_disk / "full").write_bytes(bytes(6 * 2**20 - 4096))
    with pytest.raises(UserError, match=f"{small_disk}(.|\n)*TMPDIR"):
        features(tmp_path)
    monkeypatch.undo()
    assert features(tmp_path).committed == 2
