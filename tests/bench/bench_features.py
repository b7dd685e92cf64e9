"""`features` through Ray, parts, index and commits included, against two processes of others.

    python tests/bench/bench_features.py [--clips 320] [--runs 5]
                                         [--librosa-python PATH] [--essentia-python PATH]

The others: a bare loop of the same libraries; librosa's load and melspectrogram; essentia's
MonoLoader at its default resampling, with the mel of its musicnn input. The last two run in
environments of their own (essentia is AGPL: `pip install essentia`, for this benchmark alone).

All decode, resample and compute a mel of 96 bands of the same MP3 clips of 30 s (44.1 kHz, stereo)
on two cores. The others write nothing. The start of Ray and of the workers is left out: the others'
clock starts when both processes have imported and warmed up, the job's clock when its first track
is done (which the count leaves out) and stops at its last commit. Runs alternate; JSON to stdout.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
OTHERS_CLIPS = 160
CONF = Path(__file__).resolve().parents[2] / "conf" / "features.yaml"


LIBROSA = """
import librosa

def mel(path):
    wave, rate = librosa.load(path, sr=16000)
    return librosa.feature.melspectrogram(y=wave, sr=rate, n_fft=512, hop_length=256, n_mels=96)
"""
ESSENTIA = """
import essentia, essentia.standard as standard
essentia.log.infoActive = essentia.log.warningActive = False
bands = standard.TensorflowInputMusiCNN()

def mel(path):
    wave = standard.MonoLoader(filename=path, sampleRate=16000)()
    frames = standard.FrameGenerator(wave, frameSize=512, hopSize=256, startFromZero=True)
    return [bands(frame) for frame in frames]
"""
SHARE = """
import sys
mel(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for path in sys.argv[1:]:
    mel(path)
print("done", flush=True)
"""


def make_clips(folder: Path, *, num_clips: int) -> list[Path]:
    """Eight different clips, each under many names."""
    folder.mkdir(parents=True)
    sounds = [clip(seed) for seed in range(8)]
    paths = [folder / f"clip{i:05d}.mp3" for i in range(num_clips)]
    for i, path in enumerate(paths):
        path.write_bytes(sounds[i % len(sounds)])
    return paths


def bare_process(paths: list[Path], ready: object, go: object, done: object) -> None:
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
    done.release()


def clips_a_second_bare(paths: list[Path]) -> float:
    return rate_of_processes(bare_process, paths)


def rate_of_processes(work: Callable[..., None], paths: list[Path], *rest: object) -> float:
    """Paths a second of processes that call `work(share, *rest, ready, go, done)`."""
    context = multiprocessing.get_context("spawn")
    ready, go, done = context.Semaphore(0), context.Event(), context.Semaphore(0)
    shares = [paths[i::PROCESSES] for i in range(PROCESSES)]
    workers = [
        context.Process(target=work, args=(share, *rest, ready, go, done)) for share in shares
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    for _ in workers:
        done.acquire()
    rate = len(paths) / (time.perf_counter() - started)
    for worker in workers:
        worker.join()
    return rate


def clips_a_second_elsewhere(python: str, code: str, paths: list[Path]) -> float:
    """Two processes of another environment, each with half of the clips."""
    shares = [paths[i::PROCESSES] for i in range(PROCESSES)]
    workers = [
        subprocess.Popen(
            [python, "-c", code + SHARE, *map(str, share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    for worker in workers:
        if "ready\n" not in iter(worker.stdout.readline, ""):  # essentia has a word to say first
            raise SystemExit(f"{python} could not do a clip")
    started = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.stdout.readline()
    rate = len(paths) / (time.perf_counter() - started)
    for worker in workers:
        worker.wait()
    return rate


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
    return rate_of_rows(root / "feature_index", column="made_at")


def rate_of_rows(table_path: Path, *, column: str) -> float:
    """Rows a second from the first row, which the count leaves out, to the last commit."""
    table = DeltaTable(str(table_path))
    made = table.to_pyarrow_table(columns=[column])[column].to_pylist()
    ended_s = max(entry["timestamp"] for entry in table.history()) / 1000
    return (len(made) - 1) / (ended_s - min(made).timestamp())


def main(
    num_clips: int, runs: int, overrides: tuple[str, ...], elsewhere: dict[str, tuple[str, str]]
) -> None:
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
        rounds = []
        for _ in range(runs):
            rates = {"bare": clips_a_second_bare(paths)}
            rates["features"] = clips_a_second_job(
                paths, Path(folder) / "root", overrides=overrides
            )
            for name, (python, code) in elsewhere.items():
                rates[name] = clips_a_second_elsewhere(python, code, paths[:OTHERS_CLIPS])
            rounds.append(rates)
            print({name: round(rate, 1) for name, rate in rates.items()}, file=sys.stderr)
    ray.shutdown()
    others = [name for name in rounds[0] if name != "features"]
    result = {
        "clips": num_clips,
        "runs": runs,
        "clips_a_second": {
            name: round(statistics.median(rates[name] for rates in rounds), 2) for name in rounds[0]
        },
        "features_to_others": {
            name: round(statistics.median(r["features"] / r[name] for r in rounds), 3)
            for name in others
        },
        "ratios_to_bare": [round(rates["features"] / rates["bare"], 3) for rates in rounds],
    }
    speed = result["clips_a_second"]["features"]
    result["features_times_real_time"] = round(CLIP_S * speed)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=320)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--librosa-python")
    parser.add_argument("--essentia-python")
    given = parser.parse_args()
    elsewhere = {"librosa": (given.librosa_python, LIBROSA)} if given.librosa_python else {}
    if given.essentia_python:
        elsewhere["essentia"] = (given.essentia_python, ESSENTIA)
    main(given.clips, given.runs, tuple(given.overrides), elsewhere)
