"""A past bug: two processes that imported librosa at once on a fresh machine broke it for all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.audio import librosa_once
from pipeline.audio.librosa_once import COMPILED, lock_path

ROOT = Path(__file__).resolve().parents[2]


def test_who_imports_librosa_waits_for_who_does():
    code = "from pipeline.audio.librosa_once import librosa; print('imported')"
    with FileLock(lock_path(), mode=0o666):
        other = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=8)
    assert other.communicate(timeout=120)[0].strip() == "imported"


def test_all_is_imported_while_the_lock_is_held(monkeypatch):
    done = []

    class Lock:
        def __init__(self, path, **options):
            done.append(path)

        def __enter__(self):
            done.append("locked")

        def __exit__(self, *_):
            done.append("free")

    monkeypatch.setattr(librosa_once, "FileLock", Lock)
    monkeypatch.setattr(librosa_once.importlib, "import_module", done.append)
    librosa_once._imported()
    named = [f"librosa.{name}" for name in COMPILED]
    assert done == [lock_path(), "locked", *named, "librosa", "free"]


@pytest.mark.slow
def test_processes_that_start_together_share_a_cache_that_works(tmp_path):
    code = (
        "import numpy as np; from pipeline.audio.librosa_once import librosa; "
        "y = np.sin(np.arange(44_100) / 9).astype(np.float32); "
        "print(librosa.beat.beat_track(y=y, sr=22_050)[1].shape, "
        "librosa.onset.onset_detect(y=y, sr=22_050).shape, librosa.util.localmax(y).sum())"
    )
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    started = time.monotonic()
    racers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [racer.communicate(timeout=240)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], time.monotonic() - started
    assert len(set(said)) == 1


def test_all_of_librosas_cached_gufuncs_are_compiled_under_the_lock():
    folder = Path(find_spec("librosa").origin).parent
    found = {
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if re.search(r"^@(numba\.)?guvectorize", path.read_text(), re.MULTILINE)
    }
    assert found == set(COMPILED)
