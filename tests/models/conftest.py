"""The published files that the model tests compare with; a test skips where they are absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from golden_weights import golden_weights
from numpy.typing import NDArray

from pipeline.audio.frontend import FRONTENDS, Frontend
from pipeline.errors import ConfigError
from pipeline.models.architectures import build
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.published import add_published
from pipeline.models.published_musicnn import download_wheel
from pipeline.models.published_sota import FRONTENDS as PUBLISHED_FRONTENDS
from pipeline.models.tagger import Tagger
from pipeline.storage import Storage

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
WHEEL = REPOSITORY / "build" / "wheels" / "musicnn-0.1.0-py3-none-any.whl"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("skipped: no reference files")
    return SHARED


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The musicnn wheel, downloaded once a machine."""
    if not WHEEL.is_file():
        try:
            data = download_wheel()
        except ConfigError as error:
            pytest.skip(f"skipped: no musicnn wheel: {error}")
        Storage().write(str(WHEEL), data)
    return WHEEL


@pytest.fixture(scope="session")
def wave_16k(shared: Path) -> NDArray[np.float32]:
    wave_T, _ = soundfile.read(shared / "golden" / "signal_16k.flac", dtype="float32")
    return wave_T


@pytest.fixture(scope="session")
def golden(shared: Path) -> Callable[[str], dict[str, Any]]:
    """The content of a file of golden values."""
    return lambda name: json.loads((shared / "golden" / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def check_architecture(
    golden: Callable[[str], dict[str, Any]], wave_16k: NDArray[np.float32]
) -> Callable[[str], None]:
    """Compares a network with the published implementation under weights made by a stated rule."""

    def check(architecture: str) -> None:
        case = golden("architectures")["cases"][architecture]
        network = build(architecture, parameters={"num_tags": 50}).eval()
        own = {key: list(value.shape) for key, value in network.state_dict().items()}
        published = {k: shape for k, shape in case["keys"].items() if not k.startswith("spec.")}
        assert own == published
        assert sum(weight.numel() for weight in network.parameters()) == case["params"]
        network.load_state_dict(golden_weights(architecture))
        frontend = Frontend(FRONTENDS[PUBLISHED_FRONTENDS[architecture]])
        chunk_1T = torch.from_numpy(wave_16k[: case["length"]])[None]
        with torch.inference_mode():
            mel_NMF = frontend.network_input(frontend.mel_chunks(chunk_1T))
            scores_NK = network(mel_NMF).logits_NK.sigmoid()
        np.testing.assert_allclose(scores_NK[0].numpy(), case["output"], atol=1e-5)

    return check


@pytest.fixture(scope="session")
def published_tagger(
    shared: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Tagger]:
    """A published tagger by its reference, through its bundle."""
    root_url = str(tmp_path_factory.mktemp("published"))

    @cache
    def load(reference: str) -> Tagger:
        collection, _, name = reference.partition(":")
        file = shared / "weights" / "sota-mtat" / f"{name.removeprefix('mtat/')}.pth"
        add_published(
            reference,
            root_url=root_url,
            storage=Storage(),
            source_file=wheel if collection == "musicnn" else file,
        )
        url = bundle_url(reference, root_url=root_url)
        return Tagger(*read_bundle(url, storage=Storage()))

    return load
