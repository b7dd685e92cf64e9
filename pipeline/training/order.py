"""Which tracks a step takes, and which chunk of each: keyed by seed, epoch and track alone.

So any number of workers, any restart and any order of reading gives the same chunks.

Shapes: N tracks, S steps of an epoch, B tracks of a step, K tags.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError


def num_steps(num_tracks: int, *, batch_tracks: int) -> int:
    """Whole steps of an epoch; the tracks that fill none are others each epoch.

    Raises:
        ConfigError: there are fewer tracks than a step takes.
    """
    if num_tracks < batch_tracks:
        raise ConfigError(
            f"the split train has {num_tracks} tracks, and a step takes {batch_tracks}: lower "
            "recipe.batch_tracks"
        )
    return num_tracks // batch_tracks


def epoch_steps(
    num_tracks: int,
    *,
    batch_tracks: int,
    seed: int,
    epoch: int,
    weights_N: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """The rows of the tracks of each step (S, B): every track once, shuffled.

    With weights, tracks are drawn with replacement, as often as their weights say.
    """
    size = num_steps(num_tracks, batch_tracks=batch_tracks) * batch_tracks
    choice = np.random.default_rng([seed, epoch])
    if weights_N is None:
        rows = choice.permutation(num_tracks)[:size]
    else:
        rows = choice.choice(num_tracks, size=size, p=weights_N / weights_N.sum())
    return rows.reshape(-1, batch_tracks).astype(np.int64)


def balancing_weights(targets_NK: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How often to draw each track (N): one over the frequency of its rarest tag.

    A track without a tag counts as one of a class of its own.
    """
    targets = np.column_stack([targets_NK, ~targets_NK.any(1)])
    frequency = np.maximum(targets.sum(0), 1)
    weights: NDArray[np.float64] = np.where(targets, 1.0 / frequency, 0.0).max(1)
    return weights


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on the key alone, the same on every machine."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def crop_start(track_id: str, *, seed: int, epoch: int, num_frames: int, chunk_frames: int) -> int:
    """Where the track's chunk of this epoch starts: every place is equally likely."""
    places = max(1, num_frames - chunk_frames + 1)
    return int(draw("crop", seed, epoch, track_id) * places)
