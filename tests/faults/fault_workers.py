"""Workers of the two verbs that break once, at a point that the test names.

A marker file says that the fault has happened; a worker that is started again leaves it alone.
What is hooked is hooked in the worker's own process, which Ray gives to no other actor.
"""

from __future__ import annotations

import enum
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import ray

from pipeline.audio import decode
from pipeline.audio.frontend import Frontend
from pipeline.stages import extract, load, score

LONGER_THAN_A_TEST_S = 600


class Point(enum.StrEnum):
    """Where a worker is when it breaks."""

    STARTING = "starting"
    DECODING = "decoding"
    COMPUTING = "computing"  # the wave is there, the scores are not
    WRITING = "writing"  # half of a file is there
    WRITTEN = "written"  # the file is there, its receipt is not


class Act(enum.StrEnum):
    """What happens there."""

    DIE = "die"
    DIE_EACH_TIME = "die each time"
    WAIT = "wait"  # for its node to be killed


@dataclass(frozen=True)
class WorkerFault:
    """One fault: it comes with one track, once in a run unless the act says otherwise."""

    point: Point
    act: Act
    track_id: str
    audio: str
    marker: str


@dataclass(frozen=True)
class Orders:
    """What the workers of a run shall do beside their work."""

    fault: WorkerFault | None = None
    obeying_decoder: bool = False


class FaultyScore(score.ScoreTracks):
    def __init__(self, work: tuple[score.ScoreWork, Orders]) -> None:
        _arm(work[1])
        super().__init__(work[0])


class FaultyExtract(extract.ExtractTracks):
    def __init__(self, work: tuple[extract.ExtractWork, Orders]) -> None:
        _arm(work[1])
        super().__init__(work[0])


def _arm(orders: Orders) -> None:
    if orders.obeying_decoder:
        decode.subprocess = SimpleNamespace(PIPE=subprocess.PIPE, Popen=_obeying)
    if orders.fault is None:
        return
    happens = _Happening(orders.fault)
    if orders.fault.point is Point.STARTING:
        happens()
    _hook_decoding(orders.fault, happens)
    _hook_computing(orders.fault, happens)
    _hook_writing(orders.fault, happens)


class _Happening:
    def __init__(self, fault: WorkerFault) -> None:
        self._fault = fault
        self._node_id = ray.get_runtime_context().get_node_id()
        self.is_due = False

    def __call__(self) -> None:
        if not self._is_first() and self._fault.act is not Act.DIE_EACH_TIME:
            return
        if self._fault.act is Act.WAIT:
            time.sleep(LONGER_THAN_A_TEST_S)
        os.kill(os.getpid(), signal.SIGKILL)

    def _is_first(self) -> bool:
        """Makes the marker, whole from its first moment on."""
        facts = {"pid": os.getpid(), "node_id": self._node_id, "at": time.time()}
        draft = Path(f"{self._fault.marker}.{os.getpid()}")
        draft.write_text(json.dumps(facts))
        with suppress(FileExistsError):
            os.link(draft, self._fault.marker)
            return True
        return False


def _hook_decoding(fault: WorkerFault, happens: _Happening) -> None:
    audio = Path(fault.audio).read_bytes()

    class FaultyDecoder(decode.Decoder):
        def decode(self, data):
            self._is_chosen = data == audio
            wave = super().decode(data)
            happens.is_due = happens.is_due or self._is_chosen
            return wave

        def _ask(self, child):
            if self._is_chosen and fault.point is Point.DECODING:
                child.stdin.write(b"\n")  # so the child is at work when the worker dies
                happens()
                return json.loads(decode._read_line(child, 60))
            return super()._ask(child)

    load.Decoder = FaultyDecoder


def _hook_computing(fault: WorkerFault, happens: _Happening) -> None:
    if fault.point is not Point.COMPUTING:
        return
    for name in ("mel", "mel_chunks"):
        setattr(Frontend, name, _then(getattr(Frontend, name), happens))


def _then(method, happens: _Happening):
    def mel_and_then(self, *args, **kwargs):
        mel = method(self, *args, **kwargs)
        if happens.is_due:
            happens()
        return mel

    return mel_and_then


def _hook_writing(fault: WorkerFault, happens: _Happening) -> None:
    if fault.point not in (Point.WRITING, Point.WRITTEN):
        return
    for module in (score, extract):
        module.write_rows = _faulty_write(module.write_rows, fault, happens)


def _faulty_write(write_rows, fault: WorkerFault, happens: _Happening):
    def write_and_break(rows, *, table_url, **rest):
        receipt = write_rows(rows, table_url=table_url, **rest)
        chosen = fault.track_id in [row["track_id"] for row in rows]
        if chosen and not Path(fault.marker).exists():
            if fault.point is Point.WRITING:
                os.truncate(Path(table_url) / receipt.path, receipt.size_bytes // 2)
            happens()
        return receipt

    return write_and_break


def _obeying(command: list[str], **options) -> subprocess.Popen:
    """The decoding process of the tests in place of the real one."""
    names = {"pipeline.audio.decode_child": "fault_child"}
    return subprocess.Popen([names.get(word, word) for word in command], **options)
