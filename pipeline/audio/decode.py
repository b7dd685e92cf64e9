"""Bytes to waves, in a child process that a bad file may kill.

The only decoder. Codecs are C code that reads whatever a catalog holds: a file can crash them,
hang them or make them take all memory. A worker of Ray that dies so is retried without end, so
decoding runs in a child with a deadline and a memory limit, which is kept from file to file.

Bytes and samples pass through two anonymous files that parent and child share, and short lines
through the pipes. The files are read and written, not mapped: a mapped file kills its reader
(SIGBUS) when memory for it runs out, and the reader is the worker.

Shapes: T samples.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, Reason

_START_S = 120.0
_REPLY_BYTES = 65_536
_KEPT_BYTES = 2**24  # pages of a file are dear to make; those of an hour's wave are given back
_IMPORT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class DecodeLimits:
    """What a usable file is, and what decoding it may cost.

    Attributes:
        min_s: shortest audio.
        max_s: longest audio.
        timeout_s: deadline of one file.
        memory_bytes: what the child may take beyond its libraries; kept on Linux only.
    """

    min_s: float
    max_s: float
    timeout_s: float
    memory_bytes: int


@dataclass(frozen=True)
class Wave:
    """A decoded file.

    Attributes:
        wave_T: mono samples, contiguous; nominally in [-1, 1], never clipped, always finite.
        sample_rate: in Hz.
        flaw: what was wrong with a file that is usable all the same: TRUNCATED (less audio than
            its header says), UNDECODABLE (an error after audio of unknown length), NON_FINITE
            (at most 1 % of the samples were no numbers; they are 0 here). Else None.
        detail: of the flaw.
    """

    wave_T: NDArray[np.float32]
    sample_rate: int
    flaw: Reason | None
    detail: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.wave_T) / self.sample_rate


class Decoder:
    """Decodes files one after another in a child process that it starts when it needs one."""

    def __init__(self, *, sample_rate: int, limits: DecodeLimits) -> None:
        self._sample_rate = sample_rate
        self._limits = limits
        self._input = _shared_file()
        self._output = _shared_file()
        self._errors = tempfile.TemporaryFile(mode="a+b")  # noqa: SIM115 - close() closes it
        self._child: subprocess.Popen[bytes] | None = None
        self._start()  # while it imports, the caller can go on

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def child_pid(self) -> int | None:
        """Process id of the child; None when the next file will start one."""
        return self._child.pid if self._child else None

    def close(self) -> None:
        """Ends the child and frees what it shared. The decoder cannot be used afterwards."""
        self._end()
        for file in (self._input, self._output, self._errors):
            file.close()

    def decode(self, data: bytes) -> Wave:
        """The wave of a file's bytes.

        Raises:
            DataError: the file cannot be used. EMPTY, NOT_AUDIO, UNDECODABLE, TRUNCATED (with
                less than min_s left), TOO_SHORT, TOO_LONG, NON_FINITE; DECODER_CRASHED,
                TIMED_OUT and OUT_OF_MEMORY cost the child too: the next call has a new one.
            RuntimeError: no child can be started.
        """
        if not data:
            raise DataError(Reason.EMPTY, "no bytes")
        child = self._ready_child()
        self._input.seek(0)
        self._input.write(data)
        self._input.truncate()
        try:
            return self._take_wave(self._ask(child))
        finally:
            if os.fstat(self._output.fileno()).st_size > _KEPT_BYTES:
                self._output.truncate(0)

    def _take_wave(self, answer: dict[str, Any]) -> Wave:
        if "reason" in answer:
            reason = Reason(answer["reason"])
            if reason is Reason.OUT_OF_MEMORY:
                self._end()
            raise DataError(reason, answer["detail"])
        self._output.seek(0)
        wave_T = np.fromfile(self._output, np.float32, count=answer["num_samples"])
        flaw = Reason(answer["flaw"]) if answer["flaw"] else None
        return Wave(wave_T, sample_rate=self._sample_rate, flaw=flaw, detail=answer["detail"])

    def _start(self) -> subprocess.Popen[bytes]:
        descriptors = self._input.fileno(), self._output.fileno()
        settings = json.dumps({"sample_rate": self._sample_rate, **asdict(self._limits)})
        self._child = subprocess.Popen(
            [
                *(sys.executable, "-m", "pipeline.audio.decode_child"),
                *(*map(str, descriptors), settings),
            ],
            cwd=_IMPORT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            pass_fds=descriptors,
        )
        self._is_ready = False
        return self._child

    def _ready_child(self) -> subprocess.Popen[bytes]:
        """The child, or a new one if it has died since the last file."""
        child = self._child
        if child is None or child.poll() is not None:
            self._end()
            child = self._start()
        if not self._is_ready:
            line = _read_line(child, _START_S)
            if line != b"ready\n":
                self._end()
                raise RuntimeError(f"the decoding process did not start: {self._last_error()}")
            self._is_ready = True
        self._errors.truncate(0)
        return child

    def _ask(self, child: subprocess.Popen[bytes]) -> dict[str, Any]:
        try:
            _pipe(child.stdin).write(b"\n")
            line = _read_line(child, self._limits.timeout_s)
        except BrokenPipeError:
            line = b""
        if line is None:
            self._end()
            raise DataError(Reason.TIMED_OUT, f"no end within {self._limits.timeout_s:g} s")
        if not line:
            raise self._crash(child)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _crash(self, child: subprocess.Popen[bytes]) -> DataError:
        status = child.wait()
        self._end()
        how = f"signal {-status} ({signal.strsignal(-status)})" if status < 0 else f"exit {status}"
        said = self._last_error()
        is_memory = said.startswith("MemoryError") or said.endswith("bad_alloc")
        reason = Reason.OUT_OF_MEMORY if is_memory else Reason.DECODER_CRASHED
        return DataError(reason, f"{how}; {said}".rstrip("; "))

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read()[-1000:].decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            _pipe(self._child.stdin).close()
            _pipe(self._child.stdout).close()
            self._child = None


def _read_line(child: subprocess.Popen[bytes], timeout_s: float) -> bytes | None:
    """One line of the child, b"" when it has died, None at the deadline.

    A line is one write that a pipe passes on whole.
    """
    poll = select.poll()
    poll.register(_pipe(child.stdout), select.POLLIN)
    if not poll.poll(timeout_s * 1000):
        return None
    return os.read(_pipe(child.stdout).fileno(), _REPLY_BYTES)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the decoding process has no pipe")
    return stream


def _shared_file() -> IO[bytes]:
    """A file without a name, in memory where the system has such (Linux), else on disk."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("earmark"), "w+b")
    return tempfile.TemporaryFile()
