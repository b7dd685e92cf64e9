"""How good a taught tag is, by the number of examples, beside training from scratch.

    nice python tests/bench/bench_teach.py FOLDER [--tracks 800] [--scratch 2] > result.json

Renders the demo's catalog larger than the demo does (FOLDER keeps it), and parts its compositions
in two halves. The tag of each instrument is taught by 5, 10, 20 and 50 tracks of the first half,
by the product's own functions, against all other tracks of that half: those that have the tag and
are no examples count as negative, as they do for who teaches. All tracks of the second half are
then scored, and judged by what was rendered. Beside it, on the same tracks:

- `mean mel`: the same head on the mean mel spectrum instead of the embedding;
- `scratch`: a network from random weights (the demo's, pipeline/training), scored at 0.5, since it
  has seen as many chunks with the tag as without;
- `embedding, clean`: teach if the drawn tracks had none of the tag.

JSON to stdout, a table in Markdown to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from teach_halves import CONF, MEMORY_MB, Half, from_scratch, lesson_from_scratch, make_halves

from pipeline import config
from pipeline.config_teach import TeachConfig, TeachJob
from pipeline.consumers.teach import Lesson, expected_precision
from pipeline.errors import UserError
from pipeline.models.taught import head_scores
from pipeline.stages.teach_examples import Chosen, choose_examples, learn_from
from pipeline.storage import Storage
from pipeline.tables.views import open_views

NUMBERS = (5, 10, 20, 50)
SHOWN = {
    "average_precision": "AP",
    "roc_auc": "ROC-AUC",
    "r_precision": "R-precision",
    "precision": "precision",
    "recall": "recall",
    "stated_precision": "stated",
    "true_precision": "true",
}


def judged(has_N: np.ndarray, scores_N: np.ndarray, *, threshold: float, share: float) -> dict:
    """What the scores of the judging half are worth.

    `true_precision` is that of a catalog of which `share` has the tag, as teach states it.
    """
    over_N = scores_N >= np.float32(threshold)
    tpr, fpr = over_N[has_N].mean(), over_N[~has_N].mean()
    best = np.argsort(-scores_N, kind="stable")[: has_N.sum()]
    real = expected_precision(np.array([tpr]), np.array([fpr]), share=share)[0]
    return {
        "average_precision": float(average_precision_score(has_N, scores_N)),
        "roc_auc": float(roc_auc_score(has_N, scores_N)),
        "r_precision": float(has_N[best].mean()),
        "found": int(over_N.sum()),
        "precision": float(has_N[over_N].mean()) if over_N.any() else None,
        "recall": float(tpr),
        "true_precision": float(real) if over_N.any() else None,
    }


def taught(
    chosen: Chosen, teaching: TeachConfig, *, values_NE: np.ndarray, has_N: np.ndarray
) -> dict:
    """The product's lesson, on the judging half."""
    started = time.perf_counter()
    lesson: Lesson = learn_from(chosen, teaching)
    seconds = time.perf_counter() - started
    scores_NK = head_scores(
        values_NE, weight_KE=lesson.weight_E[None], bias_K=np.array([lesson.bias], np.float32)
    )
    found = judged(has_N, scores_NK[:, 0], threshold=lesson.threshold, share=lesson.share)
    return found | {
        "share": lesson.share,
        "stated_precision": lesson.precision,
        "stated_recall": lesson.recall,
        "reached": lesson.reached,
        "train_s": seconds,
    }


def teach_rows(
    learn: Half, judge: Half, *, tag: str, positive: list[str], seed: int
) -> Iterator[dict]:
    """All lines of one set of examples that take seconds.

    Raises:
        UserError: the product refuses the examples.
    """
    teaching = config.load(
        TeachJob, CONF / "teach.yaml", overrides=(f"teaching.positive={positive}",)
    ).teaching.model_copy(update={"seed": seed})
    with open_views(str(learn.root), storage=Storage(), memory_mb=MEMORY_MB) as connection:
        chosen = choose_examples(connection, teaching, storage=Storage(), base=learn.base)
    rest = sorted(set(learn.track_ids) - set(positive))
    assert len(chosen.drawn_NE) == len(rest), "not all other tracks were drawn"
    others = learn.rows(rest)
    hidden_N = learn.has(tag)[others]
    has_N = judge.has(tag)
    mels = replace(
        chosen,
        positive_NE=learn.mean_mel_NM[learn.rows(list(chosen.positive_ids))],
        negative_NE=np.zeros((0, learn.mean_mel_NM.shape[1]), np.float32),
        drawn_NE=learn.mean_mel_NM[others],
    )
    artists = [learn.artists[row] for row in others[~hidden_N]]
    clean = replace(
        chosen,
        drawn_NE=chosen.drawn_NE[~hidden_N],
        groups=(*chosen.groups[: len(positive)], *artists),
    )
    true_share = teaching.model_copy(update={"share": float(has_N.mean())})
    for line, examples, settings, values_NE in (
        ("embedding", chosen, teaching, judge.embeddings_NE),
        ("embedding, true share", chosen, true_share, judge.embeddings_NE),
        ("embedding, clean", clean, teaching, judge.embeddings_NE),
        ("mean mel", mels, teaching, judge.mean_mel_NM),
    ):
        found = taught(examples, settings, values_NE=values_NE, has_N=has_N)
        yield {"line": line, "hidden": int(hidden_N.sum())} | found


def scratch_row(
    learn: Half, judge: Half, *, tag: str, positive: list[str], seed: int, epochs: int
) -> dict:
    """The same tracks for a network that has learned nothing before."""
    known = np.isin(learn.track_ids, positive)
    train = learn.tracks(np.arange(len(known)), has=known)
    has_N = judge.has(tag)
    test = judge.tracks(np.arange(len(has_N)), has=has_N)
    lesson = lesson_from_scratch(tag, epochs=epochs, seed=seed)
    found = from_scratch(lesson, train=train, test=test)
    share = float(has_N.mean())
    return (
        {"line": "scratch"}
        | judged(has_N, found.scores_N, threshold=0.5, share=share)
        | {"share": share, "train_s": found.train_s, "cpu_s": found.cpu_s}
        | {"steps": found.steps, "epochs": epochs, "loss": found.loss}
    )


def draw(learn: Half, *, tag: str, seed: int) -> list[str]:
    """The tracks that have the tag, shuffled: the first n are the n examples."""
    have = [one for one, has in zip(learn.track_ids, learn.has(tag), strict=True) if has]
    return [have[i] for i in np.random.default_rng(seed).permutation(len(have))]


def measure(halves: dict[str, Half], asked: argparse.Namespace) -> Iterator[dict]:
    learn, judge = halves["learn"], halves["judge"]
    tags = instruments(halves, least=asked.least)
    whole = [tag for tag, counts in tags.items() if counts["learn"] >= max(NUMBERS)]
    for tag, counts in tags.items():
        for seed in range(asked.seeds):
            order = draw(learn, tag=tag, seed=seed)
            for number in (n for n in NUMBERS if n <= counts["learn"]):
                facts = {"tag": tag, "seed": seed, "examples": number}
                try:
                    for row in teach_rows(
                        learn, judge, tag=tag, positive=order[:number], seed=seed
                    ):
                        yield facts | row
                except UserError as error:
                    yield facts | {"line": "refused", "why": str(error)}
    for seed in range(asked.scratch_seeds):
        for tag in whole[: asked.scratch]:
            for number in NUMBERS:
                positive = draw(learn, tag=tag, seed=seed)[:number]
                row = scratch_row(
                    learn, judge, tag=tag, positive=positive, seed=seed, epochs=asked.epochs
                )
                yield {"tag": tag, "seed": seed, "examples": number} | row


def instruments(halves: dict[str, Half], *, least: int) -> dict[str, dict[str, int]]:
    """Tracks of each half that have a tag, the most frequent tags first."""
    tags = {tag for half in halves.values() for mine in half.labels for tag in mine}
    counts = {
        tag: {name: int(half.has(tag).sum()) for name, half in halves.items()}
        for tag in tags
        if tag.startswith("instrument---")
    }
    enough = {tag: each for tag, each in counts.items() if sum(each.values()) >= least}
    return dict(sorted(enough.items(), key=lambda item: (-sum(item[1].values()), item[0])))


def summaries(rows: list[dict], *, tags: list[str]) -> list[dict]:
    """Means and standard deviations over the seeds and some tags, a line and number of examples."""
    found = []
    for line, number in dict.fromkeys((row["line"], row["examples"]) for row in rows):
        mine = [
            row
            for row in rows
            if (row["line"], row["examples"]) == (line, number) and row["tag"] in tags
        ]
        if line == "refused" or not mine:
            continue
        facts = {"line": line, "examples": number, "runs": len(mine)}
        facts["found_nothing"] = sum(not row["found"] for row in mine)
        for name in SHOWN:
            values = [row[name] for row in mine if row.get(name) is not None]
            if values:
                facts[name] = [float(np.mean(values)), float(np.std(values))]
        if "reached" in mine[0]:
            facts["reached"] = float(np.mean([row["reached"] for row in mine]))
        facts["train_s"] = float(np.mean([row["train_s"] for row in mine]))
        found.append(facts)
    return found


def markdown(found: list[dict], *, title: str) -> str:
    """A table; "stated" is the precision that teach expects, "true" what it was at that share."""
    head = ["line", "examples", "runs", *SHOWN.values(), "found nothing", "seconds"]
    lines = [f"**{title}**", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for facts in found:
        cells = [facts["line"], str(facts["examples"]), str(facts["runs"])]
        for name in SHOWN:
            cells.append("{:.2f} ± {:.2f}".format(*facts[name]) if name in facts else "-")
        cells += [str(facts["found_nothing"]), f"{facts['train_s']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(asked: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    halves = make_halves(Path(asked.folder).resolve(), tracks=asked.tracks, seed=0)
    tags = instruments(halves, least=asked.least)
    print(json.dumps(tags), file=sys.stderr, flush=True)
    rows = []
    for row in measure(halves, asked):
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    whole = [tag for tag, counts in tags.items() if counts["learn"] >= max(NUMBERS)]
    tables = {
        f"{len(whole)} instruments with {max(NUMBERS)} examples in the first half": whole,
        f"{len(tags)} instruments with {asked.least} tracks or more": list(tags),
        f"the {asked.scratch} of them with a network from scratch": whole[: asked.scratch],
    }
    found = {title: summaries(rows, tags=mine) for title, mine in tables.items()}
    facts = {
        "tracks": {name: len(half.track_ids) for name, half in halves.items()},
        "instruments": tags,
        "summaries": found,
        "rows": rows,
    }
    print(json.dumps(facts))
    print("\n".join(markdown(each, title=title) for title, each in found.items()), file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--tracks", type=int, default=800, help="rendered, over both halves")
    parser.add_argument("--least", type=int, default=60, help="tracks of an instrument, likewise")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--scratch", type=int, default=2, help="instruments trained from scratch")
    parser.add_argument("--scratch-seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=12, help="of a training from scratch")
    main(parser.parse_args())
