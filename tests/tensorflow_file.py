"""Writes checkpoints as TensorFlow v2 does, for tests of what reads them."""

from __future__ import annotations

import struct

from pipeline.models.tensorflow_bundle import _masked_crc32c

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


def checkpoint(tensors, *, header=b"\x08\x01", compression: int = 0) -> tuple[bytes, bytes]:
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
