"""Planning, streaming and committing many tracks, with a decoder that makes silence of no length.

    python tests/bench/bench_million.py [--tracks 100000 1000000] [--verb features tag]

What is left of a track's cost is Earmark's own: plan, units, receipts, rows, commits. Features are
of the front end of notes, whose blocks are one patch: a block of 30 s would be all of the cost.
Each size runs in a process of its own, and its catalog is made in another: all tracks but a
thousand, then the rest after the catalog has grown, which is the resume that must find a thousand
among all. Peak memory is that of the driver (ru_maxrss, before the rows are counted) and of the
largest worker (sampled). JSON to stdout.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from fakes import TONE_REFERENCE, tone_bundle

from pipeline import config
from pipeline.audio.decode import Wave
from pipeline.progress import Summary
from pipeline.schemas import CATALOG
from pipeline.stages import extract_catalog, tag_catalog
from pipeline.stages.extract import ExtractTracks
from pipeline.stages.score import ScoreTracks

CONF = Path(__file__).resolve().parents[2] / "conf"
LATE, BATCH, RATE, ACTORS = 1_000, 100_000, 16_000, 2


class Silence:
    """Stands for the loader: a sample of silence, whatever is asked for."""

    def waves(self, rows: list[dict]) -> Iterator[tuple[dict, Wave]]:
        for row in rows:
            yield row, Wave(np.zeros(1, np.float32), sample_rate=RATE, flaw=None, detail="")

    signals = waves


class SilentExtract(ExtractTracks):
    """The features worker without decoding."""

    def __init__(self, work: object) -> None:
        super().__init__(work)
        self._loader = Silence()


class SilentScore(ScoreTracks):
    """The tag worker without decoding."""

    def __init__(self, work: object) -> None:
        super().__init__(work)
        self._source = Silence()


def grow_catalog(root: Path, *, start: int, stop: int) -> None:
    """Appends tracks, in a process whose memory is not the driver's."""
    process = multiprocessing.get_context("spawn").Process(
        target=append_tracks, args=(root, start, stop)
    )
    process.start()
    process.join()
    assert process.exitcode == 0


def append_tracks(root: Path, start: int, stop: int) -> None:
    now = datetime.now(UTC)
    for first in range(start, stop, BATCH):
        numbers = range(first, min(first + BATCH, stop))
        columns = {
            "track_id": [f"track-{i * 2_654_435_761 % 2**32:08x}-{i:08d}" for i in numbers],
            "uri": [f"/music/{i % 1000:03d}/{i:08d}.mp3" for i in numbers],
            "source_url": ["/music"] * len(numbers),
            "occurrence": [0] * len(numbers),
            "size_bytes": [480_000] * len(numbers),
            "audio_version": [f"{i:016x}" for i in numbers],
            "labels": [[]] * len(numbers),
            "scanned_at": [now] * len(numbers),
        }
        missing = {f.name: pa.nulls(len(numbers), f.type) for f in CATALOG if f.name not in columns}
        table = pa.table({f.name: missing.get(f.name, columns.get(f.name)) for f in CATALOG})
        write_deltalake(str(root / "catalog"), table.cast(CATALOG), mode="append")


def job(verb: str, root: Path) -> Summary:
    extra = {"features": "frontend.name=note-mel64", "tag": f"scoring.models=['{TONE_REFERENCE}']"}
    kind = {"features": config.FeaturesJob, "tag": config.TagJob}[verb]
    overrides = (
        f"workspace.root_url={root}",
        extra[verb],
        f"runtime.num_actors={ACTORS}",
        "runtime.object_store_mb=200",
    )
    loaded = config.load(kind, CONF / f"{verb}.yaml", overrides=overrides)
    if verb == "features":
        return extract_catalog.extract_catalog(loaded, run_id=f"bench-{time.time_ns()}")
    return tag_catalog.tag_catalog(loaded, run_id=f"bench-{time.time_ns()}")


class WorkerMemory(threading.Thread):
    """The largest resident size of a process below this one that is a worker of the job."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_bytes, self.ended = 0, threading.Event()
        self.driver_started_bytes = 0
        """Of the driver when the first worker was seen."""

    def run(self) -> None:
        own = psutil.Process()
        while not self.ended.wait(2):
            for child in own.children(recursive=True):
                try:
                    if "Silent" in " ".join(child.cmdline()):
                        self.driver_started_bytes = (
                            self.driver_started_bytes or own.memory_info().rss
                        )
                        self.peak_bytes = max(self.peak_bytes, child.memory_info().rss)
                except psutil.Error:
                    continue


def files_below(folder: Path) -> dict[str, float]:
    sizes = [path.stat().st_size for path in folder.rglob("*.parquet") if path.is_file()]
    return {"files": len(sizes), "mib": round(sum(sizes) / 2**20, 1)}


def one(verb: str, tracks: int, root: Path) -> dict:
    extract_catalog.ExtractTracks = SilentExtract
    tag_catalog.ScoreTracks = SilentScore
    tone_bundle(str(root))
    grow_catalog(root, start=0, stop=tracks - LATE)
    imported_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = WorkerMemory()
    memory.start()
    started = time.perf_counter()
    first = job(verb, root)
    whole_s = time.perf_counter() - started
    grow_catalog(root, start=tracks - LATE, stop=tracks)
    started = time.perf_counter()
    second = job(verb, root)
    resume_s = time.perf_counter() - started
    memory.ended.set()
    driver_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = "feature_index" if verb == "features" else "results"
    assert (first.committed, second.committed) == (tracks - LATE, LATE)
    assert DeltaTable(str(root / table)).to_pyarrow_dataset().count_rows() == tracks
    return {
        "verb": verb,
        "tracks": tracks,
        "seconds": round(whole_s, 1),
        "streaming_s": round(first.seconds, 1),
        "planning_and_start_s": round(whole_s - first.seconds, 1),
        "overhead_ms_a_track_and_core": round(1000 * ACTORS * first.seconds / tracks, 3),
        "resume_planning_and_start_s": round(resume_s - second.seconds, 1),
        "resume_streaming_s": round(second.seconds, 1),
        "driver_peak_mib": round(driver_kib / 1024),
        "driver_imported_mib": round(imported_kib / 1024),
        "driver_planned_mib": round(memory.driver_started_bytes / 2**20),
        "worker_peak_mib": round(memory.peak_bytes / 2**20),
        table: files_below(root / table),
        "features": files_below(root / "features"),
        "commits": DeltaTable(str(root / table)).version(),
    }


def main(sizes: list[int], verbs: list[str]) -> None:
    results = []
    for verb in verbs:
        for tracks in sizes:
            root = Path(tempfile.mkdtemp(prefix="earmark-million-"))
            line = [sys.executable, __file__, "--one", verb, str(tracks), str(root)]
            done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
            results.append(json.loads(done.stdout.splitlines()[-1]))
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
            shutil.rmtree(root)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    if "--one" in sys.argv:
        verb, tracks, root = sys.argv[2:]
        print(json.dumps(one(verb, int(tracks), Path(root))))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--tracks", type=int, nargs="+", default=[100_000, 1_000_000])
        parser.add_argument("--verb", nargs="+", default=["features", "tag"])
        given = parser.parse_args()
        main(given.tracks, given.verb)
