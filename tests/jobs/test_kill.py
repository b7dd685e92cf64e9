"""A run of the real command that is interrupted, and what the same command makes of it.

What befalls workers, nodes and drivers otherwise is tested in tests/faults, without the command.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from fakes import TONE_REFERENCE, tone_bundle
from tracking_database import give_database
from workspace import CONF, write_broken, write_catalog, write_tones

from pipeline.commandline import STOPPED
from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]
ROOT = Path(__file__).resolve().parents[2]
NUM_TRACKS = 160


def start(workspace: Path) -> subprocess.Popen:
    line = [sys.executable, "-m", "jobs.tag", str(CONF / "tag.yaml")]
    for override in (
        f"workspace.root_url={workspace}",
        f"scoring.models=['{TONE_REFERENCE}']",
        "runtime.commit_every_s=0.05",
        "runtime.file_tracks=2",
        "runtime.num_actors=1",
    ):
        line += ["--set", override]
    return subprocess.Popen(
        line,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A suite that was started in the background hands on that interrupts are ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_a_commit(process: subprocess.Popen, table: Path) -> None:
    deadline = time.monotonic() + 200
    while num_commits(table) < 1:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "no commit in 200 s"
        time.sleep(0.02)


def num_commits(table: Path) -> int:
    try:
        return DeltaTable(str(table)).version()
    except TableNotFoundError:
        return 0


def rows(workspace: Path) -> list[dict]:
    return DeltaTable(str(workspace / "results")).to_pyarrow_table().to_pylist()


def test_an_interrupted_run_keeps_what_is_done_and_the_same_command_ends_it(tmp_path):
    music = tmp_path / "music"
    write_tones(music, num_tracks=NUM_TRACKS, seconds=2.0)
    reasons = write_broken(music)
    write_catalog(tmp_path, sorted(music.iterdir()))
    tone_bundle(str(tmp_path))
    give_database(tmp_path)

    process = start(tmp_path)
    wait_for_a_commit(process, tmp_path / "results")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == STOPPED, output
    done = len(rows(tmp_path))
    planned = NUM_TRACKS + len(reasons)
    said = f"{done:,} of {planned:,} rows are committed; the same command goes on with the rest"
    assert said in output
    assert "Traceback" not in output
    assert 0 < done < NUM_TRACKS, "the run was to be interrupted in its middle"

    again = start(tmp_path)
    output, _ = again.communicate(timeout=200)
    assert again.returncode == 0, output
    assert f"{done:,} rows were there" in output
    found = rows(tmp_path)
    assert sorted(row["track_id"] for row in found) == sorted(path.stem for path in music.iterdir())
    for row in found:
        if row["track_id"] in reasons:
            assert (row["status"], row["reason"]) == ("failed", reasons[row["track_id"]])
        else:
            high, low = row["scores"]
            assert (high > low) == bool(int(row["track_id"][1:]) % 2)
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds
