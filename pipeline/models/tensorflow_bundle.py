"""Reads TensorFlow v2 checkpoints (`.index` and `.data`) without TensorFlow.

The index is an uncompressed LevelDB table: blocks of prefix-compressed entries, found through an
index block that a 48-byte footer names. Each entry's value is a `BundleEntryProto`: element type,
shape, and where the bytes are. The layouts are those of LevelDB's `table_format.md` and
TensorFlow's `tensor_bundle.proto`; both files carry masked CRC-32C sums, which are checked.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5  # one byte for the compression, four for the sum
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
_VARINT_BITS = 70
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class TensorEntry:
    """Where a tensor is in the data file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int
    masked_crc: int


def read_checkpoint(
    index: bytes, data: bytes, *, wanted: Callable[[str], bool]
) -> dict[str, NDArray[np.generic]]:
    """The tensors of a checkpoint of one shard whose names are wanted.

    Args:
        index: content of the `.index` file.
        data: content of the `.data-00000-of-00001` file.
        wanted: whether to read the tensor of this name.

    Raises:
        ConfigError: the files are damaged, compressed, in several shards, or of another format.
    """
    try:
        entries = [entry for entry in _entries(index) if wanted(entry.name)]
        return {entry.name: _tensor(entry, data) for entry in entries}
    except (IndexError, struct.error):
        raise ConfigError("the checkpoint's index is cut short; fetch the file again") from None
    except (OverflowError, TypeError, ValueError):  # names, numbers and shapes that are none
        raise ConfigError("the checkpoint's index is damaged; fetch the file again") from None


def _entries(index: bytes) -> Iterator[TensorEntry]:
    footer = index[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ConfigError("not a TensorFlow v2 checkpoint index: the table's magic is missing")
    at = 0
    for _ in range(2):  # the handle of the meta index is passed over
        _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, at = _varint(footer, at)
    for _, handle in _block(index, offset=offset, size=size):
        block_offset, at = _varint(handle, 0)
        block_size, at = _varint(handle, at)
        for key, value in _block(index, offset=block_offset, size=block_size):
            if key:
                yield _entry(key.decode(), value)
            else:
                _check_header(value)


def _block(table: bytes, *, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; a key repeats the start of the key before it."""
    content = table[offset : offset + size + 1]
    (masked,) = struct.unpack("<I", table[offset + size + 1 : offset + size + _TRAILER_BYTES])
    if content[-1] != 0:
        raise ConfigError("the checkpoint's index is compressed, which this reader does not do")
    if _masked_crc32c(content) != masked:
        raise ConfigError("the checkpoint's index is damaged (CRC-32C differs); fetch it again")
    (num_restarts,) = struct.unpack("<I", content[size - 4 : size])
    end = size - 4 * (num_restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(content, at)
        fresh, at = _varint(content, at)
        length, at = _varint(content, at)
        key = key[:shared] + content[at : at + fresh]
        at += fresh
        yield key, content[at : at + length]
        at += length


def _check_header(value: bytes) -> None:
    fields = dict(_fields(value))
    if fields.get(1, 1) != 1 or fields.get(2, 0) != 0:
        raise ConfigError("the checkpoint has several shards or is big-endian; one shard is read")


def _entry(name: str, value: bytes) -> TensorEntry:
    fields = dict(_fields(value))
    dtype, shape = fields.get(1, 0), fields.get(2, b"")
    if dtype not in _DTYPES or 7 in fields:
        raise ConfigError(f"tensor {name}: element type {dtype!r} or slices are not read")
    return TensorEntry(
        name=name,
        dtype=_DTYPES[int(dtype)],
        shape=_shape(bytes(shape)) if isinstance(shape, bytes) else (),
        offset=_int(fields.get(4, 0)),
        size_bytes=_int(fields.get(5, 0)),
        masked_crc=_int(fields.get(6, 0)),
    )


def _shape(value: bytes) -> tuple[int, ...]:
    dims = [field for number, field in _fields(value) if number == 2 and isinstance(field, bytes)]
    return tuple(_int(dict(_fields(dim)).get(1, 0)) for dim in dims)


def _tensor(entry: TensorEntry, data: bytes) -> NDArray[np.generic]:
    raw = data[entry.offset : entry.offset + entry.size_bytes]
    expected = math.prod(entry.shape) * np.dtype(entry.dtype).itemsize
    if len(raw) != expected:
        raise ConfigError(f"tensor {entry.name}: {len(raw)} bytes, shape needs {expected}")
    if _masked_crc32c(raw) != entry.masked_crc:
        raise ConfigError(f"tensor {entry.name} is damaged (CRC-32C differs); fetch it again")
    return np.frombuffer(raw, dtype=entry.dtype).reshape(entry.shape)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and raw values of a protocol buffer message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif kind == _BYTES:
            length, at = _varint(message, at)
            yield tag >> 3, message[at : at + length]
            at += length
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
            yield tag >> 3, int.from_bytes(message[at : at + length], "little")
            at += length
        else:
            raise ConfigError(f"the checkpoint's index holds wire type {kind}: it is damaged")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, seven bits a byte, and the place after it.

    Raises:
        ValueError: it does not end within 64 bits.
        IndexError: the data ends first.
    """
    value = 0
    for shift in range(0, _VARINT_BITS, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number has more than 64 bits")


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


def _masked_crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), rotated and offset as LevelDB stores it."""
    table = _crc_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x82F63B78 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)
