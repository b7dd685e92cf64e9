"""The end of the compare job: trained networks > verdicts and speeds > a table, kept and shown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.config import FeaturesJob
from pipeline.config_compare import CompareJob
from pipeline.config_training import TrainJob
from pipeline.evaluation.comparison import Comparison, Contender, render_comparison
from pipeline.evaluation.verdict import HEADLINES, Verdict, give_verdict
from pipeline.evaluation.verdict_text import chance
from pipeline.models.bundle import read_bundle
from pipeline.models.speed import Speed, speeds
from pipeline.models.tagger import Tagger
from pipeline.progress import Summary
from pipeline.stages.evaluate_catalog import catalog_subject
from pipeline.stages.train_tagger import Trained
from pipeline.storage import Storage, absolute, join
from pipeline.tracking import Run

COMPARISON_FILE = "comparison.json"


@dataclass(frozen=True)
class Entry:
    """A network after its training, with what it gives on the judged split."""

    trained: Trained
    verdict: Verdict


def carry_out(
    config: CompareJob,
    *,
    run: Run,
    features: Callable[[FeaturesJob], Summary],
    train: Callable[[TrainJob], Trained],
    say: Callable[[str], None],
) -> Comparison:
    """Makes features that are missing, trains and judges each network, and keeps the table.

    Args:
        config: the job.
        run: of the comparison; takes its figures and files.
        features: the features job.
        train: the training job.
        say: takes what people read meanwhile.
    """
    for job in config.features_jobs():
        say("\n".join(features(job).lines()))
    entries = {}
    for name in config.comparison.networks:
        say(f"\n== {name}")
        entries[name] = judge_network(
            config, name=name, trained=train(config.train_job(name)), run_id=run.run_id
        )
    found = compare(config, entries=entries)
    run.metrics(found.numbers())
    place = config.workspace
    kept = keep_comparison(found, root_url=place.root_url, storage=place.storage)
    for name, data in kept.items():
        run.file(name, data)
    return found


def judge_network(config: CompareJob, *, name: str, trained: Trained, run_id: str) -> Entry:
    """A trained network on the configured split, from its features."""
    job = config.evaluate_job(name)
    verdict = give_verdict(
        catalog_subject(job, run_id=run_id),
        num_resamples=job.evaluation.num_resamples,
        seed=job.evaluation.seed,
    )
    return Entry(trained, verdict)


def compare(config: CompareJob, *, entries: Mapping[str, Entry]) -> Comparison:
    """The table of all networks, best first by the task's first headline metric."""
    storage = config.workspace.storage
    taggers = {
        name: Tagger(*read_bundle(entry.trained.url, storage=storage))
        for name, entry in entries.items()
    }
    measured = speeds(taggers)
    first = next(iter(entries.values())).verdict
    metrics = HEADLINES[first.subject.labelled.kind]
    contenders = [
        _contender(name, entry=entry, tagger=taggers[name], speed=measured[name], metrics=metrics)
        for name, entry in entries.items()
    ]
    contenders.sort(key=lambda row: -row.metrics.get(metrics[0], 0.0))
    return Comparison(
        name=config.comparison.name,
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        facts={
            "task": f"{config.task.name}, {len(first.figures.evaluation.tags)} tags",
            "judged on": f"{first.figures.evaluation.num_tracks:,} tracks of "
            f"{config.evaluation.split}",
            "recipe": f"{config.recipe.kind}, {config.recipe.epochs} epochs, steps of "
            f"{config.recipe.batch_tracks} tracks",
            "without a model": ", ".join(
                f"{name}: {text}" for name in metrics if (text := chance(name, first.figures))
            ),
        },
        metrics=metrics,
        contenders=tuple(contenders),
    )


def keep_comparison(comparison: Comparison, *, root_url: str, storage: Storage) -> dict[str, bytes]:
    """Writes ROOT/comparisons/NAME/comparison.json and .html, over those of before; gives them."""
    files = {
        COMPARISON_FILE: comparison.to_json(),
        "comparison.html": render_comparison(comparison).encode(),
    }
    for name, data in files.items():
        storage.write(join(absolute(root_url), "comparisons", comparison.name, name), data)
    return files


def read_comparisons(root_url: str, *, storage: Storage) -> tuple[Comparison, ...]:
    """All of a workspace, newest first."""
    folder = join(absolute(root_url), "comparisons")
    if not storage.is_dir(folder):
        return ()
    urls = [entry.url for entry in storage.walk(folder) if entry.url.endswith(COMPARISON_FILE)]
    found = [Comparison.from_json(storage.read(url)) for url in urls]
    return tuple(sorted(found, key=lambda it: it.made_at, reverse=True))


def _contender(
    name: str, *, entry: Entry, tagger: Tagger, speed: Speed, metrics: tuple[str, ...]
) -> Contender:
    bundle, history = entry.trained.bundle, entry.trained.state.history
    spec, figures = bundle.frontend, entry.verdict.figures
    summary = figures.evaluation.summary
    return Contender(
        name=name,
        model_version=bundle.model_version,
        frontend=spec.name,
        chunk_s=tagger.chunk_frames * spec.hop_length / spec.sample_rate,
        parameters=sum(weight.numel() for weight in tagger.network.parameters()),
        epochs=len(history),
        train_chunks_a_second=statistics.median(epoch.chunks_a_second for epoch in history),
        chunks_a_second=speed.chunks_a_second,
        times_real_time=speed.times_real_time,
        metrics={metric: summary[metric] for metric in metrics if metric in summary},
        intervals={
            metric: figures.intervals[metric] for metric in metrics if metric in figures.intervals
        },
    )
