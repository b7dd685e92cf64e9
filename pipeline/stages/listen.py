"""One track, heard now: its mel and its tags over time, for people who look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.audio.decode import DecodeLimits, Decoder
from pipeline.audio.frontend import Frontend, FrontendSpec, shown
from pipeline.models.bundle import Bundle, bundle_url, read_bundle
from pipeline.models.tagger import Tagger, TrackScores
from pipeline.storage import Storage

MAX_BYTES = 2**31
LIMITS = DecodeLimits(min_s=0.0, max_s=4 * 3600.0, timeout_s=120.0, memory_bytes=2**31)


@dataclass(frozen=True)
class Heard:
    """What one bundle hears in a track.

    Attributes:
        bundle: the tagger.
        spec: its front end; where the network reads waves, one whose mel is shown instead.
        mel_MF: the track's mel by that, as a network reads it.
        scores: chunk by chunk.
    """

    bundle: Bundle
    spec: FrontendSpec
    mel_MF: NDArray[np.float32]
    scores: TrackScores


def listen(uri: str, *, references: Sequence[str], root_url: str, storage: Storage) -> list[Heard]:
    """Decodes a track once for each sample rate and scores it by each bundle, in this process.

    Raises:
        DataError: the file cannot be read.
        ConfigError: a bundle is missing or broken.
    """
    data = storage.fetch(uri, max_bytes=MAX_BYTES)
    waves: dict[int, torch.Tensor] = {}
    heard = []
    for reference in references:
        bundle, weights = read_bundle(bundle_url(reference, root_url=root_url), storage=storage)
        rate = bundle.frontend.sample_rate
        if rate not in waves:
            with Decoder(sample_rate=rate, limits=LIMITS) as decoder:
                waves[rate] = torch.from_numpy(decoder.decode(data).wave_T)
        frontend = Frontend(shown(bundle.frontend))
        mel_MF = frontend.network_input(frontend.mel(waves[rate])).numpy()
        scores = Tagger(bundle, weights).score_wave(waves[rate])
        heard.append(Heard(bundle, frontend.spec, mel_MF, scores))
    return heard
