"""Lessons for tests: three tones in noise, a network that learns them in a second."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS
from pipeline.config_training import AugmentConfig, RecipeConfig
from pipeline.models.chunking import Chunking, Domain
from pipeline.taxonomy import TaskKind
from pipeline.training.chunks import Tracks
from pipeline.training.lesson import Lesson
from pipeline.training.task import make_task

SPEC = FRONTENDS["note-mel64"]
TAGS = ("tone---low", "tone---middle", "tone---high")
CHUNK_FRAMES = 16


def recipe(**changes: Any) -> RecipeConfig:
    settings = {
        "kind": "adamw",
        "epochs": 3,
        "batch_tracks": 8,
        "micro_batches": 2,
        "lr": 3e-3,
        "weight_decay": 0.0,
        "warmup_epochs": 0,
        "clip_norm": 1.0,
        "precision": "float32",
        "seed": 0,
        "best": "loss",
        "patience_epochs": None,
    }
    return RecipeConfig.model_validate(settings | changes)


def lesson(*, architecture: str = "note_cnn", augment: Any = None, **changes: Any) -> Lesson:
    labels = [[tag] for tag in TAGS]
    task = make_task(
        "tones", kind=TaskKind.MULTICLASS, tags=TAGS, category=None, train_labels=labels
    )
    off = {"specaugment": None, "mixup_alpha": None, "gain_db": 0.0, "balance": False}
    return Lesson(
        architecture=architecture,
        parameters={"num_tags": 3, "n_mels": 64},
        frontend=SPEC,
        task=task,
        recipe=recipe(**changes),
        augment=AugmentConfig.model_validate(off | (augment or {})),
        chunking=Chunking(Domain.FRAMES, length=CHUNK_FRAMES, hop=CHUNK_FRAMES, tail=Tail.ALIGN),
    )


class ArrayMels:
    """Mels in memory, as pipeline/training/chunks.py reads them."""

    def __init__(self, mels: list[np.ndarray]) -> None:
        self.mels = mels
        self.num_frames_N = np.array([mel.shape[0] for mel in mels])

    def chunk(self, row: int, *, start: int, num_frames: int) -> np.ndarray:
        mel_FM = self.mels[row]
        times = -(-num_frames // len(mel_FM))
        return np.tile(mel_FM, (times, 1))[start : start + num_frames]


def tones(num_tracks: int, *, seed: int) -> Tracks:
    choice = np.random.default_rng(seed)
    mels, targets_NK = [], np.zeros((num_tracks, 3), dtype=bool)
    for i in range(num_tracks):
        mel_FM = choice.normal(-40.0, 4.0, (int(choice.integers(10, 50)), 64))
        mel_FM[:, 10 + 20 * (i % 3) : 14 + 20 * (i % 3)] += 12.0
        mels.append(mel_FM.astype(np.float16))
        targets_NK[i, i % 3] = True
    ids = tuple(f"{seed}-{i:03d}" for i in range(num_tracks))
    return Tracks(ids, np.arange(num_tracks), targets_NK, ArrayMels(mels))
