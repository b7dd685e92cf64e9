"""librosa, imported by one process of a machine at a time: what it compiles is cached on disk.

Its import compiles functions with numba and caches each in two files. Two processes that do so at
the same time can leave files that do not belong together, and every later process of the machine
that calls the function dies of SIGSEGV (numba issue 10128). Actors of a fresh node start together.
"""

from __future__ import annotations

import hashlib
import importlib
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from filelock import FileLock

COMPILED = ("beat", "core.audio", "core.pitch", "util.utils")
"""Modules of librosa 0.11 with such functions; `import librosa` alone leaves some for later."""


def lock_path() -> Path:
    """Of this installation of librosa, on this machine."""
    found = find_spec("librosa")
    place = hashlib.sha256(str(found.origin if found else "").encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"earmark-librosa-{place}.lock"


def _imported() -> ModuleType:
    with FileLock(lock_path(), mode=0o666):  # whoever shares the machine waits as well
        for name in COMPILED:
            importlib.import_module(f"librosa.{name}")
        return importlib.import_module("librosa")


librosa = _imported()
