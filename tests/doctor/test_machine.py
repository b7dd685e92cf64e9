from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from pipeline.doctor import machine


def test_a_machine_says_all_that_the_checks_ask(tmp_path):
    facts = machine.examine(
        spill_folder=str(tmp_path / "not" / "there"), workspace="", trial=None, ray_gpus=0
    )
    assert json.loads(json.dumps(facts)) == facts
    assert facts["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert facts["versions"]["earmark"].endswith(")")
    assert facts["disks"]["spill"]["folder"] == str(tmp_path / "not" / "there")
    assert 0 < facts["disks"]["spill"]["free_bytes"] <= facts["disks"]["spill"]["total_bytes"]
    assert "workspace" not in facts["disks"]
    assert facts["open_files"]["soft"] > 0
    assert facts["decoders"]["missing"] == ""
    assert facts["store"] is None


def test_it_works_where_earmark_is_not_installed(tmp_path):
    """As on a node of another image: the module alone, without the packages of the environment."""
    (tmp_path / "machine.py").write_text(Path(machine.__file__).read_text())
    call = "examine(spill_folder='/tmp', workspace='', trial={'x': 1}, ray_gpus=0)"
    line = (
        f"import json, sys; sys.path.insert(0, {str(tmp_path)!r}); "
        f"from machine import examine; print(json.dumps({call}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", line], capture_output=True, text=True, check=True
    )
    facts = json.loads(done.stdout)
    assert facts["versions"]["torch"] == facts["versions"]["earmark"] == ""
    assert (facts["decoders"], facts["store"]) == (None, None)


def test_gpus_that_ray_counts_are_tried_though_it_hides_them_from_the_worker(monkeypatch):
    seen = {}

    def run(line, *, env, **options):
        seen.update(env)
        return subprocess.CompletedProcess(line, 0, stdout='warning\n["H100"]\n', stderr="")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(machine.subprocess, "run", run)
    assert machine._gpus(1.0)["usable"] == 1
    assert "CUDA_VISIBLE_DEVICES" not in seen
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_gpus_that_cannot_be_used_say_why(monkeypatch):
    monkeypatch.setattr(machine, "TRY_GPUS", "raise RuntimeError('the driver is too old')")
    found = machine._gpus(1.0)
    assert (found["usable"], found["error"]) == (0, "RuntimeError: the driver is too old")
