"""Chunks a second: reading them, and learning from them on one worker and on two.

    python tests/bench/bench_train.py WORKSPACE --conf conf/train.yaml [--set a.b=c] --output FILE

WORKSPACE holds labelled tracks with features, for example the notes of README's walk. Reading:
random chunks from the flat copy, from the Parquet parts one track at a time, and from the parts
through Ray Data (read, shuffle locally, cut in the consumer). Learning: alternating trainings of
two epochs, of which the second counts; one torch thread a worker.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline import config
from pipeline.config_training import TrainJob
from pipeline.stages.cluster import connected
from pipeline.stages.fit import FitWork, open_tracks
from pipeline.stages.plan_training import plan_training
from pipeline.stages.train_tagger import train_tagger
from pipeline.storage import Storage, absolute, join
from pipeline.tables.features import FeatureReader, spec_url
from pipeline.tables.receipt import write_parquet

ROUNDS = 3
READS = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("--conf", default="conf/train.yaml")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--output", default="bench_train.json")
    asked = parser.parse_args()
    overrides = (f"workspace.root_url={absolute(asked.workspace)}", *asked.set)
    with tempfile.TemporaryDirectory() as cache:
        result = reading(job(asked.conf, *overrides), cache=cache)
        result |= learning(asked.conf, overrides, cache=cache)
    Path(asked.output).write_text(json.dumps(result, indent=2))
    print(json.dumps(result, indent=2))


def job(conf: str, *overrides: str) -> TrainJob:
    return config.load(TrainJob, conf, overrides=overrides)


def reading(asked: TrainJob, *, cache: str) -> dict[str, float]:
    """Chunks a second of each way to read them, on one thread."""
    lesson, found = plan_training(asked)
    root_url = absolute(asked.workspace.root_url)
    folder = join(cache, "lesson")
    write_parquet(found.tracks, join(folder, "tracks.parquet"), storage=Storage())
    work = FitWork(lesson, root_url, Storage(), folder, cache=cache, threads=1)
    started = time.monotonic()
    train, _ = open_tracks(work)
    made_s = time.monotonic() - started
    rows = np.random.default_rng(0).integers(0, len(train), READS)
    started = time.monotonic()
    for batch in np.array_split(rows, READS // 50):
        train.crops(batch, seed=0, epoch=0, chunk_frames=lesson.chunking.length)
    copied = READS / (time.monotonic() - started)
    reader = FeatureReader(root_url, storage=Storage(), spec=lesson.frontend)
    table = found.tracks.select(["part", "first_row", "num_rows", "num_frames"]).to_pylist()
    few = np.random.default_rng(0).integers(0, len(table), 100)
    started = time.monotonic()
    for row in few.tolist():
        reader.mel(**table[row])
    parquet = len(few) / (time.monotonic() - started)
    return {
        "seconds_to_make_the_copy": made_s,
        "chunks_a_second_from_the_copy": copied,
        "chunks_a_second_from_parquet": parquet,
        "chunks_a_second_from_ray_data": ray_data(root_url, lesson.frontend, cache=cache),
    }


def ray_data(root_url: str, spec, *, cache: str) -> float:
    """One pass over all parts, shuffled in a buffer, as Ray Train's own ingest would do it."""
    folder = spec_url(root_url, spec)
    rows = sum(pq.read_metadata(path).num_rows for path in Path(folder).glob("*.parquet"))
    with connected(None, object_store_mb=2000, num_cpus=2):
        import ray

        started = time.monotonic()
        data = ray.data.read_parquet(folder, columns=["mel"])
        seen = 0
        for batch in data.iter_batches(
            batch_size=64, batch_format="numpy", local_shuffle_buffer_size=512
        ):
            seen += len(batch["mel"])
        assert seen == rows
        return rows / (time.monotonic() - started)


def learning(conf: str, overrides: tuple[str, ...], *, cache: str) -> dict[str, float]:
    """Medians over alternating trainings."""
    speeds: dict[int, list[float]] = {1: [], 2: []}
    waits: dict[int, list[float]] = {1: [], 2: []}
    for round_ in range(ROUNDS):
        for workers in (1, 2) if round_ % 2 == 0 else (2, 1):
            name = f"bench-{workers}-{round_}-{time.monotonic_ns()}"
            settings = (
                f"network.name={name}",
                f"recipe.seed={time.monotonic_ns() % 1_000_000}",
                "recipe.epochs=2",
                f"runtime.num_workers={workers}",
                "runtime.threads=1",
                f"runtime.cache={cache}",
            )
            last = train_tagger(
                job(conf, *overrides, *settings), on_epoch=lambda _: None
            ).state.history[-1]
            speeds[workers].append(last.chunks_a_second)
            waits[workers].append(last.waiting_s / last.seconds)
    one, two = statistics.median(speeds[1]), statistics.median(speeds[2])
    return {
        "chunks_a_second_1_worker": one,
        "chunks_a_second_2_workers": two,
        "ratio_2_to_1": two / one,
        "waiting_share_1_worker": statistics.median(waits[1]),
        "waiting_share_2_workers": statistics.median(waits[2]),
    }


if __name__ == "__main__":
    main()
