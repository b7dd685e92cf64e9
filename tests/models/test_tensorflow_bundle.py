import zipfile

import numpy as np
import pytest
from tensorflow_file import checkpoint

from pipeline.errors import ConfigError
from pipeline.models.tensorflow_bundle import _masked_crc32c, read_checkpoint

TENSORS = {
    "conv/bias": np.arange(3, dtype=np.float32),
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "step": np.array(300, dtype=np.int64),
}


def everything(name: str) -> bool:
    return True


def test_crc32c_is_the_one_of_the_standard():
    # 0xE3069283 is the check value of CRC-32C for the digits 1 to 9; LevelDB's mask undone.
    masked = (_masked_crc32c(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (masked >> 17 | masked << 15) & 0xFFFFFFFF == 0xE3069283


def test_tensors_come_back_with_their_names_shapes_and_types():
    found = read_checkpoint(*checkpoint(TENSORS), wanted=everything)
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor, strict=True)


def test_only_what_is_wanted_is_read():
    index, data = checkpoint(TENSORS)
    found = read_checkpoint(index, data[:12], wanted="conv/bias".__eq__)
    assert list(found) == ["conv/bias"]


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="magic is missing"):
        read_checkpoint(b"x" * 100, b"", wanted=everything)
    with pytest.raises(ConfigError, match="magic is missing"):
        read_checkpoint(b"", b"", wanted=everything)


def test_compressed_blocks_are_refused():
    index, data = checkpoint(TENSORS, compression=1)
    with pytest.raises(ConfigError, match="compressed"):
        read_checkpoint(index, data, wanted=everything)


def test_damage_in_the_index_or_in_the_data_is_found():
    index, data = checkpoint(TENSORS)
    changed = bytes([index[5] ^ 1])
    with pytest.raises(ConfigError, match="index is damaged"):
        read_checkpoint(index[:5] + changed + index[6:], data, wanted=everything)
    with pytest.raises(ConfigError, match="conv/bias is damaged"):
        read_checkpoint(index, b"\1" + data[1:], wanted=everything)
    with pytest.raises(ConfigError, match="step: 0 bytes, shape needs 8"):
        read_checkpoint(index, data[:-8], wanted=everything)


def test_an_index_without_its_start_is_refused():
    index, data = checkpoint(TENSORS)
    with pytest.raises(ConfigError):
        read_checkpoint(index[40:], data, wanted=everything)


def test_several_shards_and_unknown_types_are_refused():
    with pytest.raises(ConfigError, match="several shards"):
        read_checkpoint(*checkpoint(TENSORS, header=b"\x08\x02"), wanted=everything)
    with pytest.raises(ConfigError, match="element type 7"):
        read_checkpoint(*checkpoint({"text": np.zeros(2, np.int16)}), wanted=everything)


def test_a_trained_checkpoint_is_read_whole(wheel):
    with zipfile.ZipFile(wheel) as archive:
        index = archive.read("musicnn/MTT_vgg/.index")
        data = archive.read("musicnn/MTT_vgg/.data-00000-of-00001")
    found = read_checkpoint(index, data, wanted=lambda name: "Adam" not in name)
    assert sum(tensor.size for tensor in found.values()) == 607_032
    assert found["2CNN/kernel"].shape == (3, 3, 128, 128)
