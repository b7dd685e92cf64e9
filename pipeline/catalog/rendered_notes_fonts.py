"""Sound fonts of the rendered notes, and where they come from.

The notes to learn from are played by TimGM6mb, which the package pretty_midi ships (GPL-2), those
to test by FluidR3_GM, which is Debian's package fluid-soundfont-gm (MIT). Both are data, read on
this machine to render audio and never redistributed. Merlin.sf2 of the package scamp is no test
for TimGM6mb: 70 of its first 112 programs are the same recordings, and its own licence is
"Only for personal use. Not commercial."
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
from pathlib import Path

from pipeline.errors import ConfigError

TRAIN_FONT = "TimGM6mb.sf2"
TEST_FONT = "FluidR3_GM.sf2"
TEST_FONT_SHA256 = "74594e8f4250680adf590507a306655a299935343583256f3b722c48a1bc1cb0"
TEST_FONT_PACKAGE = "fluid-soundfont-gm"
_INSTALLED = Path("/usr/share/sounds/sf2") / TEST_FONT
DOWNLOAD_TIMEOUT_S = 600


def train_font() -> Path:
    """TimGM6mb in the installed package.

    Raises:
        ConfigError: the extra `demo` is not installed.
    """
    found = {name: importlib.util.find_spec(name) for name in ("pretty_midi", "midirenderer")}
    spec = found["pretty_midi"]
    if spec is None or spec.origin is None or found["midirenderer"] is None:
        raise ConfigError(
            "rendering notes needs pretty_midi and midirenderer: pip install earmark[demo]"
        )
    return Path(spec.origin).parent / TRAIN_FONT


def fetch_test_font(folder: Path) -> Path:
    """FluidR3_GM as installed, else unpacked from Debian's package into `folder`; no root needed.

    Raises:
        ConfigError: there is no apt here, it cannot get the package, or the file is another one.
    """
    path = _INSTALLED
    if not path.is_file():
        _run(["apt-get", "download", "--quiet", TEST_FONT_PACKAGE], folder)
        _run(["dpkg", "-x", next(folder.glob("*.deb"), Path("none")).name, "."], folder)
        path = folder / _INSTALLED.relative_to("/")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != TEST_FONT_SHA256:
        raise ConfigError(
            f"{path} is not the {TEST_FONT} that is meant: SHA-256 is {found}, "
            f"expected {TEST_FONT_SHA256}; give the font that you have with --test-font"
        )
    return path


def _run(command: list[str], folder: Path) -> None:
    why = f"no answer in {DOWNLOAD_TIMEOUT_S} s"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_TIMEOUT_S,
            check=False,
        )
        if done.returncode == 0:
            return
        why = (done.stderr.strip() or "no reason given").splitlines()[-1]
    except FileNotFoundError:
        why = f"there is no {command[0]} here"
    except subprocess.TimeoutExpired:
        pass
    raise ConfigError(
        f"cannot get {TEST_FONT} from the package {TEST_FONT_PACKAGE} ({why}); run apt-get update, "
        f"install the package, or give another font with --test-font FILE.sf2"
    )
