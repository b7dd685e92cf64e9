"""Real runs that are killed, and what the same command makes of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from fakes import TONE_REFERENCE, tone_bundle
from tracking_database import give_database
from workspace import CONF, write_broken, write_catalog, write_tones

from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
NUM_TRACKS = 160
SETTINGS = (
    "runtime.commit_every_s=0.2",
    "runtime.unit_tracks=4",
    "runtime.file_tracks=2",
    "runtime.num_actors=2",
)
TRACKING = tempfile.TemporaryDirectory(prefix="earmark-test-")  # making a database takes seconds


def command(verb: str, workspace: Path, *overrides: str) -> list[str]:
    line = [sys.executable, "-m", f"jobs.{verb}", str(CONF / f"{verb}.yaml")]
    tracking = f"tracking.uri=sqlite:///{TRACKING.name}/mlflow.db"
    for override in (f"workspace.root_url={workspace}", tracking, *SETTINGS, *overrides):
        line += ["--set", override]
    return line


def start(verb: str, workspace: Path) -> subprocess.Popen:
    extra = {
        "tag": (f"scoring.models=['{TONE_REFERENCE}']",),
        "features": ("frontend.name=sota-mel96",),
    }
    return subprocess.Popen(
        command(verb, workspace, *extra[verb]),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"EARMARK_TEST": "1"},
        # A suite that was started in the background hands on that interrupts are ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def finish(verb: str, workspace: Path) -> str:
    process = start(verb, workspace)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def num_commits(url: Path) -> int:
    try:
        return DeltaTable(str(url)).version()
    except TableNotFoundError:
        return 0


def wait_for_commits(process: subprocess.Popen, url: Path, *, at_least: int) -> None:
    deadline = time.monotonic() + 120
    while num_commits(url) < at_least:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "no commit in two minutes"
        time.sleep(0.02)


def descendants(process: subprocess.Popen, word: str) -> list[psutil.Process]:
    """Living processes below another whose command holds a word."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if word in " ".join(child.cmdline()):
                found.append(child)
    return found


def scores(workspace: Path) -> dict[str, tuple]:
    rows = DeltaTable(str(workspace / "results")).to_pyarrow_table().to_pylist()
    assert len(rows) == len({row["track_id"] for row in rows})
    return {row["track_id"]: (row["status"], row["reason"], row["scores"]) for row in rows}


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    write_tones(folder, num_tracks=NUM_TRACKS, seconds=3.0)
    write_broken(folder)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def undisturbed(music, tmp_path_factory):
    workspace = tmp_path_factory.mktemp("undisturbed")
    give_database(Path(TRACKING.name))
    write_catalog(workspace, music)
    tone_bundle(str(workspace))
    finish("tag", workspace)
    return scores(workspace)


def assert_same(found: dict, oracle: dict) -> None:
    assert found.keys() == oracle.keys()
    for track_id, (status, reason, values) in oracle.items():
        assert found[track_id][:2] == (status, reason)
        if values is not None:
            np.testing.assert_allclose(found[track_id][2], values, atol=1e-5)


def test_a_killed_driver_and_the_same_command_give_every_track_once(music, undisturbed, tmp_path):
    write_catalog(tmp_path, music)
    tone_bundle(str(tmp_path))
    process = start("tag", tmp_path)
    wait_for_commits(process, tmp_path / "results", at_least=3)
    process.kill()
    process.communicate()
    committed = DeltaTable(str(tmp_path / "results")).to_pyarrow_table().num_rows
    assert 0 < committed < len(music), "the run was to be killed in its middle"
    output = finish("tag", tmp_path)
    assert f"{committed:,} rows were there" in output
    assert_same(scores(tmp_path), undisturbed)
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds


def test_a_killed_worker_costs_nothing(music, undisturbed, tmp_path):
    write_catalog(tmp_path, music)
    tone_bundle(str(tmp_path))
    process = start("tag", tmp_path)
    wait_for_commits(process, tmp_path / "results", at_least=2)
    workers = descendants(process, "ScoreTracks")
    assert workers, "no scoring worker was found"
    workers[0].send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert_same(scores(tmp_path), undisturbed)
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds


def test_a_decoder_that_crashes_costs_one_row_with_its_reason(music, undisturbed, tmp_path):
    write_catalog(tmp_path, music)
    tone_bundle(str(tmp_path))
    process = start("tag", tmp_path)
    wait_for_commits(process, tmp_path / "results", at_least=2)
    decoders = descendants(process, "decode_child")
    assert decoders, "no decoding process was found"
    decoders[0].send_signal(signal.SIGSEGV)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    found = scores(tmp_path)
    crashed = [track for track, row in found.items() if row[1] == "decoder_crashed"]
    assert len(crashed) <= 1  # none if it was idle just then
    rest = {track: row for track, row in found.items() if track not in crashed}
    assert_same(rest, {track: row for track, row in undisturbed.items() if track in rest})
    assert found.keys() == undisturbed.keys()


def test_an_interrupted_run_keeps_what_is_done(music, undisturbed, tmp_path):
    write_catalog(tmp_path, music)
    tone_bundle(str(tmp_path))
    process = start("tag", tmp_path)
    wait_for_commits(process, tmp_path / "results", at_least=2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    finish("tag", tmp_path)
    assert_same(scores(tmp_path), undisturbed)


def test_a_killed_features_run_resumes_and_no_track_is_there_twice(music, tmp_path):
    write_catalog(tmp_path, music)
    process = start("features", tmp_path)
    wait_for_commits(process, tmp_path / "feature_index", at_least=3)
    process.kill()
    process.communicate()
    finish("features", tmp_path)
    rows = DeltaTable(str(tmp_path / "feature_index")).to_pyarrow_table().to_pylist()
    assert sorted(row["track_id"] for row in rows) == sorted(path.stem for path in music)
    report = verify(str(tmp_path), storage=Storage(), memory_mb=256)
    assert report.holds, report.lines()


def test_the_same_job_submitted_twice_at_once_gives_every_track_once(music, undisturbed, tmp_path):
    write_catalog(tmp_path, music)
    tone_bundle(str(tmp_path))
    jobs = [start("tag", tmp_path), start("tag", tmp_path)]
    outputs = [job.communicate(timeout=400)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], outputs
    assert_same(scores(tmp_path), undisturbed)
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds
