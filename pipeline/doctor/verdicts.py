"""What is said of one machine: versions, clock, limits, GPUs, memory, disk, decoders, workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.doctor.finding import State
from pipeline.doctor.machine import SHARED_MEMORY

GIGABYTE = 10**9
FULL_FRACTION = 0.95
"""Of a disk in use: from there Ray writes no objects to it (local_fs_capacity_threshold)."""
STORE_FRACTION, STORE_MOST_BYTES = 0.3, 200 * GIGABYTE
"""Of a machine's memory, what Ray's object store takes by default (ray_constants.py, 2.60)."""


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        name: for people.
        facts: what `pipeline.doctor.machine.examine` gives; None: it did not answer.
        error: why not.
        ray_gpus: GPUs that Ray counts; None: there is no Ray yet.
        store_bytes: its object store; None: there is none yet, and Ray's default is meant.
        clock_s: its clock less the driver's, seconds; None: not read.
        clock_error_s: how far that may be off.
    """

    name: str
    facts: dict[str, Any] | None
    error: str = ""
    ray_gpus: float | None = None
    store_bytes: int | None = None
    clock_s: float | None = None
    clock_error_s: float = 0.0

    def said(self, *path: str) -> Any:  # noqa: ANN401 - a fact
        """A fact; None where it is missing."""
        node: Any = self.facts
        for key in path:
            node = node.get(key) if isinstance(node, dict) else None
        return node


@dataclass(frozen=True)
class Verdict:
    """What a check says of one machine."""

    state: State
    seen: str
    remedy: str = field(default="")


def versions(machine: Machine, *, driver: Machine) -> Verdict:
    """Python and the libraries that both sides must share are the driver's."""
    own, there = driver.said("versions") or {}, machine.said("versions") or {}
    if machine is driver or own == there:
        return Verdict(State.OK, ", ".join(f"{name} {own[name] or '-'}" for name in own))
    differing = [
        f"{name} {there.get(name) or 'none'} (driver {own[name] or 'none'})"
        for name in own
        if own[name] != there.get(name, "")
    ]
    return Verdict(
        State.FAILED,
        ", ".join(differing),
        "install the driver's there and restart the node's Ray (one image for all machines: "
        "infra/Dockerfile); where only Earmark differs, `earmark submit` brings the driver's",
    )


def clock(machine: Machine, *, most_s: float) -> Verdict:
    """Clocks differ by little: commits, logs and signed requests carry times."""
    if machine.clock_s is None:
        return Verdict(State.SKIPPED, "no cluster is joined: nothing to compare with")
    beyond_s = abs(machine.clock_s) - machine.clock_error_s
    if beyond_s <= most_s:
        return Verdict(State.OK, f"within {most_s:g} s of the driver's")
    return Verdict(
        State.WARNING,
        f"{machine.clock_s:+.1f} s against the driver's (± {machine.clock_error_s:.2f} s)",
        "set it with NTP (timedatectl set-ntp true, chrony); object stores refuse requests of a "
        "clock that is 15 min off",
    )


def open_files(machine: Machine, *, least: int) -> Verdict:
    """Ray's processes and a store's connections take many."""
    soft, hard = machine.said("open_files", "soft"), machine.said("open_files", "hard")
    if soft is None or soft < 0 or soft >= least:  # -1: without limit
        return Verdict(State.OK, f"{soft:,} of a process" if soft and soft > 0 else "no limit")
    return Verdict(
        State.WARNING,
        f"{soft:,} of a process (hard limit {hard:,})",
        f"ulimit -n {least} or more before `ray start` (limits.conf, LimitNOFILE of systemd, "
        "--ulimit nofile of Docker)",
    )


def gpus(machine: Machine) -> Verdict:
    """GPUs that Ray counts are those that torch can calculate on."""
    seen = machine.said("gpus") or {}
    usable, devices, error = (seen.get(key) for key in ("usable", "devices", "error"))
    counted, usable = machine.ray_gpus, int(usable or 0)
    because = f": {error}" if error else ""
    if (counted or 0) > usable:
        return Verdict(
            State.FAILED,
            f"Ray counts {counted:g}, torch can use {usable}{because}",
            "a driver of NVIDIA that fits torch's CUDA (`nvidia-smi`, `python -c 'import torch; "
            "print(torch.cuda.is_available())'`), the container toolkit with --gpus all; or start "
            "the node with --num-gpus as many as there are",
        )
    if devices and not usable:
        return Verdict(
            State.WARNING,
            f"{devices} in the machine, torch can use none{because}",
            "a driver of NVIDIA that fits torch's CUDA; without it the processors do the work",
        )
    if counted is not None and usable > counted:
        return Verdict(
            State.WARNING,
            f"torch can use {usable}, Ray counts {counted:g}",
            "restart the node with --num-gpus, unless the others are meant for something else",
        )
    return Verdict(State.OK, ", ".join(seen.get("names", [])) or "none")


def shared_memory(machine: Machine) -> Verdict:
    """The object store fits into /dev/shm; else Ray keeps it on a disk."""
    total = machine.said("shm_bytes")
    if total is None:
        return Verdict(State.SKIPPED, f"there is no {SHARED_MEMORY} on this system")
    memory = machine.said("memory_bytes") or 0
    wanted = machine.store_bytes or int(min(memory * STORE_FRACTION, STORE_MOST_BYTES))
    seen = f"{SHARED_MEMORY} has {_gigabytes(total)}, the object store takes {_gigabytes(wanted)}"
    if total >= wanted:
        return Verdict(State.OK, seen)
    return Verdict(
        State.WARNING,
        f"{seen}: Ray keeps it in its folder for temporary files, or does not start",
        f"start the container with --shm-size={-(-wanted * 11 // (10 * GIGABYTE))}g (Kubernetes: "
        "an emptyDir with medium: Memory at /dev/shm), or make the store smaller "
        "(runtime.object_store_mb; ray start --object-store-memory)",
    )


def disk(machine: Machine, *, name: str, least_bytes: float) -> Verdict:
    """Room where Ray spills its objects, or where the tables are."""
    seen = machine.said("disks", name)
    if not seen:
        why = "it is not known" if name == "spill" else "the workspace is in an object store"
        return Verdict(State.SKIPPED, why)
    free, total = seen["free_bytes"], seen["total_bytes"]
    used = 1 - free / total if total else 1.0
    text = f"{_gigabytes(free)} free of {_gigabytes(total)} at {seen['folder']}"
    room = "--temp-dir of `ray start`" if name == "spill" else "--workspace URL"
    if used > FULL_FRACTION:
        text = f"{text}: {used:.0%} in use" + (", Ray spills nothing" if name == "spill" else "")
        return Verdict(State.FAILED, text, f"make room, or name a larger disk: {room}")
    if free < least_bytes:
        return Verdict(State.WARNING, text, f"make room, or name a larger disk: {room}")
    return Verdict(State.OK, text)


def decoders(machine: Machine) -> Verdict:
    """What reads audio."""
    found = machine.said("decoders")
    if found is None:
        return Verdict(State.SKIPPED, "Earmark is not installed there")
    if not found["libsndfile"] or found["missing"]:
        return Verdict(
            State.FAILED,
            f"libsndfile {found['libsndfile'] or 'missing'}: cannot read {found['missing']}",
            "pip install --force-reinstall soundfile (its wheels bring the library), or a newer "
            "libsndfile of the system",
        )
    seen = f"libsndfile {found['libsndfile']} (MP3, FLAC, Ogg, Opus, WAV, AIFF)"
    if found["ffmpeg"]:
        return Verdict(State.OK, f"{seen}, FFmpeg by av {found['ffmpeg']} (AAC, M4A, WMA ...)")
    return Verdict(
        State.WARNING,
        f"{seen}; none for AAC, M4A, WMA: such tracks fail as undecodable",
        "pip install 'earmark[codecs]' if the catalog has such files (it bundles GPL parts)",
    )


def store(machine: Machine) -> Verdict:
    """The workspace as the node sees it."""
    wrong = machine.said("store")
    if machine.ray_gpus is None:
        return Verdict(State.SKIPPED, "no cluster is joined")
    if wrong is None:
        return Verdict(State.SKIPPED, "Earmark is not installed there, or the driver's own failed")
    if not wrong:
        return Verdict(State.OK, "read, written, deleted")
    return Verdict(
        State.FAILED,
        wrong,
        "on several machines the workspace is a shared folder, mounted at the same path, or an "
        "object store whose credentials every machine has (environment variables, role)",
    )


def _gigabytes(num_bytes: float) -> str:
    return f"{num_bytes / GIGABYTE:,.1f} GB"
