"""Which code runs here: its version, its git revision where one is known, a hash of its sources."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("jobs", "pipeline")
VARIABLE = "EARMARK_REVISION"
"""Says the revision where there is no checkout, as in an image."""
GIT_TIMEOUT_S = 10


@dataclass(frozen=True)
class Code:
    """The program as it is here.

    Attributes:
        version: of the distribution; empty where it is not installed.
        revision: git's commit, with `+modified` if the checkout differs from it; empty: not known.
        sources_sha256: of the Python files of jobs/ and pipeline/ with their names; the same in a
            checkout, in an image and in a submitted job.
    """

    version: str
    revision: str
    sources_sha256: str

    def facts(self) -> dict[str, str]:
        """What is known, by the names that commits and runs carry."""
        named = {
            "earmark_version": self.version,
            "code_revision": self.revision,
            "sources_sha256": self.sources_sha256,
        }
        return {name: value for name, value in named.items() if value}


@functools.cache
def this_code() -> Code:
    """What runs in this process, looked at once."""
    return code_at(ROOT, environment=os.environ.get(VARIABLE, ""))


def code_at(root: Path, *, environment: str) -> Code:
    """The program below a folder.

    Args:
        root: folder of the packages.
        environment: the revision that an image says it was built from, or nothing.
    """
    try:
        installed = distribution("earmark")
        version, origin = installed.version, installed.read_text("direct_url.json")
    except PackageNotFoundError:
        version, origin = "", None
    revision = _checked_out(root) or environment or _installed(origin)
    return Code(version, revision, _sources(root))


def _checked_out(root: Path) -> str:
    """The commit, if the folder is the top of a checkout."""
    if not (root / ".git").exists():
        return ""
    commit = _git(root, "rev-parse", "HEAD")
    changed = commit and _git(root, "status", "--porcelain", "--", *PACKAGES)
    return f"{commit}+modified" if changed else commit


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, or a checkout that it refuses
        return ""
    return done.stdout.strip()


def _installed(origin: str | None) -> str:
    """The commit that pip installed from (PEP 610)."""
    return str(json.loads(origin or "{}").get("vcs_info", {}).get("commit_id", ""))


def _sources(root: Path) -> str:
    digest = hashlib.sha256()
    for name in PACKAGES:
        for path in sorted((root / name).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
