"""Evaluation of a model on the catalog, or of saved scores: what is judged, what is written."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pyarrow.parquet as pq

from pipeline.config_evaluation import EvaluateJob
from pipeline.errors import ConfigError
from pipeline.evaluation.card_words import protocol_words
from pipeline.evaluation.evaluated import evaluated
from pipeline.evaluation.evaluation_page import render_evaluation
from pipeline.evaluation.verdict import Judged, Subject, Verdict
from pipeline.evaluation.verdict_files import pictures, tag_table, verdict_json
from pipeline.models.bundle import bundle_url
from pipeline.models.card_file import CARD_FILE, keep_evaluation
from pipeline.stages.probe_catalog import judge_probes
from pipeline.stages.score_split import score_split
from pipeline.storage import absolute, join
from pipeline.tables.score_files import read_score_files
from pipeline.taxonomy import TaskKind


def catalog_subject(config: EvaluateJob, *, run_id: str) -> Subject:
    """The configured model on a split of the catalog, beside the configured probes.

    Raises:
        ConfigError: several models, a bundle that is missing or broken, or probes that would be
            judged on the tracks that they were trained on.
        TableError: no catalog, no labelled tracks, or no features where they are asked for.
    """
    scored, evaluation = score_split(config, run_id=run_id), config.evaluation
    bundle, of = scored.bundle, f" of {evaluation.dataset}" if evaluation.dataset else ""
    thresholds = "none: 0.5 for each tag" if bundle.thresholds is None else "the bundle's own"
    if scored.labelled.kind is TaskKind.MULTICLASS:
        thresholds = "none needed: the highest score decides"
    return Subject(
        name=f"{bundle.model_version} on {evaluation.split}{of}",
        labelled=scored.labelled,
        baselines=judge_probes(config, scored, run_id=run_id),
        facts={
            "workspace": absolute(config.workspace.root_url),
            "scored from": str(config.scoring.input),
            "chunks": protocol_words(bundle.chunking),
            "task": str(scored.labelled.kind),
            "thresholds": thresholds,
            "intervals": _intervals(config),
        },
        notes=scored.rows.notes(scored.labelled),
        judged=Judged(
            bundle_url=bundle_url(
                config.scoring.models[0], root_url=absolute(config.workspace.root_url)
            ),
            model_version=bundle.model_version,
            split=evaluation.split,
            dataset=evaluation.dataset,
            protocol=protocol_words(bundle.chunking),
            scored_from=str(config.scoring.input),
        ),
    )


def file_subject(
    config: EvaluateJob,
    *,
    scores: str | None,
    labels: str | None,
    tags: str | None,
    kind: str | None,
) -> Subject:
    """Saved scores beside saved labels.

    Raises:
        ConfigError: one of the two is not given.
        TableError: a file is missing or of another form, or the files do not fit together.
    """
    if not (scores and labels):
        raise ConfigError("saved scores need both --scores FILE and --labels FILE")
    labelled = read_score_files(
        scores,
        labels=labels,
        tags=tags,
        kind=TaskKind(kind) if kind else None,
        storage=config.workspace.storage,
    )
    said = "as given" if kind else "as the labels look; --kind says otherwise"
    return Subject(
        name=PurePosixPath(scores).stem,
        labelled=labelled,
        baselines={},
        facts={
            "scores": scores,
            "labels": labels,
            "task": f"{labelled.kind} ({said})",
            "intervals": _intervals(config),
        },
        notes=(),
    )


def write_verdict(
    config: EvaluateJob,
    *,
    verdict: Verdict,
    folder: str | None,
    keep: Callable[[str, bytes], None],
) -> list[str]:
    """Writes `evaluation.json`, `tags.parquet`, the pictures and `evaluation.html`.

    A bundle's card gets the figures too.

    Args:
        config: of the job.
        verdict: what they hold.
        folder: where to; None: ROOT/evaluations/NAME, over an earlier one of that name.
        keep: is given each file's name and content as well.

    Returns:
        For the terminal: where they are.
    """
    name = re.sub(r"[^\w.@-]+", "-", verdict.subject.name)
    folder = folder or join(absolute(config.workspace.root_url), "evaluations", name)
    drawn, table = pictures(verdict), io.BytesIO()
    pq.write_table(tag_table(verdict), table)
    files = {name: picture.png for name, picture in drawn.items()} | {
        "tags.parquet": table.getvalue(),
        "evaluation.json": verdict_json(verdict).encode(),
        "evaluation.html": render_evaluation(verdict, pictures=tuple(drawn.values())).encode(),
    }
    for name, data in files.items():
        config.workspace.storage.write(join(folder, name), data)
        keep(name, data)
    return [f"report: {folder}/evaluation.html", *_into_card(config, verdict, keep=keep)]


def _into_card(
    config: EvaluateJob, verdict: Verdict, *, keep: Callable[[str, bytes], None]
) -> list[str]:
    """Adds the figures to the bundle's card; saved scores have none."""
    if verdict.subject.judged is None:
        return []
    card = keep_evaluation(
        verdict.subject.judged.bundle_url,
        storage=config.workspace.storage,
        evaluated=evaluated(verdict, date=f"{datetime.now(UTC):%Y-%m-%d}"),
    )
    keep(CARD_FILE, card.text.encode())
    return [card.line]


def _intervals(config: EvaluateJob) -> str:
    return f"bootstrap over tracks, {config.evaluation.num_resamples:,} resamples"
