from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.frontend import FRONTENDS, FrontendSpec
from pipeline.errors import TableError
from pipeline.storage import Storage
from pipeline.tables.features import FeatureReader, from_blocks, to_blocks, write_part

SPEC = FRONTENDS["sota-mel96"]


def random_mel(num_frames: int, *, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(-40, 20, (SPEC.n_mels, num_frames))
    return values.astype(np.float32)


@given(st.integers(1, 400), st.integers(1, 120))
def test_blocks_hold_every_frame_to_half_precision(num_frames, block_frames):
    mel_MF = random_mel(num_frames)
    blocks = to_blocks(mel_MF, block_frames=block_frames)
    assert blocks.shape == (-(-num_frames // block_frames), SPEC.n_mels, block_frames)
    back = from_blocks(blocks, num_frames=num_frames)
    np.testing.assert_array_equal(back, mel_MF.astype(np.float16).astype(np.float32))


@pytest.fixture
def part(tmp_path):
    tracks = [("short", random_mel(10)), ("long", random_mel(4_000, seed=1))]
    name, first_rows = write_part(tracks, spec=SPEC, root_url=str(tmp_path), storage=Storage())
    return tmp_path, tracks, name, first_rows


def test_plain_pyarrow_reads_the_mel_with_its_shape_and_the_spec(part):
    root, tracks, name, first_rows = part
    table = pq.read_table(root / "features" / name)
    assert first_rows == [0, 1]
    mel = table["mel"].combine_chunks().to_numpy_ndarray()
    assert (mel.dtype, mel.shape) == (np.float16, (4, SPEC.n_mels, SPEC.block_frames))
    assert table["num_frames"].to_pylist() == [10, 1876, 1876, 4000 - 2 * 1876]
    assert table["block_index"].to_pylist() == [0, 0, 1, 2]
    assert table["start_s"].to_pylist()[2] == pytest.approx(1876 * 256 / 16_000)
    spec = FrontendSpec.from_json(json.loads(table.schema.metadata[b"spec"]))
    assert spec == SPEC
    np.testing.assert_array_equal(mel[0, :, :10], tracks[0][1].astype(np.float16))


def test_a_track_is_read_back_whole(part):
    root, tracks, name, first_rows = part
    reader = FeatureReader(str(root), storage=Storage(), spec=SPEC)
    for (_, mel_MF), first_row in zip(tracks, first_rows, strict=True):
        num_frames = mel_MF.shape[1]
        num_rows = -(-num_frames // SPEC.block_frames)
        back = reader.mel(part=name, first_row=first_row, num_rows=num_rows, num_frames=num_frames)
        np.testing.assert_allclose(back, mel_MF, rtol=1e-3)


def test_a_part_of_another_front_end_is_refused(part):
    root, _, name, _ = part
    reader = FeatureReader(str(root), storage=Storage(), spec=FRONTENDS["sota-mel128"])
    with pytest.raises(TableError, match="was made by front end sota-mel96"):
        reader.mel(part=name, first_row=0, num_rows=1, num_frames=10)
