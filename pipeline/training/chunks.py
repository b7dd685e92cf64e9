"""From stored mels to the batches of a step, and to the chunks by which tracks are judged.

Shapes: N chunks, M mel bands, F frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.models.chunking import Chunking
from pipeline.training.order import crop_start


class Mels(Protocol):
    """Where chunks come from; tables/mel_copy.py is one."""

    num_frames_N: NDArray[np.int64]

    def chunk(self, row: int, *, start: int, num_frames: int) -> NDArray[np.float16]:
        """Frames of a track (F, M)."""


@dataclass(frozen=True)
class Tracks:
    """The tracks of one split.

    Attributes:
        track_ids: (N).
        rows_N: their rows in `mels`.
        targets_NK: which tags they have.
        mels: their frames.
    """

    track_ids: Sequence[str]
    rows_N: NDArray[np.int64]
    targets_NK: NDArray[np.bool_]
    mels: Mels

    def __len__(self) -> int:
        return len(self.track_ids)

    def crops(
        self, tracks: NDArray[np.int64], *, seed: int, epoch: int, chunk_frames: int
    ) -> NDArray[np.float16]:
        """A chunk of each track, at the place of this epoch (N, M, F), as a view of (N, F, M)."""
        chunks = []
        for i in tracks.tolist():
            row = int(self.rows_N[i])
            start = crop_start(
                self.track_ids[i],
                seed=seed,
                epoch=epoch,
                num_frames=int(self.mels.num_frames_N[row]),
                chunk_frames=chunk_frames,
            )
            chunks.append(self.mels.chunk(row, start=start, num_frames=chunk_frames))
        return np.stack(chunks).transpose(0, 2, 1)

    def coverage(
        self, tracks: Sequence[int], *, chunking: Chunking, batch_chunks: int
    ) -> Iterator[tuple[list[int], NDArray[np.float16]]]:
        """All chunks of some tracks, as `tag` cuts them: each one's track, and (N, M, F)."""
        owners: list[int] = []
        chunks: list[NDArray[np.float16]] = []
        for i in tracks:
            row = int(self.rows_N[i])
            for start in chunking.starts(int(self.mels.num_frames_N[row])):
                owners.append(i)
                chunks.append(self.mels.chunk(row, start=start, num_frames=chunking.length))
                if len(chunks) == batch_chunks:
                    yield owners, np.stack(chunks).transpose(0, 2, 1)
                    owners, chunks = [], []
        if chunks:
            yield owners, np.stack(chunks).transpose(0, 2, 1)
