"""A local copy of stored mels that training reads chunks from: one flat file of float16 frames.

A feature part is Parquet: to cut one chunk from it, whole row groups are read and unpacked. An
epoch cuts one chunk from every track in another order, so each machine unpacks its tracks once,
into a file in which a chunk is one contiguous stretch; the operating system keeps what fits in
memory.

Shapes: M mel bands, F frames.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from filelock import FileLock
from numpy.typing import NDArray

from pipeline.audio.frontend import FrontendSpec
from pipeline.storage import Storage
from pipeline.tables.features import FeatureReader


class MelCopy:
    """The mels of some tracks, frame after frame, as a memory map.

    Args:
        tracks: rows with part, first_row, num_rows, num_frames, sorted by part and first_row.
        folder: where the file is, or is made by the first process that asks for it.
        root_url: the workspace that holds the parts.
        storage: how to reach it.
        spec: the front end.
    """

    def __init__(
        self,
        tracks: pa.Table,
        *,
        folder: str | None,
        root_url: str,
        storage: Storage,
        spec: FrontendSpec,
    ) -> None:
        self.num_frames_N: NDArray[np.int64] = tracks["num_frames"].to_numpy()
        self._starts_N = np.concatenate([[0], np.cumsum(self.num_frames_N)])
        path = _path(tracks, folder=folder, root_url=root_url, spec=spec)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                reader = FeatureReader(root_url, storage=storage, spec=spec)
                _write(tracks, path=path, reader=reader)
        shape = (int(self._starts_N[-1]), spec.n_mels)
        self._frames_FM = np.memmap(path, dtype=np.float16, mode="r", shape=shape)

    def chunk(self, row: int, *, start: int, num_frames: int) -> NDArray[np.float16]:
        """Frames [start, start + num_frames) of a track (F, M); a shorter track is repeated."""
        first, own = int(self._starts_N[row]), int(self.num_frames_N[row])
        if own >= num_frames:
            return np.asarray(self._frames_FM[first + start : first + start + num_frames])
        frames_FM = np.asarray(self._frames_FM[first : first + own])
        times = -(-num_frames // own)
        return np.tile(frames_FM, (times, 1))[:num_frames]


def _path(tracks: pa.Table, *, folder: str | None, root_url: str, spec: FrontendSpec) -> Path:
    """A name that tells the content: the same tracks have one copy, others another."""
    digest = hashlib.sha256(root_url.encode())
    for name in ("part", "first_row", "num_frames"):
        digest.update(repr(tracks[name].to_pylist()).encode())
    home = Path(folder) if folder else Path(tempfile.gettempdir()) / "earmark-mels"
    home.mkdir(parents=True, exist_ok=True)
    return home / f"{spec.spec_id}-{digest.hexdigest()[:16]}.f16"


def _write(tracks: pa.Table, *, path: Path, reader: FeatureReader) -> None:
    """Written under another name first: a copy that is there is whole."""
    unfinished = path.with_suffix(".part")
    columns = [tracks[n].to_pylist() for n in ("part", "first_row", "num_rows", "num_frames")]
    with unfinished.open("wb") as file:
        for part, first_row, num_rows, num_frames in zip(*columns, strict=True):
            mel_MF = reader.mel(
                part=part, first_row=first_row, num_rows=num_rows, num_frames=num_frames
            )
            file.write(np.ascontiguousarray(mel_MF.T, dtype=np.float16).tobytes())
    unfinished.replace(path)
