"""The package of a submitted job: the program that runs here and its configuration, as a zip.

Only the packages pipeline and jobs, of a checkout conf/ and pyproject.toml too, and the effective
configuration under a fixed name: no tests, history, environments or data, wherever the command is
given. The same content gives the same bytes, and Ray keeps a package by its hash.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import MEBIBYTE
from pipeline.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = "conf/submitted.yaml"
"""Where the job finds its configuration."""
PACKAGES = ("jobs", "pipeline")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that zip can say."""
LARGEST_SHOWN = 3


@dataclass(frozen=True)
class Package:
    """A package.

    Attributes:
        content: the zip.
        sizes: bytes of each file before compression, by name.
    """

    content: bytes
    sizes: dict[str, int]

    def line(self, *, max_mb: int) -> str:
        """For the terminal."""
        return f"package: {len(self.sizes)} files, {_mb(len(self.content))} (limit {max_mb} MB)"


def make_package(configuration: str, *, max_mb: int, root: Path = ROOT) -> Package:
    """Packs the program and a configuration.

    Args:
        configuration: YAML.
        max_mb: largest zip, MiB.
        root: folder that holds the packages.

    Raises:
        ConfigError: the zip is larger; names the largest files.
    """
    texts = {name: path.read_bytes() for name, path in program_files(root).items()}
    texts[CONFIGURATION] = configuration.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(texts):
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, texts[name])
    package = Package(buffer.getvalue(), {name: len(text) for name, text in texts.items()})
    if len(package.content) > max_mb * MEBIBYTE:
        largest = sorted(package.sizes, key=package.sizes.__getitem__, reverse=True)
        shown = ", ".join(
            f"{name} ({_mb(package.sizes[name])})" for name in largest[:LARGEST_SHOWN]
        )
        raise ConfigError(
            f"the package has {_mb(len(package.content))}, and package.max_mb is {max_mb}; the "
            f"largest files: {shown}. Take out what the job does not need, or raise the limit"
        )
    return package


def program_files(root: Path) -> dict[str, Path]:
    """The files of the program by their names in the package."""
    found = [path for name in PACKAGES for path in (root / name).rglob("*")]
    if (
        root / "pyproject.toml"
    ).is_file():  # a checkout; beside an installed package conf/ is alien
        found += [root / "pyproject.toml", *(root / "conf").rglob("*.yaml")]
    names = {path.relative_to(root): path for path in found if path.is_file()}
    return {
        name.as_posix(): path
        for name, path in names.items()
        if path.suffix != ".pyc"
        and not any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        and name.as_posix() != CONFIGURATION
    }


def _mb(num_bytes: int) -> str:
    return f"{num_bytes / MEBIBYTE:.1f} MB"
