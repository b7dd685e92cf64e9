"""What a verdict leaves for programs: JSON, a table of tags, numbers and pictures by name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from pipeline.evaluation.metric_plots import (
    Bar,
    bars_picture,
    confusion_picture,
    reliability_picture,
    short_names,
)
from pipeline.evaluation.precision_recall_plot import precision_recall_picture
from pipeline.evaluation.report import Picture
from pipeline.evaluation.verdict import Figures, Verdict
from pipeline.taxonomy import TaskKind

TAG_FIGURES = ("precision", "recall", "f1", "roc_auc", "pr_auc")
BAR_FIGURES = {"f1": "F1", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}
CHANCE = {"roc_auc": 0.5}


def verdict_json(verdict: Verdict) -> str:
    """Everything but the pictures."""
    facts = {
        "name": verdict.subject.name,
        "facts": dict(verdict.subject.facts),
        "notes": list(verdict.subject.notes),
        "model": _figures_json(verdict.figures),
        "baselines": [
            _figures_json(baseline.figures)
            | {"model_against_it": [asdict(paired) for paired in baseline.differences]}
            for baseline in verdict.baselines
        ],
        "best_f1_of_these_tracks": [asdict(choice) for choice in verdict.best],
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def tag_table(verdict: Verdict) -> pa.Table:
    """A row for each tag of the model and of each baseline, with intervals; null: not defined."""
    everyone = [verdict.figures, *(baseline.figures for baseline in verdict.baselines)]
    rows = [row for figures in everyone for row in _tag_rows(figures)]
    fields = [pa.field("model", pa.string()), pa.field("tag", pa.string())]
    fields += [pa.field(name, pa.int64()) for name in ("num_positives", "num_tracks")]
    names = ["threshold", *(f"{f}{end}" for f in TAG_FIGURES for end in ("", "_low", "_high"))]
    fields += [pa.field(name, pa.float64()) for name in names]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def numbers(verdict: Verdict) -> dict[str, float]:
    """For MLflow: the model's figures under their names, baselines' below theirs."""
    found = dict(verdict.figures.evaluation.summary)
    for name, interval in verdict.figures.intervals.items():
        found[name] = interval.value
        if "/" not in name:
            found |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    for baseline in verdict.baselines:
        summary = baseline.figures.evaluation.summary
        found |= {f"{baseline.figures.name}/{name}": value for name, value in summary.items()}
    return found


def pictures(verdict: Verdict) -> dict[str, Picture]:
    """The figures by file name."""
    labelled, evaluation = verdict.subject.labelled, verdict.figures.evaluation
    of = verdict.subject.name
    found = {}
    if evaluation.confusion_KK is not None:
        png = confusion_picture(
            evaluation.confusion_KK, tags=labelled.tags, title=f"Confusion matrix, {of}"
        )
        found["confusion.png"] = Picture(png, "confusion matrix: true by predicted tag")
    png = precision_recall_picture(labelled, title=f"Precision and recall, {of}")
    found["precision_recall.png"] = Picture(png, "precision-recall curve of each tag")
    of_tag = ("f1", "roc_auc") if labelled.kind is TaskKind.MULTICLASS else tuple(BAR_FIGURES)
    for figure in of_tag:
        png = bars_picture(
            _bars(verdict.figures, figure),
            title=f"{BAR_FIGURES[figure]} of each tag, {of}",
            unit=f"{BAR_FIGURES[figure]} with 95 % interval",
            chance=CHANCE.get(figure),
        )
        found[f"{figure}.png"] = Picture(png, f"{BAR_FIGURES[figure]} of each tag with interval")
    png = reliability_picture(labelled, title="Do scores come true?")
    found["reliability.png"] = Picture(png, "how often scores come true")
    return found


def _figures_json(figures: Figures) -> dict[str, Any]:
    evaluation = figures.evaluation
    confusion = evaluation.confusion_KK
    return {
        "name": figures.name,
        "kind": str(evaluation.kind),
        "num_tracks": evaluation.num_tracks,
        "summary": evaluation.summary,
        "intervals": {name: asdict(interval) for name, interval in figures.intervals.items()},
        "tags": [asdict(tag) for tag in evaluation.tags],
        "not_defined": list(evaluation.excluded),
        "confusion": None if confusion is None else confusion.tolist(),
    }


def _tag_rows(figures: Figures) -> list[dict[str, Any]]:
    rows = []
    for tag in figures.evaluation.tags:
        row = {"model": figures.name} | asdict(tag)
        for figure in TAG_FIGURES:
            interval = figures.intervals.get(f"{figure}/{tag.tag}")
            if interval is not None:
                row |= {f"{figure}_low": interval.low, f"{figure}_high": interval.high}
        rows.append(row)
    return rows


def _bars(figures: Figures, figure: str) -> list[Bar]:
    bars = []
    tags = figures.evaluation.tags
    for name, tag in zip(short_names([tag.tag for tag in tags]), tags, strict=True):
        interval = figures.intervals.get(f"{figure}/{tag.tag}")
        value = getattr(tag, figure)
        if interval is None:
            bars.append(Bar(name, value))
        else:
            bars.append(Bar(name, value, interval.low, interval.high))
    return bars
