from __future__ import annotations

import pytest
from doctor.machines import WELL, machine

from pipeline.doctor import verdicts
from pipeline.doctor.finding import State
from pipeline.doctor.verdicts import GIGABYTE

GPU = {"devices": 2, "usable": 2, "names": ["H100", "H100"], "error": ""}
BLIND = {"devices": 2, "usable": 0, "names": [], "error": "no CUDA"}


def test_a_node_with_the_drivers_versions_is_well():
    verdict = verdicts.versions(machine("n2"), driver=WELL)
    assert verdict.state is State.OK
    assert "ray 2.60.0" in verdict.seen


@pytest.mark.parametrize(
    ("path", "value", "seen"),
    [
        ("versions.torch", "2.9.0", "torch 2.9.0 (driver 2.11.0)"),
        ("versions.torch", "", "torch none (driver 2.11.0)"),
        ("versions.earmark", "0.1.0 (ffff)", "earmark 0.1.0 (ffff) (driver 0.1.0 (abcd))"),
    ],
)
def test_a_version_that_differs_is_named_with_the_drivers(path, value, seen):
    verdict = verdicts.versions(machine("n2", path=path, value=value), driver=WELL)
    assert (verdict.state, verdict.seen) == (State.FAILED, seen)
    assert "install the driver's" in verdict.remedy


@pytest.mark.parametrize(
    ("ray_gpus", "gpus", "state", "seen"),
    [
        (0.0, {"devices": 0, "usable": 0, "names": []}, State.OK, "none"),
        (2.0, GPU, State.OK, "H100, H100"),
        (4.0, GPU, State.FAILED, "Ray counts 4, torch can use 2"),
        (2.0, BLIND, State.FAILED, "Ray counts 2, torch can use 0: no CUDA"),
        (0.0, GPU, State.WARNING, "torch can use 2, Ray counts 0"),
        (None, GPU, State.OK, "H100, H100"),
        (None, BLIND, State.WARNING, "2 in the machine, torch can use none: no CUDA"),
    ],
)
def test_gpus_of_ray_are_those_of_torch(ray_gpus, gpus, state, seen):
    verdict = verdicts.gpus(machine(path="gpus", value=gpus, ray_gpus=ray_gpus))
    assert (verdict.state, verdict.seen) == (state, seen)
    assert bool(verdict.remedy) == (state is not State.OK)


def test_shared_memory_holds_the_object_store():
    assert verdicts.shared_memory(WELL).state is State.OK
    small = machine(path="shm_bytes", value=64 * 2**20)
    verdict = verdicts.shared_memory(small)
    assert verdict.state is State.WARNING
    assert "has 0.1 GB, the object store takes 30.0 GB" in verdict.seen
    assert "--shm-size=33g" in verdict.remedy


def test_without_a_ray_its_default_store_is_meant():
    verdict = verdicts.shared_memory(machine(store_bytes=None))
    assert "takes 38.4 GB" in verdict.seen  # 30 % of 128 GB


def test_a_system_without_shared_memory_is_skipped():
    assert verdicts.shared_memory(machine(path="shm_bytes", value=None)).state is State.SKIPPED


@pytest.mark.parametrize(
    ("free_gb", "state"), [(50, State.OK), (9, State.WARNING), (4, State.FAILED)]
)
def test_a_disk_has_room(free_gb, state):
    spoiled = machine(path="disks.spill.free_bytes", value=free_gb * GIGABYTE)
    verdict = verdicts.disk(spoiled, name="spill", least_bytes=10 * GIGABYTE)
    assert verdict.state is state
    assert f"{free_gb}.0 GB free of 100.0 GB at /tmp/ray" in verdict.seen
    assert ("--temp-dir" in verdict.remedy) == (state is not State.OK)


def test_a_workspace_in_an_object_store_has_no_disk():
    spoiled = machine(path="disks.workspace", value=None)
    verdict = verdicts.disk(spoiled, name="workspace", least_bytes=1)
    assert (verdict.state, verdict.seen) == (State.SKIPPED, "the workspace is in an object store")


@pytest.mark.parametrize(
    ("soft", "state"), [(65_536, State.OK), (-1, State.OK), (1024, State.WARNING)]
)
def test_open_files_are_enough(soft, state):
    verdict = verdicts.open_files(machine(path="open_files.soft", value=soft), least=4096)
    assert verdict.state is state
    assert ("ulimit -n 4096" in verdict.remedy) == (state is State.WARNING)


@pytest.mark.parametrize(
    ("clock_s", "error_s", "state"),
    [
        (0.5, 0.0, State.OK),
        (-90.0, 0.1, State.WARNING),
        (2.0, 1.5, State.OK),  # a slow answer proves nothing
        (None, 0.0, State.SKIPPED),
    ],
)
def test_a_clock_counts_as_wrong_beyond_what_the_reading_may_be_off(clock_s, error_s, state):
    spoiled = machine(clock_s=clock_s, clock_error_s=error_s)
    assert verdicts.clock(spoiled, most_s=1.0).state is state


def test_decoders_are_there():
    assert verdicts.decoders(WELL).state is State.OK
    without = verdicts.decoders(machine(path="decoders.ffmpeg", value=""))
    assert (without.state, "earmark[codecs]" in without.remedy) == (State.WARNING, True)
    broken = verdicts.decoders(machine(path="decoders.missing", value="MP3"))
    assert (broken.state, "cannot read MP3" in broken.seen) == (State.FAILED, True)
    assert verdicts.decoders(machine(path="decoders", value=None)).state is State.SKIPPED


def test_a_node_that_sees_another_folder_is_told_to_share_it():
    wrong = machine(path="store", value="the driver's file is not there: ...")
    verdict = verdicts.store(wrong)
    assert verdict.state is State.FAILED
    assert "shared folder" in verdict.remedy
    assert verdicts.store(WELL).state is State.OK
    assert verdicts.store(machine(path="store", value=None)).state is State.SKIPPED
    assert verdicts.store(machine(ray_gpus=None)).state is State.SKIPPED
