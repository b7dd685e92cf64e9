"""A machine that is well, for tests: each test spoils one fact of it."""

from __future__ import annotations

import copy
from dataclasses import replace

from pipeline.doctor.verdicts import GIGABYTE, Machine

VERSIONS = {"python": "3.11.7", "ray": "2.60.0", "torch": "2.11.0", "earmark": "0.1.0 (abcd)"}
FACTS = {
    "hostname": "one",
    "auth_mode": "token",
    "versions": VERSIONS,
    "shm_bytes": 64 * GIGABYTE,
    "memory_bytes": 128 * GIGABYTE,
    "disks": {
        "spill": {"folder": "/tmp/ray", "free_bytes": 50 * GIGABYTE, "total_bytes": 100 * GIGABYTE},
        "workspace": {"folder": "/ws", "free_bytes": 90 * GIGABYTE, "total_bytes": 100 * GIGABYTE},
    },
    "open_files": {"soft": 65_536, "hard": 65_536},
    "gpus": {"devices": 0, "usable": 0, "names": [], "error": ""},
    "decoders": {"libsndfile": "1.2.2", "missing": "", "ffmpeg": "18.1.0"},
    "store": "",
}
WELL = Machine(
    "n1", FACTS, ray_gpus=0.0, store_bytes=30 * GIGABYTE, clock_s=0.01, clock_error_s=0.001
)


def machine(name: str = "n1", *, path: str = "", value: object = None, **fields: object) -> Machine:
    """The machine that is well, but for the fact at a path such as `open_files.soft`."""
    facts = copy.deepcopy(FACTS)
    node = facts
    *parents, last = path.split(".")
    for key in parents:
        node = node[key]
    if path:
        node[last] = value
    return replace(WELL, name=name, facts=facts, **fields)
