import struct
import zipfile

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.models.tensorflow_bundle import _masked_crc32c, read_checkpoint

TENSORS = {
    "conv/bias": np.arange(3, dtype=np.float32),
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "step": np.array(300, dtype=np.int64),
}
CODES = {"float32": 1, "int64": 9}


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def nested(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(entries, *, compression: int = 0) -> bytes:
    """Entries that share the start of their keys with the one before, and the trailer."""
    content, before = b"", b""
    for key, value in entries:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b),
            min(len(key), len(before)),
        )
        content += varint(shared) + varint(len(key) - shared) + varint(len(value))
        content += key[shared:] + value
        before = key
    content += struct.pack("<II", 0, 1) + bytes([compression])
    return content + struct.pack("<I", _masked_crc32c(content))


def checkpoint(tensors=TENSORS, *, header=b"\x08\x01", compression: int = 0) -> tuple[bytes, bytes]:
    """An index and its data, as TensorFlow writes them."""
    entries, data = [(b"", header)], b""
    for name, tensor in sorted(tensors.items()):
        shape = b"".join(nested(2, number(1, size)) for size in tensor.shape)
        entry = number(1, CODES.get(tensor.dtype.name, 7)) + nested(2, shape)
        entry += number(4, len(data)) + number(5, tensor.nbytes)
        entry += varint(6 << 3 | 5) + struct.pack("<I", _masked_crc32c(tensor.tobytes()))
        entries.append((name.encode(), entry))
        data += tensor.tobytes()
    first = block(entries, compression=compression)
    handle = varint(0) + varint(len(first) - 5)
    index_block = block([(b"zzz", handle)])
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(index_block) - 5)
    return first + index_block + footer.ljust(40, b"\0") + struct.pack(
        "<Q", 0xDB4775248B80FB57
    ), data


def everything(name: str) -> bool:
    return True


def test_crc32c_is_the_one_of_the_standard():
    # 0xE3069283 is the check value of CRC-32C for the digits 1 to 9; LevelDB's mask undone.
    masked = (_masked_crc32c(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (masked >> 17 | masked << 15) & 0xFFFFFFFF == 0xE3069283


def test_tensors_come_back_with_their_names_shapes_and_types():
    found = read_checkpoint(*checkpoint(), wanted=everything)
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor, strict=True)


def test_only_what_is_wanted_is_read():
    index, data = checkpoint()
    found = read_checkpoint(index, data[:12], wanted="conv/bias".__eq__)
    assert list(found) == ["conv/bias"]


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="magic is missing"):
        read_checkpoint(b"x" * 100, b"", wanted=everything)
    with pytest.raises(ConfigError, match="magic is missing"):
        read_checkpoint(b"", b"", wanted=everything)


def test_compressed_blocks_are_refused():
    index, data = checkpoint(compression=1)
    with pytest.raises(ConfigError, match="compressed"):
        read_checkpoint(index, data, wanted=everything)


def test_damage_in_the_index_or_in_the_data_is_found():
    index, data = checkpoint()
    changed = bytes([index[5] ^ 1])
    with pytest.raises(ConfigError, match="index is damaged"):
        read_checkpoint(index[:5] + changed + index[6:], data, wanted=everything)
    with pytest.raises(ConfigError, match="conv/bias is damaged"):
        read_checkpoint(index, b"\1" + data[1:], wanted=everything)
    with pytest.raises(ConfigError, match="step: 0 bytes, shape needs 8"):
        read_checkpoint(index, data[:-8], wanted=everything)


def test_an_index_without_its_start_is_refused():
    index, data = checkpoint()
    with pytest.raises(ConfigError):
        read_checkpoint(index[40:], data, wanted=everything)


def test_several_shards_and_unknown_types_are_refused():
    with pytest.raises(ConfigError, match="several shards"):
        read_checkpoint(*checkpoint(header=b"\x08\x02"), wanted=everything)
    with pytest.raises(ConfigError, match="element type 7"):
        read_checkpoint(*checkpoint({"text": np.zeros(2, np.int16)}), wanted=everything)


def test_a_trained_checkpoint_is_read_whole(wheel):
    with zipfile.ZipFile(wheel) as archive:
        index = archive.read("musicnn/MTT_vgg/.index")
        data = archive.read("musicnn/MTT_vgg/.data-00000-of-00001")
    found = read_checkpoint(index, data, wanted=lambda name: "Adam" not in name)
    assert sum(tensor.size for tensor in found.values()) == 607_032
    assert found["2CNN/kernel"].shape == (3, 3, 128, 128)
