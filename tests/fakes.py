"""Stand-ins that a test can reason about: a tagger that knows high from low.

`tone_bundle(root_url)` writes a bundle of the `linear` network that weighs the three bands where a
4 kHz tone is loudest against those of a 100 Hz tone. The first tone scores 0.98 on `test---high`
and 0.02 on `test---low`, the second the other way round, without trained weights.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS, Frontend
from pipeline.models.bundle import Bundle, bundle_url, write_bundle
from pipeline.models.chunking import Chunking, Domain
from pipeline.storage import Storage
from pipeline.taxonomy import Taxonomy

TONE_REFERENCE = "trained:tone"
TONE_TAGS = ("test---high", "test---low")
TONE_CHUNK_FRAMES = 125
HIGH_HZ, LOW_HZ = 4_000.0, 100.0
TONE_LOGIT = 4.0


def tone_bundle(
    root_url: str,
    *,
    frontend: str = "sota-mel96",
    domain: Domain = Domain.FRAMES,
    tail: Tail = Tail.ALIGN,
) -> str:
    """Writes the bundle below ROOT/models (chunks of 2 s at 16 kHz); returns its reference."""
    spec = FRONTENDS[frontend]
    unit = 1 if domain is Domain.FRAMES else spec.hop_length
    bundle = Bundle(
        name="tone",
        architecture="linear",
        parameters={"num_tags": 2, "n_mels": spec.n_mels},
        frontend=spec,
        chunking=Chunking(
            domain=domain,
            length=TONE_CHUNK_FRAMES * unit,
            hop=TONE_CHUNK_FRAMES * unit,
            tail=tail,
        ),
        taxonomy=Taxonomy("tone", TONE_TAGS),
        thresholds=(0.5, 0.5),
        embedding="mean mel",
        licence="Apache-2.0",
        source="tests",
    )
    url = bundle_url(TONE_REFERENCE, root_url=root_url)
    write_bundle(url, storage=Storage(), bundle=bundle, weights=_tone_weights(Frontend(spec)))
    return TONE_REFERENCE


def _tone_weights(frontend: Frontend) -> dict[str, Tensor]:
    """Logits of plus and minus `TONE_LOGIT` for the high tone, minus and plus for the low."""
    rate = frontend.spec.sample_rate
    high_M, low_M = (
        frontend.network_input(frontend.mel(tone(hz, duration_s=2, sample_rate=rate))).mean(1)
        for hz in (HIGH_HZ, LOW_HZ)
    )
    weight_M = torch.zeros_like(high_M)
    weight_M[high_M.topk(3).indices] = 1.0
    weight_M[low_M.topk(3).indices] = -1.0
    middle = weight_M @ (high_M + low_M) / 2
    scale = TONE_LOGIT / (weight_M @ (high_M - low_M) / 2)
    return {
        "dense.weight": torch.stack((weight_M, -weight_M)) * scale,
        "dense.bias": torch.stack((-middle, middle)) * scale,
    }


def tone(
    frequency_hz: float, *, duration_s: float, sample_rate: int = 16_000
) -> NDArray[np.float32]:
    """A sine of half the full scale."""
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)
