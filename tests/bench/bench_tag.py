"""`tag` from MP3 to committed rows against its limit, and against the musicnn package.

    python tests/bench/bench_tag.py WORKSPACE MODEL [MODEL ...] [--clips 160] [--runs 5]
                                    [--musicnn-python ENV/bin/python]

WORKSPACE holds the models (`earmark models add`). The limit is 1 / (1 / decode + 1 / inference) on
the same two cores, each measured bare: two processes that decode and resample, and two that compute
mel and network from waves in memory, in the same precision. As in bench_features.py the start of
Ray and of the workers is left out: the job's clock starts at its first row, and stops at its last
commit. musicnn 0.1.0 runs as its users run it (`extractor` on each file, both cores to TensorFlow)
in an environment of its own:

    python -m venv ENV
    ENV/bin/pip install tensorflow-cpu==2.15.1 "numpy<2" librosa "setuptools<80"
    ENV/bin/pip install --no-deps musicnn==0.1.0

All of them alternate; medians, and the median of the rounds' ratios. JSON to stdout.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_decode import decode_here
from bench_features import PROCESSES, make_clips, rate_of_processes, rate_of_rows
from workspace import write_catalog

from pipeline import config
from pipeline.config import Precision
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage

CLIP_S, BARE_CLIPS, PACKAGE_CLIPS = 30, 48, 6
CONF = Path(__file__).resolve().parents[2] / "conf" / "tag.yaml"
PACKAGE = """
import sys, time
from musicnn.extractor import extractor
paths = sys.argv[1:]
extractor(paths[0], model="MTT_musicnn", extract_features=False)
started = time.perf_counter()
for path in paths:
    extractor(path, model="MTT_musicnn", extract_features=False)
print("RATE", len(paths) / (time.perf_counter() - started))
"""


def bare_process(
    paths: list[Path], what: str, model: tuple | None, ready: object, go: object, done: object
) -> None:
    """Decodes, or infers from decoded waves: nothing else."""
    import torch

    from pipeline.models.tagger import Tagger

    torch.set_num_threads(1)
    waves = [decode_here(path.read_bytes()) for path in paths[:4]]
    if what == "inference":
        url, precision = model
        tagger = Tagger(*read_bundle(url, storage=Storage()), precision=precision)
        tagger.score_wave(waves[0])
    ready.release()
    go.wait()
    for i, path in enumerate(paths):
        if what == "decode":
            decode_here(path.read_bytes())
        else:
            tagger.score_wave(waves[i % len(waves)])
    done.release()


def bare_rate(what: str, paths: list[Path], model: tuple | None = None) -> float:
    """Clips a second of two bare processes."""
    return rate_of_processes(bare_process, paths, what, model)


def job_rate(paths: list[Path], root: Path, model: str, precision: Precision) -> float:
    """Clips a second of the tag job, from its first row to its last commit."""
    shutil.rmtree(root, ignore_errors=True)
    write_catalog(root, paths)
    job = config.load(
        config.TagJob,
        CONF,
        overrides=(
            f"workspace.root_url={root}",
            f"scoring.models=['{model}']",
            f"scoring.precision={precision}",
            f"runtime.num_actors={PROCESSES}",
            "runtime.object_store_mb=200",
        ),
    )
    summary = tag_catalog(job, run_id="bench")
    assert summary.tally.ok == len(paths)
    return rate_of_rows(root / "results", column="tagged_at")


def package_rate(python: str, paths: list[Path]) -> float:
    """Clips a second of the musicnn package, its first call left out."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    line = [python, "-c", PACKAGE, *map(str, paths)]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.rpartition("RATE")[2])


def main(given: argparse.Namespace) -> None:
    import ray

    ray.init(
        address="local",
        num_cpus=PROCESSES,
        include_dashboard=False,
        object_store_memory=200 * 2**20,
        logging_level="ERROR",
    )
    urls = [bundle_url(model, root_url=os.path.abspath(given.workspace)) for model in given.models]
    cases = list(itertools.product(urls, given.precision))
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        paths = make_clips(Path(folder) / "clips", num_clips=given.clips)
        for _ in range(given.runs):
            rates = {"decode": bare_rate("decode", paths[:160])}
            if given.musicnn_python:
                rates["musicnn package"] = package_rate(given.musicnn_python, paths[:PACKAGE_CLIPS])
            for url, precision in cases:
                name = f"{Path(url).name} {precision}"
                rates[f"inference {name}"] = bare_rate(
                    "inference", paths[:BARE_CLIPS], (url, precision)
                )
                rates[f"tag {name}"] = job_rate(paths, Path(folder) / "root", url, precision)
            print({key: round(rate, 2) for key, rate in rates.items()}, file=sys.stderr, flush=True)
            rounds.append(rates)
    ray.shutdown()
    print(json.dumps(result(rounds, clips=given.clips), indent=1))


def result(rounds: list[dict[str, float]], *, clips: int) -> dict:
    """Medians of rates, and of the ratios within a round."""

    def median(value) -> float:
        return round(statistics.median(value(rates) for rates in rounds), 3)

    found: dict = {"clips": clips, "runs": len(rounds)}
    found["clips_a_second"] = {key: median(lambda r, key=key: r[key]) for key in rounds[0]}
    found["times_real_time"] = {k: round(CLIP_S * v) for k, v in found["clips_a_second"].items()}
    for key in rounds[0]:
        if key.startswith("tag "):
            bare = key.replace("tag", "inference", 1)
            found[f"{key}: share of the limit"] = median(
                lambda r, key=key, bare=bare: r[key] * (1 / r["decode"] + 1 / r[bare])
            )
            if "musicnn package" in rounds[0]:
                found[f"{key}: times the package"] = median(
                    lambda r, key=key: r[key] / r["musicnn package"]
                )
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--precision", nargs="+", type=Precision, default=list(Precision))
    parser.add_argument("--musicnn-python")
    main(parser.parse_args())
