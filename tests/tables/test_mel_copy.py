import numpy as np
import pyarrow as pa
import pytest

from pipeline.audio.frontend import FRONTENDS
from pipeline.storage import Storage
from pipeline.tables.features import write_part
from pipeline.tables.mel_copy import MelCopy

SPEC = FRONTENDS["note-mel64"]
LENGTHS = (5, 64, 150)


@pytest.fixture
def stored(tmp_path):
    choice = np.random.default_rng(0)
    mels = [choice.normal(-40, 10, (SPEC.n_mels, length)).astype(np.float16) for length in LENGTHS]
    part, first_rows = write_part(
        [(f"t{i}", mel) for i, mel in enumerate(mels)],
        spec=SPEC,
        root_url=str(tmp_path),
        storage=Storage(),
    )
    tracks = pa.table(
        {
            "part": [part] * 3,
            "first_row": first_rows,
            "num_rows": [1, 1, 3],
            "num_frames": list(LENGTHS),
        }
    )
    return tracks, mels


def copy(tracks, tmp_path):
    return MelCopy(
        tracks,
        folder=str(tmp_path / "cache"),
        root_url=str(tmp_path),
        storage=Storage(),
        spec=SPEC,
    )


def test_chunks_are_the_stored_mels_to_the_last_bit(stored, tmp_path):
    tracks, mels = stored
    copied = copy(tracks, tmp_path)
    for row, start, num_frames in ((1, 0, 64), (2, 0, 64), (2, 86, 64), (2, 63, 3)):
        chunk_FM = copied.chunk(row, start=start, num_frames=num_frames)
        assert np.array_equal(chunk_FM.T, mels[row][:, start : start + num_frames])


def test_a_track_shorter_than_a_chunk_is_repeated(stored, tmp_path):
    tracks, mels = stored
    chunk_FM = copy(tracks, tmp_path).chunk(0, start=0, num_frames=12)
    assert np.array_equal(chunk_FM.T, np.tile(mels[0], 3)[:, :12])


def test_the_copy_is_made_once(stored, tmp_path):
    tracks, _ = stored
    copy(tracks, tmp_path)
    (path,) = (tmp_path / "cache").glob("*.f16")
    before = path.stat().st_mtime_ns
    copy(tracks, tmp_path)
    assert path.stat().st_mtime_ns == before
    assert path.stat().st_size == sum(LENGTHS) * SPEC.n_mels * 2


def test_other_tracks_have_a_copy_of_their_own(stored, tmp_path):
    tracks, mels = stored
    copy(tracks, tmp_path)
    other = copy(tracks.slice(1), tmp_path)
    assert np.array_equal(other.chunk(0, start=0, num_frames=64).T, mels[1])
    assert len(list((tmp_path / "cache").glob("*.f16"))) == 2
