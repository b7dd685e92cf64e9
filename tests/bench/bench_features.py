"""`features` through Ray, parts, index and commits included, against two bare processes.

    python tests/bench/bench_features.py [--clips 320] [--runs 5]

Both decode, resample and compute the same mel of the same MP3 clips of 30 s (44.1 kHz, stereo) on
two cores. The bare processes write nothing. The start of Ray and of the workers is left out: the
bare clock starts when both processes have imported and warmed up, the job's clock when its first
track is done (which the count leaves out) and stops at its last commit. Runs alternate; JSON to
stdout.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import soundfile
from bench_decode import clip
from deltalake import DeltaTable
from workspace import write_catalog

from pipeline import config
from pipeline.stages.extract_catalog import extract_catalog

RATE, CLIP_S, PROCESSES, FRONTEND = 16_000, 30, 2, "musicnn-mel96"
CONF = Path(__file__).resolve().parents[2] / "conf" / "features.yaml"


def make_clips(folder: Path, *, num_clips: int) -> list[Path]:
    """Eight different clips, each under many names."""
    folder.mkdir(parents=True)
    sounds = [clip(seed) for seed in range(8)]
    paths = [folder / f"clip{i:05d}.mp3" for i in range(num_clips)]
    for i, path in enumerate(paths):
        path.write_bytes(sounds[i % len(sounds)])
    return paths


def bare_process(paths: list[Path], ready: object, go: object) -> None:
    """What a short script would do, and nothing else."""
    import soxr
    import torch

    from pipeline.audio.frontend import FRONTENDS, Frontend

    torch.set_num_threads(1)
    frontend = Frontend(FRONTENDS[FRONTEND])

    def mel(path: Path) -> None:
        wave_TC, rate = soundfile.read(io.BytesIO(path.read_bytes()), dtype="float32")
        mono_T = wave_TC @ np.full(wave_TC.shape[1], 1 / wave_TC.shape[1], np.float32)
        frontend.mel(torch.from_numpy(soxr.resample(mono_T, rate, RATE, quality="HQ")))

    mel(paths[0])
    ready.release()
    go.wait()
    for path in paths:
        mel(path)


def clips_a_second_bare(paths: list[Path]) -> float:
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    shares = [paths[i::PROCESSES] for i in range(PROCESSES)]
    workers = [context.Process(target=bare_process, args=(s, ready, go)) for s in shares]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join()
    return len(paths) / (time.perf_counter() - started)


def clips_a_second_job(paths: list[Path], root: Path, *, overrides: tuple[str, ...]) -> float:
    shutil.rmtree(root, ignore_errors=True)
    write_catalog(root, paths)
    job = config.load(
        config.FeaturesJob,
        CONF,
        overrides=(
            f"workspace.root_url={root}",
            f"frontend.name={FRONTEND}",
            f"runtime.num_actors={PROCESSES}",
            "runtime.object_store_mb=200",
            *overrides,
        ),
    )
    summary = extract_catalog(job, run_id="bench")
    assert summary.tally.ok == len(paths)
    table = DeltaTable(str(root / "feature_index"))
    made = table.to_pyarrow_table(columns=["made_at"])["made_at"].to_pylist()
    ended_s = max(entry["timestamp"] for entry in table.history()) / 1000
    return (len(made) - 1) / (ended_s - min(made).timestamp())


def main(num_clips: int, runs: int, overrides: tuple[str, ...]) -> None:
    import ray

    ray.init(
        address="local",
        num_cpus=PROCESSES,
        include_dashboard=False,
        object_store_memory=200 * 2**20,
        logging_level="ERROR",
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = make_clips(Path(folder) / "clips", num_clips=num_clips)
        pairs = []
        for _ in range(runs):
            bare = clips_a_second_bare(paths)
            job = clips_a_second_job(paths, Path(folder) / "root", overrides=overrides)
            pairs.append((job, bare))
            print(f"features {job:.1f}, bare {bare:.1f} clips/s", file=sys.stderr)
    ray.shutdown()
    result = {
        "clips": num_clips,
        "runs": runs,
        "features_clips_a_second": round(statistics.median(job for job, _ in pairs), 2),
        "bare_clips_a_second": round(statistics.median(bare for _, bare in pairs), 2),
        "ratio_median": round(statistics.median(job / bare for job, bare in pairs), 3),
        "ratios": [round(job / bare, 3) for job, bare in pairs],
        "features_times_real_time": round(CLIP_S * statistics.median(job for job, _ in pairs)),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=320)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    given = parser.parse_args()
    main(given.clips, given.runs, tuple(given.overrides))
