"""How fast networks are on this machine, side by side.

Shapes: N chunks, M mel bands, F frames.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from pipeline.models.tagger import SECONDS_PER_FORWARD, Tagger

ROUNDS = 5


@dataclass(frozen=True)
class Speed:
    """Of a network without its front end.

    Attributes:
        chunks_a_second: in evaluation, as many together as `tag` takes.
        times_real_time: seconds of audio in a second, each heard once.
    """

    chunks_a_second: float
    times_real_time: float


def speeds(taggers: Mapping[str, Tagger], *, rounds: int = ROUNDS) -> dict[str, Speed]:
    """The medians of alternating rounds; noise is what the networks read."""
    seconds: dict[str, list[float]] = {name: [] for name in taggers}
    for _ in range(rounds + 1):  # the first warms up
        for name, tagger in taggers.items():
            seconds[name].append(_seconds(tagger))
    return {name: _speed(tagger, seconds[name][1:]) for name, tagger in taggers.items()}


def _seconds(tagger: Tagger) -> float:
    chunks_NMF = torch.randn(
        _num_chunks(tagger), tagger.bundle.frontend.n_mels, tagger.chunk_frames
    )
    started = time.perf_counter()
    with torch.inference_mode():
        tagger.network(chunks_NMF)
    return time.perf_counter() - started


def _speed(tagger: Tagger, seconds: Sequence[float]) -> Speed:
    chunks_a_second = _num_chunks(tagger) / statistics.median(seconds)
    return Speed(chunks_a_second, chunks_a_second * _chunk_s(tagger))


def _num_chunks(tagger: Tagger) -> int:
    return max(1, int(SECONDS_PER_FORWARD / _chunk_s(tagger)))


def _chunk_s(tagger: Tagger) -> float:
    spec = tagger.bundle.frontend
    return tagger.chunk_frames * spec.hop_length / spec.sample_rate
