"""New thresholds, and a taught tag, for many tracks: rows are made from rows, without audio.

    python tests/bench/bench_retag.py WORKSPACE [--tracks 100000 1000000]

WORKSPACE holds musicnn:MTT_musicnn (`earmark models add`). Its rows are made of random numbers, 50
scores and 753 values of an embedding each, in files of 8,192. JSON to stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pyarrow as pa
from bench_million import grow_catalog
from deltalake import DeltaTable, write_deltalake

from pipeline import config
from pipeline.config import TagInput
from pipeline.config_teach import TeachJob
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.models.scoring import scores_id, scoring_id
from pipeline.schemas import RESULTS
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.stages.teach_tag import teach_tag
from pipeline.storage import Storage
from pipeline.tables import delta
from pipeline.tables.scorings import Scoring, write_scoring

CONF = Path(__file__).resolve().parents[2] / "conf"
MODEL, FILE_ROWS, NUM_EXAMPLES = "musicnn:MTT_musicnn", 8_192, 20


def lists(values: np.ndarray) -> pa.Array:
    ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(ends, pa.array(values.ravel()))


def write_results(root: Path, *, key: str, tracks: int) -> None:
    """Files as a tag run leaves them, without the run."""
    delta.open_table(f"{root}/results", storage=Storage(), schema=RESULTS)
    rng, now = np.random.default_rng(0), datetime.now(UTC)
    for first in range(0, tracks, FILE_ROWS):
        numbers = range(first, min(first + FILE_ROWS, tracks))
        count = len(numbers)
        columns = {
            "track_id": [f"track-{i * 2_654_435_761 % 2**32:08x}-{i:08d}" for i in numbers],
            "audio_version": [f"{i:016x}" for i in numbers],
            "scores": lists(rng.random((count, 50), dtype=np.float32)),
            "embedding": lists(rng.random((count, 753), dtype=np.float32)),
            "duration_s": [30.0] * count,
            "num_chunks": [10] * count,
            "tagged_at": [now] * count,
        }
        texts = {"scoring_id": key, "model_version": "m", "plan_id": "p", "run_id": "r"}
        texts["status"] = "ok"
        columns |= {name: [text] * count for name, text in texts.items()}
        columns |= {name: pa.nulls(count, pa.string()) for name in ("reason", "detail")}
        table = pa.table({name: columns[name] for name in RESULTS.names}).cast(RESULTS)
        write_deltalake(f"{root}/results", table, mode="append")


def one(workspace: str, root: Path, *, tracks: int) -> dict:
    storage = Storage()
    bundle, weights = read_bundle(bundle_url(MODEL, root_url=workspace), storage=storage)
    num_tags = len(bundle.taxonomy.tags)
    own = bundle_url(MODEL, root_url=str(root))
    write_bundle(own, storage=storage, bundle=bundle, weights=weights)
    precise = replace(bundle, name="precise", thresholds=(0.5,) * num_tags)
    url = bundle_url("trained:precise", root_url=str(root))
    write_bundle(url, storage=storage, bundle=precise, weights=weights)
    key = scoring_id(bundle, source=TagInput.AUDIO)
    scoring = Scoring(
        scoring_id=key,
        model_version=bundle.model_version,
        reference=MODEL,
        taxonomy=bundle.taxonomy,
        thresholds=None,
        input="audio",
        frontend=bundle.frontend.to_json(),
        chunking=bundle.chunking.to_json(),
        scores_id=scores_id(bundle, source=TagInput.AUDIO),
    )
    write_scoring(str(root), storage=storage, scoring=scoring)
    grow_catalog(root, start=0, stop=tracks)
    write_results(root, key=key, tracks=tracks)
    job = config.load(
        config.TagJob,
        CONF / "tag.yaml",
        overrides=(
            f"workspace.root_url={root}",
            "scoring.models=['trained:precise']",
            "runtime.num_actors=2",
            "runtime.object_store_mb=200",
        ),
    )
    started = time.perf_counter()
    summary = tag_catalog(job, run_id="again")
    seconds = time.perf_counter() - started
    assert (summary.already, summary.committed) == (tracks, 0)
    return {"tracks": tracks, "thresholds_s": round(seconds, 1)} | teach(root, tracks=tracks)


def teach(root: Path, *, tracks: int) -> dict:
    """Of 20 examples: what a head takes, its tag published and shown."""
    ids = read_ids(root, number=NUM_EXAMPLES)
    job = config.load(
        TeachJob,
        CONF / "teach.yaml",
        overrides=(
            f"workspace.root_url={root}",
            "teaching.tag=new",
            f"teaching.model={MODEL}",
            f"teaching.positive={ids}",
            "runtime.num_actors=2",
            "runtime.object_store_mb=200",
        ),
    )
    started = time.perf_counter()
    taught = teach_tag(job, run_id="teach")
    seconds = time.perf_counter() - started
    assert taught.num_scored == tracks
    return {"teach_s": round(seconds, 1)}


def read_ids(root: Path, *, number: int) -> list[str]:
    table = DeltaTable(f"{root}/catalog").to_pyarrow_dataset()
    return table.head(number, columns=["track_id"])["track_id"].to_pylist()


def main(workspace: str, sizes: list[int]) -> None:
    results = []
    for tracks in sizes:
        root = Path(tempfile.mkdtemp(prefix="earmark-retag-"))
        results.append(one(os.path.abspath(workspace), root, tracks=tracks))
        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
        shutil.rmtree(root)
    print(json.dumps(results))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("--tracks", type=int, nargs="+", default=[100_000, 1_000_000])
    given = parser.parse_args()
    main(given.workspace, given.tracks)
