"""The kill matrix: each fault in each verb, and what must be true of the tables afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import fault_music
from fault_cluster import Ground, wait_for
from fault_driver import DriverFault, Job
from fault_music import Music, Rows
from fault_workers import Act, Orders, Point, WorkerFault

from pipeline.storage import Storage
from pipeline.tables.verify import verify

VERBS = ("features", "tag")


@dataclass(frozen=True)
class Played:
    """What a trial did: `problem` is what should not have happened."""

    killed: str
    rows_before: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """A row of the matrix."""

    fault: str
    verb: str
    killed: str
    rows_before: int | None
    rows_end: int
    same: bool
    holds: bool
    seconds: float
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.same and self.holds and not self.problems


class Stage:
    """The cluster, the music and the oracles of both verbs, each made when first asked for."""

    def __init__(self, ground: Ground, folder: Path, *, seed: int) -> None:
        self.ground = ground
        self.music = Music(folder)
        self.seed = seed
        self._folder = folder
        self._oracles: dict[str, Rows] = {}

    def job(self, verb: str, name: str) -> Job:
        """A job in a workspace of its own."""
        folder = self._folder / f"{name}-{verb}"
        folder.mkdir()
        root = self.music.workspace(folder / "workspace")
        return Job(verb, root, self.ground.address, "first", folder)

    def oracle(self, verb: str) -> Rows:
        """The rows of a run that nothing disturbs."""
        if verb not in self._oracles:
            job = self.job(verb, "oracle")
            message = self.ground.start(job).wait()
            if message:
                raise RuntimeError(f"the undisturbed run failed: {message}")
            self._oracles[verb] = fault_music.rows(job.root_url, verb)
        return self._oracles[verb]

    def play(self, name: str, verb: str) -> Outcome:
        """Plays one trial and compares its tables with the oracle's."""
        oracle = self.oracle(verb)
        if name == DECODER:
            oracle = fault_music.with_reasons(oracle, fault_music.REASONS)
        job = self.job(verb, "".join(c if c.isalnum() else "-" for c in name))
        started = time.monotonic()
        played = TRIALS[name](self, job, Random(f"{self.seed} {name} {verb}"))
        seconds = time.monotonic() - started
        problems = [played.problem] if played.problem else []
        try:
            differences = fault_music.differences(fault_music.rows(job.root_url, verb), oracle)
        except ValueError as error:
            differences = [str(error)]
        report = verify(str(job.root_url), storage=Storage(), memory_mb=256)
        return Outcome(
            fault=name,
            verb=verb,
            killed=played.killed,
            rows_before=played.rows_before,
            rows_end=fault_music.num_rows(job.root_url, verb),
            same=not differences,
            holds=report.holds,
            seconds=round(seconds, 1),
            problems=tuple(problems + differences[:3] + report.faults[:3]),
        )

    def worker_fault(self, job: Job, rng: Random, *, point: Point, act: Act) -> WorkerFault:
        """A fault that comes with a track of the middle, drawn by chance."""
        track_id = rng.choice(sorted(self.music.tracks)[4:-4])
        audio, marker = self.music.tracks[track_id], job.folder / "fault"
        return WorkerFault(point, act, track_id, str(audio), str(marker))


Trial = Callable[[Stage, Job, Random], Played]


def worker_dies(point: Point) -> Trial:
    def play(stage: Stage, job: Job, rng: Random) -> Played:
        fault = stage.worker_fault(job, rng, point=point, act=Act.DIE)
        message = stage.ground.start(replace(job, orders=Orders(fault), num_actors=2)).wait()
        killed = f"one worker, {point}" + _at(fault)
        return Played(killed, problem=message or _came(Path(fault.marker)))

    return play


def workers_die_each_time(point: Point) -> Trial:
    def play(stage: Stage, job: Job, rng: Random) -> Played:
        fault = stage.worker_fault(job, rng, point=point, act=Act.DIE_EACH_TIME)
        first = stage.ground.start(replace(job, orders=Orders(fault), max_restarts=1)).wait()
        before = fault_music.num_rows(job.root_url, job.verb)
        again = stage.ground.start(replace(job, name="second")).wait()
        problem = "" if first.startswith("a worker could not start") else f"it said {first!r}"
        killed = f"each worker {point}{_at(fault)}, until the job fails and says so"
        return Played(killed, before, problem or again)

    return play


def node_dies(point: Point) -> Trial:
    def play(stage: Stage, job: Job, rng: Random) -> Played:
        fault = stage.worker_fault(job, rng, point=point, act=Act.WAIT)
        driver = stage.ground.start(replace(job, orders=Orders(fault), num_actors=2))
        facts = wait_for(Path(fault.marker), driver)
        if facts is None:
            return Played("nothing", problem=driver.wait() or "the fault never came")
        before = fault_music.num_rows(job.root_url, job.verb)
        num_processes = stage.ground.kill_node(facts["node_id"])
        stage.ground.add_node()
        killed = f"a node ({num_processes} processes), a worker on it {point}{_at(fault)}"
        return Played(killed, before, driver.wait())

    return play


def driver_dies(fault: DriverFault, *, latest: int) -> Trial:
    def play(stage: Stage, job: Job, rng: Random) -> Played:
        number = rng.randint(1, latest)
        first = stage.ground.start(replace(job, fault=fault, number=number)).wait()
        before = fault_music.num_rows(job.root_url, job.verb)
        again = stage.ground.start(replace(job, name="second")).wait()
        problem = again if first == "killed" else f"the driver was not killed: {first}"
        what = "receipt" if fault is DriverFault.KILLED_WITH_RECEIPT else "commit"
        return Played(f"the driver, at {what} {number}", before, problem)

    return play


def answer_lost(stage: Stage, job: Job, rng: Random) -> Played:
    number = rng.randint(1, 4)
    job = replace(job, fault=DriverFault.LOST_ANSWER, number=number)
    message = stage.ground.start(job).wait()
    problem = message or _came(job.folder / "first.lost")
    return Played(f"nothing; the answer to commit {number}", problem=problem)


def twice_at_once(stage: Stage, job: Job, rng: Random) -> Played:
    jobs = (replace(job, meets="second"), replace(job, name="second", meets="first"))
    messages = [driver.wait() for driver in [stage.ground.start(one) for one in jobs]]
    return Played(
        "nothing; both planned before either worked", problem="; ".join(filter(None, messages))
    )


def twice_and_one_dies(stage: Stage, job: Job, rng: Random) -> Played:
    # Before: the slower of two finds all its rows committed by the other, and may commit nothing.
    dying = replace(job, meets="second", fault=DriverFault.KILLED_BEFORE)
    drivers = [
        stage.ground.start(dying),
        stage.ground.start(replace(job, name="second", meets="first")),
    ]
    first, second = (driver.wait() for driver in drivers)
    problem = second if first == "killed" else f"the driver was not killed: {first}"
    return Played("one of two drivers, before its first commit", problem=problem)


def decoder_obeys(stage: Stage, job: Job, rng: Random) -> Played:
    message = stage.ground.start(replace(job, orders=Orders(obeying_decoder=True))).wait()
    return Played("decoding processes: SIGSEGV, deadline, memory limit", problem=message)


def _at(fault: WorkerFault) -> str:
    return "" if fault.point is Point.STARTING else f" {fault.track_id}"


def _came(marker: Path) -> str:
    return "" if marker.exists() else "the fault never came"


DECODER = "files that crash the decoder, hang it, want 20 GB"
TRIALS: dict[str, Trial] = {
    "worker killed while decoding": worker_dies(Point.DECODING),
    "worker killed while computing": worker_dies(Point.COMPUTING),
    "worker killed in the middle of a file": worker_dies(Point.WRITING),
    "worker killed between file and receipt": worker_dies(Point.WRITTEN),
    "worker killed while it starts": worker_dies(Point.STARTING),
    "workers killed whenever they start": workers_die_each_time(Point.STARTING),
    "workers killed by one track, each time": workers_die_each_time(Point.COMPUTING),
    "node killed while decoding": node_dies(Point.DECODING),
    "node killed while computing": node_dies(Point.COMPUTING),
    "node killed while writing": node_dies(Point.WRITING),
    "driver killed before a commit": driver_dies(DriverFault.KILLED_BEFORE, latest=4),
    "driver killed after a commit": driver_dies(DriverFault.KILLED_AFTER, latest=4),
    "driver killed between file and receipt": driver_dies(
        DriverFault.KILLED_WITH_RECEIPT, latest=1
    ),
    "answer to a commit lost": answer_lost,
    "same job twice at once": twice_at_once,
    "same job twice at once, one driver killed": twice_and_one_dies,
    DECODER: decoder_obeys,
}
MATRIX = [(name, verb) for name in TRIALS for verb in VERBS]
QUICK = [
    ("worker killed while computing", "tag"),
    ("node killed while writing", "tag"),
    ("driver killed between file and receipt", "features"),
    ("same job twice at once", "tag"),
]
