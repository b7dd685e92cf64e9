"""Damaged and hostile weights are refused in words, run nothing, and write nowhere."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import tone_bundle
from fuzzed import EDITS, damaged, resummed, weights
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_file import block, nested, number, varint

from pipeline.errors import ConfigError, TableError
from pipeline.models.bundle import BUNDLE_FILE, WEIGHTS_FILE, Bundle, read_bundle
from pipeline.models.bundle_file import read_fields
from pipeline.models.published_sota import read_pth
from pipeline.models.tensorflow_bundle import _masked_crc32c, read_checkpoint
from pipeline.storage import Storage
from pipeline.tables.score_files import read_score_files

BOUNDED = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("workspace")
    tone_bundle(str(root))
    return root / "models" / "trained" / "tone"


def everything(name: str) -> bool:
    return True


def checkpoint_or_words(index: bytes, data: bytes) -> dict[str, np.ndarray] | None:
    try:
        return read_checkpoint(index, data, wanted=everything)
    except ConfigError:
        return None


def test_sums_are_mended_where_nothing_else_is_changed():
    index, data = weights()
    assert resummed(index) == index
    assert set(checkpoint_or_words(index, data)) == {"a/bias", "step"}


@BOUNDED
@given(edits=EDITS)
def test_a_damaged_checkpoint_is_refused_in_words(edits):
    index, data = weights()
    checkpoint_or_words(damaged(index, edits), data)
    checkpoint_or_words(index, damaged(data, edits))


@BOUNDED
@given(edits=EDITS)
def test_a_checkpoint_with_right_sums_and_wrong_content_is_refused_in_words(edits):
    index, data = weights()
    checkpoint_or_words(resummed(damaged(index, edits)), data)


def whole(entry: bytes, *, key: bytes = b"a") -> bytes:
    """An index of one entry, with right sums."""
    first = block([(b"", b"\x08\x01"), (key, entry)])
    last = block([(b"zzz", varint(0) + varint(len(first) - 5))])
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(last) - 5)
    return first + last + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


EMPTY = varint(6 << 3 | 5) + struct.pack("<I", _masked_crc32c(b""))


def shape(*sizes: int) -> bytes:
    return number(1, 1) + nested(2, b"".join(nested(2, number(1, size)) for size in sizes)) + EMPTY


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (whole(b"", key=b"\xf2\xfe"), "damaged"),
        (whole(shape(2**62, 2**62)), "shape needs"),
        (whole(shape(0, 2**66)), "damaged"),
        (whole(b"\x08" + b"\x80" * 200_000 + b"\x01"), "damaged"),
        (whole(nested(1, b"x") + EMPTY), "element type"),
    ],
    ids=["name", "too large", "nothing of much", "endless number", "text for a number"],
)
def test_what_fuzzing_found_in_checkpoints_stays_found(index, said):
    """UnicodeDecodeError, OverflowError, ValueError of reshape, minutes for one long number."""
    with pytest.raises(ConfigError, match=said):
        read_checkpoint(index, b"", wanted=everything)


@BOUNDED
@given(key=st.sampled_from(list(Bundle.__dataclass_fields__)), value=JSON)
def test_any_value_in_a_bundle_file_is_read_or_refused_in_words(folder, key, value):
    tree = json.loads((folder / BUNDLE_FILE).read_text()) | {key: value}
    with suppress(ConfigError):
        read_fields(json.dumps(tree).encode(), url="x")


@BOUNDED
@given(edits=EDITS)
def test_a_damaged_bundle_file_is_read_or_refused_in_words(folder, edits):
    data = damaged((folder / BUNDLE_FILE).read_bytes(), edits)
    with suppress(ConfigError):
        read_fields(data, url="x")


@BOUNDED
@given(edits=EDITS)
def test_damaged_weights_are_refused_also_where_the_sum_is_theirs(folder, tmp_path, edits):
    data = damaged((folder / WEIGHTS_FILE).read_bytes(), edits)
    facts = json.loads((folder / BUNDLE_FILE).read_text())
    facts["weights_sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / BUNDLE_FILE).write_text(json.dumps(facts))
    (tmp_path / WEIGHTS_FILE).write_bytes(data)
    try:
        _, tensors = read_bundle(str(tmp_path), storage=Storage())
    except ConfigError:
        return
    assert set(tensors) == {"dense.weight", "dense.bias"}


@BOUNDED
@given(edits=EDITS, zipped=st.booleans())
def test_a_damaged_checkpoint_of_pytorch_is_refused_in_words(folder, tmp_path, edits, zipped):
    bundle, tensors = read_bundle(str(folder), storage=Storage())
    torch.save(tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    data = damaged((tmp_path / "a.pth").read_bytes(), edits)
    with pytest.raises(ConfigError, match=r"a\.pth|mel filter|front end"):
        read_pth(data, bundle=bundle, file="a.pth")


class Short:
    """A tensor that is rebuilt from too few arguments."""

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, ()


def test_a_tensor_that_lacks_its_arguments_is_refused_in_words(folder):
    """Found by fuzzing: TypeError, which PyTorch lets through."""
    bundle, _ = read_bundle(str(folder), storage=Storage())
    file = io.BytesIO()
    torch.save({"dense.weight": Short()}, file)
    with pytest.raises(ConfigError, match="not a PyTorch checkpoint"):
        read_pth(file.getvalue(), bundle=bundle, file="a.pth")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_no_reader_of_models_or_scores_runs_a_pickle(folder, tmp_path, protocol):
    sprung = tmp_path / "sprung"
    data = pickle.dumps({"dense.weight": Trap(sprung)}, protocol)
    bundle, _ = read_bundle(str(folder), storage=Storage())
    facts = json.loads((folder / BUNDLE_FILE).read_text())
    facts["weights_sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / BUNDLE_FILE).write_text(json.dumps(facts))
    (tmp_path / WEIGHTS_FILE).write_bytes(data)
    np.save(tmp_path / "scores.npy", np.array([Trap(sprung)], object), allow_pickle=True)
    with pytest.raises(ConfigError, match="not a safetensors file"):
        read_bundle(str(tmp_path), storage=Storage())
    with pytest.raises(ConfigError, match="not a PyTorch checkpoint"):
        read_pth(data, bundle=bundle, file="a.pth")
    scores = str(tmp_path / "scores.npy")
    with pytest.raises(TableError, match="cannot be read"):
        read_score_files(scores, labels=scores, tags=None, kind=None, storage=Storage())
    assert not sprung.exists()
    pickle.loads(data)
    assert sprung.exists(), "the trap works"
