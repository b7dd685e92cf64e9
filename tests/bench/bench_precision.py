"""What bfloat16 moves: scores and each tag's ROC-AUC, on the labelled tracks of a workspace.

    python tests/bench/bench_precision.py WORKSPACE MODEL [MODEL ...] [--limit 200]

Each track is decoded once and scored in both precisions, alternating which goes first, on one
thread. A tag's ROC-AUC is taken where a label has its name (after `---`) and both kinds of tracks
are there. JSON to stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from deltalake import DeltaTable
from sklearn.metrics import roc_auc_score

from pipeline.audio.decode import DecodeLimits, Decoder
from pipeline.config import Precision
from pipeline.errors import DataError
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.tagger import Tagger
from pipeline.storage import Storage

LIMITS = DecodeLimits(min_s=1, max_s=600, timeout_s=60, memory_bytes=2**30)


def tracks(workspace: str, *, limit: int) -> list[dict]:
    table = DeltaTable(f"{workspace}/catalog").to_pyarrow_table(columns=["uri", "labels"])
    return [row for row in table.to_pylist() if row["labels"]][:limit]


def scores(taggers: dict[Precision, Tagger], rows: list[dict]) -> tuple[dict, dict, list[dict]]:
    """Scores and seconds by precision, and the rows that could be decoded."""
    rate = next(iter(taggers.values())).bundle.frontend.sample_rate
    found: dict = {precision: [] for precision in taggers}
    seconds = dict.fromkeys(taggers, 0.0)
    kept = []
    with Decoder(sample_rate=rate, limits=LIMITS) as decoder:
        for i, row in enumerate(rows):
            try:
                wave = decoder.decode(Path(row["uri"]).read_bytes())
            except DataError:
                continue
            kept.append(row)
            for precision in sorted(taggers, reverse=bool(i % 2)):
                started = time.process_time()
                result = taggers[precision].score_wave(wave.wave_T)
                seconds[precision] += time.process_time() - started
                found[precision].append(result.mean_scores())
    return {key: np.stack(value) for key, value in found.items()}, seconds, kept


def judged(scores_NK: np.ndarray, truth: dict[int, np.ndarray]) -> dict[int, float]:
    return {k: roc_auc_score(is_there, scores_NK[:, k]) for k, is_there in truth.items()}


def main(workspace: str, models: list[str], limit: int) -> None:
    torch.set_num_threads(1)
    rows = tracks(workspace, limit=limit)
    results = {}
    for model in models:
        bundle, weights = read_bundle(bundle_url(model, root_url=workspace), storage=Storage())
        taggers = {p: Tagger(bundle, weights, precision=p) for p in Precision}
        found, seconds, kept = scores(taggers, rows)
        names = [{label.rpartition("---")[2] for label in row["labels"]} for row in kept]
        truth = {}
        for k, tag in enumerate(bundle.taxonomy.tags):
            is_there = np.array([tag.rpartition("---")[2] in own for own in names])
            if 0 < is_there.sum() < len(kept):
                truth[k] = is_there
        exact, fast = (judged(found[p], truth) for p in (Precision.FLOAT32, Precision.BFLOAT16))
        moved = np.abs(found[Precision.BFLOAT16] - found[Precision.FLOAT32])
        results[model] = {
            "tracks": len(kept),
            "largest_score_change": round(float(moved.max()), 5),
            "mean_score_change": round(float(moved.mean()), 6),
            "tags_with_labels": len(truth),
            "largest_auc_change": round(
                max((abs(fast[k] - exact[k]) for k in truth), default=0), 5
            ),
            "macro_auc": {
                str(p): round(float(np.mean(list(a.values()))), 5) if a else None
                for p, a in ((Precision.FLOAT32, exact), (Precision.BFLOAT16, fast))
            },
            "cpu_s_a_track": {str(p): round(s / len(kept), 4) for p, s in seconds.items()},
        }
        print(json.dumps({model: results[model]}), file=sys.stderr, flush=True)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--limit", type=int, default=1000)
    given = parser.parse_args()
    main(given.workspace, given.models, given.limit)
