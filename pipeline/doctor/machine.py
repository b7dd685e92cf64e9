"""What one machine says of itself; sent to nodes as it is here, whatever is installed there.

It is pickled by value, so it imports Python's own library alone, and Earmark's only where it is.
"""

from __future__ import annotations

import glob
import importlib
import json
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("ray", "torch", "torchaudio", "pyarrow", "deltalake", "earmark")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - looked at, not written to
GPU_DEVICES = "/dev/nvidia[0-9]*"
GPU_TIMEOUT_S = 60
TRY_GPUS = """
import json, torch
found = torch.cuda.device_count()
names = []
for i in range(found):
    assert float(torch.ones(8, device=f"cuda:{i}").sum()) == 8
    names.append(torch.cuda.get_device_name(i))
print(json.dumps(names))
"""


def examine(
    *, spill_folder: str, workspace: str, trial: dict[str, Any] | None, ray_gpus: float
) -> dict[str, Any]:
    """All facts of this machine.

    Args:
        spill_folder: where Ray spills; empty: of the Ray that runs this.
        workspace: a local one's folder, else empty.
        trial: what `pipeline.doctor.node_trial.try_store` takes; None: storage is left alone.
        ray_gpus: GPUs that Ray counts here.
    """
    folders = {"spill": spill_folder or _spill_folder(), "workspace": workspace}
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "hostname": socket.gethostname(),
        "auth_mode": os.environ.get("RAY_AUTH_MODE", ""),
        "versions": _versions(),
        "shm_bytes": _total_bytes(SHARED_MEMORY),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "disks": {name: _disk(folder) for name, folder in folders.items() if folder},
        "open_files": {"soft": limits[0], "hard": limits[1]},
        "gpus": _gpus(ray_gpus),
        "decoders": _earmarks("pipeline.audio.codecs", "decoders"),
        "store": _earmarks("pipeline.doctor.node_trial", "try_store", **trial) if trial else None,
    }


def _versions() -> dict[str, str]:
    """By package; empty: not installed. Earmark's is followed by a hash of its sources."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    code = _earmarks("pipeline.revision", "this_code")
    if code is not None and not isinstance(code, str):
        found["earmark"] = f"{found['earmark']} ({code.sources_sha256[:8]})".strip()
    return found


def _earmarks(module: str, function: str, **arguments: object) -> Any:  # noqa: ANN401
    """What a function of the Earmark that is installed here says; None: there is none."""
    try:
        call = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError):  # none, or another version
        return None
    return call(**arguments)


def default_spill_folder() -> str:
    """Where a Ray of one's own will spill."""
    return str(Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray")


def _spill_folder() -> str:
    """Of the Ray that this process works for (Ray 2.60 has no public way to ask)."""
    worker = sys.modules.get("ray._private.worker")
    node = getattr(getattr(worker, "global_worker", None), "node", None)
    if node is None:
        return ""
    spilling = json.loads(getattr(node, "_object_spilling_config", None) or "{}")
    place = spilling.get("params", {}).get("directory_path") or node.get_session_dir_path()
    return str(place[0] if isinstance(place, list) else place)


def _total_bytes(folder: str) -> int | None:
    try:
        return shutil.disk_usage(folder).total
    except OSError:  # macOS has none
        return None


def _disk(folder: str) -> dict[str, Any]:
    """Of the folder, or of the nearest one above it that is there."""
    path = Path(folder)
    while not path.exists() and path != path.parent:
        path = path.parent
    usage = shutil.disk_usage(path)
    return {"folder": folder, "free_bytes": usage.free, "total_bytes": usage.total}


def _gpus(ray_gpus: float) -> dict[str, Any]:
    """Devices of the system, and those that torch can calculate on, tried in a process of its own.

    Ray hides GPUs from a worker that has asked for none, so the variable that hides them goes.
    """
    devices = len(glob.glob(GPU_DEVICES))
    if not devices and not ray_gpus:
        return {"devices": 0, "usable": 0, "names": [], "error": ""}
    shown = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    line = [sys.executable, "-c", TRY_GPUS]
    try:
        done = subprocess.run(
            line, env=shown, capture_output=True, text=True, timeout=GPU_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"devices": devices, "usable": 0, "names": [], "error": type(error).__name__}
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"devices": devices, "usable": 0, "names": [], "error": said[:300]}
    names = json.loads(done.stdout.strip().splitlines()[-1])
    return {"devices": devices, "usable": len(names), "names": names, "error": ""}
