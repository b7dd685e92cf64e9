"""Stored mels: immutable Parquet parts, reached only through the feature index.

A part holds blocks of many tracks as float16 tensors (M, F) that plain pyarrow reads with their
shape; the front end's spec stands in its schema metadata. The last block of a track is filled
with zeros, `num_frames` says how much is real.

Legend: B blocks, M mel bands, F frames.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline import schemas
from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import TableError
from pipeline.storage import Storage, join
from pipeline.tables.receipt import write_parquet
from pipeline.urls import is_below

PART_ROW_GROUP = 8


def spec_url(root_url: str, spec: FrontendSpec) -> str:
    """The folder of a front end's parts."""
    return join(root_url, "features", spec.spec_id)


def to_blocks(mel_MF: NDArray[np.floating], *, block_frames: int) -> NDArray[np.float16]:
    """Cuts a mel into float16 blocks (B, M, F); the last one is filled with zeros."""
    n_mels, num_frames = mel_MF.shape
    num_blocks = max(1, -(-num_frames // block_frames))
    padded = np.zeros((n_mels, num_blocks * block_frames), dtype=np.float16)
    padded[:, :num_frames] = mel_MF
    return np.ascontiguousarray(padded.reshape(n_mels, num_blocks, block_frames).transpose(1, 0, 2))


def from_blocks(blocks_BMF: NDArray[np.float16], *, num_frames: int) -> NDArray[np.float32]:
    """The inverse of `to_blocks`, in float32."""
    n_mels = blocks_BMF.shape[1]
    mel = blocks_BMF.transpose(1, 0, 2).reshape(n_mels, -1)[:, :num_frames]
    return np.ascontiguousarray(mel, dtype=np.float32)


def write_part(
    tracks: Sequence[tuple[str, NDArray[np.floating]]],
    *,
    spec: FrontendSpec,
    root_url: str,
    storage: Storage,
) -> tuple[str, list[int]]:
    """Writes the mels of several tracks (track_id, mel_MF) to a new part.

    Returns:
        The part's path relative to the features folder, and the first row of each track.
    """
    blocks = [to_blocks(mel, block_frames=spec.block_frames) for _, mel in tracks]
    first_rows = np.cumsum([0, *(len(b) for b in blocks)]).tolist()[:-1]
    schema = schemas.feature_part(
        n_mels=spec.n_mels,
        block_frames=spec.block_frames,
        metadata={"spec_id": spec.spec_id, "spec": json.dumps(spec.to_json())},
    )
    columns = _columns(tracks, blocks=blocks, spec=spec)
    name = f"part-{uuid.uuid4().hex}.parquet"
    write_parquet(
        pa.table(columns, schema=schema),
        join(spec_url(root_url, spec), name),
        storage=storage,
        row_group_size=PART_ROW_GROUP,
        plain=["mel"],
    )
    return f"{spec.spec_id}/{name}", first_rows


def _columns(
    tracks: Sequence[tuple[str, NDArray[np.floating]]],
    *,
    blocks: Sequence[NDArray[np.float16]],
    spec: FrontendSpec,
) -> list[pa.Array]:
    ids, index, start_s, num_frames = [], [], [], []
    block_s = spec.block_frames * spec.hop_length / spec.sample_rate
    for (track_id, mel), of_track in zip(tracks, blocks, strict=True):
        for i in range(len(of_track)):
            ids.append(track_id)
            index.append(i)
            start_s.append(i * block_s)
            num_frames.append(min(spec.block_frames, mel.shape[1] - i * spec.block_frames))
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.concatenate(blocks))
    return [
        pa.array(ids, pa.string()),
        pa.array(index, pa.int32()),
        pa.array(start_s, pa.float64()),
        pa.array(num_frames, pa.int32()),
        tensor,
    ]


class FeatureReader:
    """Reads tracks' mels from parts; keeps the part that it read last open."""

    def __init__(self, root_url: str, *, storage: Storage, spec: FrontendSpec) -> None:
        self._root_url = root_url
        self._storage = storage
        self._spec = spec
        self._part = ""
        self._table: pa.Table | None = None

    def mel(
        self, *, part: str, first_row: int, num_rows: int, num_frames: int
    ) -> NDArray[np.float32]:
        """The whole track's mel (M, F) in float32.

        Raises:
            TableError: the part was made by another front end, or is none of the features.
        """
        if part != self._part or self._table is None:
            self._table = self._open(part)
            self._part = part
        column = self._table["mel"].slice(first_row, num_rows).combine_chunks()
        return from_blocks(column.to_numpy_ndarray(), num_frames=num_frames)

    def _open(self, part: str) -> pa.Table:
        folder = join(self._root_url, "features")
        url = join(folder, part)
        if not is_below(url, folder):
            raise TableError(f"the feature index names {part!r}, which is outside {folder}")
        filesystem, path = self._storage.arrow_filesystem(url)
        table = pq.read_table(path, filesystem=filesystem, columns=["mel"])
        found = (table.schema.metadata or {}).get(b"spec_id", b"").decode()
        if found != self._spec.spec_id:
            raise TableError(f"{url} was made by front end {found}, not {self._spec.spec_id}")
        return table
