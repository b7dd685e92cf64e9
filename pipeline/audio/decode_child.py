"""The process that decodes: files in at one descriptor, waves out at another.

`pipeline/audio/decode.py` starts it and explains why. It imports no torch, so that it starts
fast. In: a line for each file. Out: a line "ready", then one JSON reply a file.

Shapes: T samples, C channels.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.audio.sources import Source, open_source
from pipeline.errors import DataError, Reason

BLOCK_VALUES = 2**17
"""Values in a block of interleaved samples: 512 KiB, which a core's cache holds."""

TRUNCATED_S = 0.1
"""A file that lacks less than this is whole: encoders count padding differently."""

NON_FINITE_FRACTION = 0.01
"""Up to this fraction of samples that are no numbers become zeros; beyond it the track fails."""

LARGEST = 1e9
"""A sample beyond this (full scale is 1) is as little audio as NaN is."""

_RATES_HZ = range(1_000, 1_000_001)
_DETAIL_CHARACTERS = 400  # a reply must fit into one atomic write to a pipe
_GRACE_S = 1.0  # the parent's deadline comes first


@dataclass(frozen=True)
class Settings:
    """What the child is started with; the fields of DecodeLimits, and the output's rate."""

    sample_rate: int
    min_s: float
    max_s: float
    timeout_s: float
    memory_bytes: int


@dataclass(frozen=True)
class Decoded:
    """A wave that was written: its length and what was wrong with the file."""

    num_samples: int
    flaw: Reason | None
    detail: str


class _Mixer:
    """Mean of the channels, with samples that are no numbers set to 0 and counted."""

    def __init__(self) -> None:
        self.num_samples = 0
        self.num_non_finite = 0
        self._sum_T = np.empty(0, np.float32)

    def mix(self, block_TC: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, C) to (T,), overwritten by the next call; adds columns: no block size shows in it."""
        mono_T = block_TC[:, 0]
        if block_TC.shape[1] > 1:
            mono_T = self._sum(block_TC)
            mono_T *= np.float32(1 / block_TC.shape[1])
        self.num_samples += len(mono_T)
        # NaN passes through max and min and fails both comparisons
        if len(mono_T) and not (mono_T.max() < LARGEST and mono_T.min() > -LARGEST):
            bad_T = ~(np.abs(mono_T) < LARGEST)
            self.num_non_finite += int(bad_T.sum())
            mono_T[bad_T] = 0
        return mono_T

    def _sum(self, block_TC: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(block_TC) > len(self._sum_T):
            self._sum_T = np.empty(len(block_TC), np.float32)
        sum_T = self._sum_T[: len(block_TC)]
        np.add(block_TC[:, 0], block_TC[:, 1], out=sum_T)
        for channel in range(2, block_TC.shape[1]):
            sum_T += block_TC[:, channel]
        return sum_T


def decode_file(
    descriptor: int, output: IO[bytes], *, settings: Settings, block_values: int = BLOCK_VALUES
) -> Decoded:
    """Decodes one file to mono float32 at the wanted rate; memory does not grow with its length.

    Args:
        descriptor: the file's.
        output: takes the wave where it stands.
        settings: limits and sample rate; its timeout and memory are not looked at.
        block_values: values read at a time; the wave does not depend on it.

    Raises:
        DataError: the file gives no wave that can be used.
        MemoryError: there is not enough memory.
    """
    source = open_source(descriptor)
    if source.sample_rate not in _RATES_HZ:
        raise DataError(Reason.UNDECODABLE, f"a sample rate of {source.sample_rate} Hz")
    announced = source.announced or 0
    if source.is_exact and announced > settings.max_s * source.sample_rate:
        raise _too_long(f"{announced / source.sample_rate:.1f} s", settings)
    mixer = _Mixer()
    written = 0
    resample = _resampler(source.sample_rate, settings.sample_rate)
    for block_TC in source.blocks(block_values):
        written += _write(output, resample(mixer.mix(block_TC), False))
        if mixer.num_samples > settings.max_s * source.sample_rate:
            raise _too_long("goes on", settings)
    if mixer.num_samples:
        written += _write(output, resample(np.empty(0, np.float32), True))
    flaw, detail = _verdict(source, mixer, settings)
    if written == 0:
        raise DataError(Reason.TOO_SHORT, f"no sample at {settings.sample_rate} Hz")
    return Decoded(num_samples=written, flaw=flaw, detail=detail)


def _resampler(
    source_hz: int, wanted_hz: int
) -> Callable[[NDArray[np.float32], bool], NDArray[np.float32]]:
    if source_hz == wanted_hz:
        return lambda mono_T, last: mono_T
    stream = soxr.ResampleStream(source_hz, wanted_hz, 1, dtype="float32", quality="HQ")
    return lambda mono_T, last: stream.resample_chunk(mono_T, last=last)


def _write(output: IO[bytes], wave_T: NDArray[np.float32]) -> int:
    output.write(wave_T.data)
    return len(wave_T)


def _too_long(what: str, settings: Settings) -> DataError:
    return DataError(Reason.TOO_LONG, f"{what}; at most {settings.max_s:g} s are taken")


def _verdict(source: Source, mixer: _Mixer, settings: Settings) -> tuple[Reason | None, str]:
    """What is wrong with a decoded file, worst first; raises when it cannot be used."""
    decoded_s = mixer.num_samples / source.sample_rate
    flaw, detail = _flaw(source, mixer)
    if flaw is None and mixer.num_samples == 0:
        raise DataError(Reason.EMPTY, "a valid header and no audio")
    if mixer.num_samples == 0 or decoded_s < settings.min_s:
        short = f"{decoded_s:.2f} s; at least {settings.min_s:g} s are needed"
        raise DataError(flaw or Reason.TOO_SHORT, detail or short)
    if mixer.num_non_finite > NON_FINITE_FRACTION * mixer.num_samples:
        raise DataError(Reason.NON_FINITE, _non_finite(mixer))
    return flaw, detail


def _flaw(source: Source, mixer: _Mixer) -> tuple[Reason | None, str]:
    decoded_s = mixer.num_samples / source.sample_rate
    announced_s = (source.announced or 0) / source.sample_rate
    because = f": {source.fault}" if source.fault else ""
    if decoded_s < announced_s - TRUNCATED_S:
        return Reason.TRUNCATED, f"decoded {decoded_s:.1f} of {announced_s:.1f} s{because}"
    if source.fault.startswith("ends before"):
        return Reason.TRUNCATED, f"decoded {decoded_s:.1f} s{because}"
    if source.fault:
        return Reason.UNDECODABLE, f"decoded {decoded_s:.1f} s{because}"
    if mixer.num_non_finite:
        return Reason.NON_FINITE, _non_finite(mixer)
    return None, ""


def _non_finite(mixer: _Mixer) -> str:
    return f"{mixer.num_non_finite} of {mixer.num_samples} samples are no numbers"


def cap_memory(memory_bytes: int) -> None:
    """Lets the process map `memory_bytes` more than it does now; Linux only."""
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def reply(descriptor: int, output: int, *, settings: Settings) -> dict[str, object]:
    """What the parent is told about a file: the fields of Decoded, or reason and detail."""
    os.lseek(output, 0, os.SEEK_SET)
    try:
        with open(output, "wb", closefd=False) as file:
            return asdict(decode_file(descriptor, file, settings=settings))
    except DataError as error:
        return {"reason": error.reason, "detail": error.detail[:_DETAIL_CHARACTERS]}
    except MemoryError:
        return {
            "reason": Reason.OUT_OF_MEMORY,
            "detail": f"more than {settings.memory_bytes} bytes",
        }


def _say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())  # in one piece, whatever Python buffers


def main() -> None:
    """Answers until the input ends. Arguments: two descriptors and the settings as JSON."""
    descriptor, output = int(sys.argv[1]), int(sys.argv[2])
    settings = Settings(**json.loads(sys.argv[3]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when this ends
    cap_memory(settings.memory_bytes)
    _say("ready")
    for _ in sys.stdin:
        # so that a file that hangs ends this process even when the parent is gone
        signal.setitimer(signal.ITIMER_REAL, settings.timeout_s + _GRACE_S)
        answer = json.dumps(reply(descriptor, output, settings=settings))
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say(answer)


if __name__ == "__main__":
    main()
