"""A decoding process that also obeys: a file's first bytes can crash it, hang it or fill memory."""

from __future__ import annotations

import os
import signal
import time

from pipeline.audio import decode_child

ORDERS = {"x-crash": b"EARMARK-CRASH", "x-hang": b"EARMARK-HANG", "x-memory": b"EARMARK-MEMORY"}
"""First bytes of the files that order it, by track id."""
WANTED_BYTES = 20 * 2**30


def decode_file(descriptor: int, output: object, **settings: object) -> object:
    head = os.pread(descriptor, 32, 0)
    if head.startswith(ORDERS["x-crash"]):
        os.kill(os.getpid(), signal.SIGSEGV)
    if head.startswith(ORDERS["x-hang"]):
        time.sleep(3600)
    if head.startswith(ORDERS["x-memory"]):
        bytearray(WANTED_BYTES)
    return DECODE_FILE(descriptor, output, **settings)


if __name__ == "__main__":
    DECODE_FILE, decode_child.decode_file = decode_child.decode_file, decode_file
    decode_child.main()
