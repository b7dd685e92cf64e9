"""Notes of 2 seconds and mixes of an hour in one catalog: does any core wait?

    python tests/bench/bench_lengths.py [--notes 3000] [--mixes 5]

Two workers, one core each. A worker's clock runs while it holds a unit; from these spans come how
long one worker had ended while the other still worked, how long the longest track took, and the
busy share of both. JSON to stdout.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import soundfile
from bench_decode import clip

from jobs.catalog import scan
from pipeline import config
from pipeline.stages import extract_catalog
from pipeline.stages.extract import ExtractTracks

CONF = Path(__file__).resolve().parents[2] / "conf"
SPANS = "EARMARK_BENCH_SPANS"
MIX_HALF_MINUTES = 120


class TimedExtract(ExtractTracks):
    """Notes when it works on a unit, and for how long on each track."""

    def __call__(self, unit):
        started = time.time()
        yield from super().__call__(unit)
        tracks = unit["stop"][0].as_py() - unit["start"][0].as_py()
        with open(f"{os.environ[SPANS]}/{os.getpid()}", "a") as file:
            file.write(json.dumps([started, time.time(), tracks]) + "\n")


def write_music(folder: Path, *, notes: int, mixes: int) -> None:
    """Notes are named before mixes: in the order of names the mixes would come last."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(notes):
        soundfile.write(folder / f"note{i:05d}.wav", rng.normal(0, 0.1, 32_000), 16_000)
    half_minute_TC, rate = soundfile.read(io.BytesIO(clip(0)), dtype="float32")
    first = folder / "zmix00.flac"
    with soundfile.SoundFile(first, "w", rate, half_minute_TC.shape[1]) as file:
        for _ in range(MIX_HALF_MINUTES):
            file.write(half_minute_TC)
    for i in range(1, mixes):
        os.link(first, folder / f"zmix{i:02d}.flac")


def main(notes: int, mixes: int) -> None:
    extract_catalog.ExtractTracks = TimedExtract
    with tempfile.TemporaryDirectory() as folder:
        root, spans = Path(folder) / "root", Path(folder) / "spans"
        spans.mkdir()
        os.environ[SPANS] = str(spans)
        write_music(Path(folder) / "music", notes=notes, mixes=mixes)
        catalog = config.load(
            config.CatalogJob,
            CONF / "catalog.yaml",
            overrides=(f"workspace.root_url={root}", f"source={folder}/music"),
        )
        scan(catalog, source=catalog.source)
        job = config.load(
            config.FeaturesJob,
            CONF / "features.yaml",
            overrides=(
                f"workspace.root_url={root}",
                "frontend.name=musicnn-mel96",
                "runtime.num_actors=2",
                "runtime.object_store_mb=200",
            ),
        )
        summary = extract_catalog.extract_catalog(job, run_id="bench")
        print("\n".join(summary.lines()), file=sys.stderr)
        assert summary.tally.ok == notes + mixes
        print(json.dumps(judged(spans) | {"notes": notes, "mixes": mixes}, indent=1))


def judged(spans: Path) -> dict:
    workers = defaultdict(list)
    for path in spans.iterdir():
        workers[path.name] = [json.loads(line) for line in path.read_text().splitlines()]
    every = [span for own in workers.values() for span in own]
    begin, end = min(span[0] for span in every), max(span[1] for span in every)
    ends = sorted(max(span[1] for span in own) for own in workers.values())
    busy_s = sum(stop - start for start, stop, _ in every)
    return {
        "workers": len(workers),
        "units": len(every),
        "seconds": round(end - begin, 2),
        "longest_track_s": round(max(s[1] - s[0] for s in every if s[2] == 1), 2),
        "one_idle_while_the_other_worked_s": round(ends[-1] - ends[0], 2),
        "busy_share": round(busy_s / (len(workers) * (end - begin)), 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=3000)
    parser.add_argument("--mixes", type=int, default=5)
    given = parser.parse_args()
    main(given.notes, given.mixes)
