"""The train job: labelled tracks > lesson > training > thresholds > bundle."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config_training import TrainJob
from pipeline.errors import ConfigError
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.thresholds import Choice, choose
from pipeline.models.architectures import EMBEDDINGS
from pipeline.models.bundle import Bundle, bundle_url, read_bundle, write_bundle
from pipeline.models.card_file import write_card
from pipeline.models.origin import Origin, ThresholdOrigin, Training, rule_words
from pipeline.stages.fit import FitWork, OnEpoch, fit_here, own_device
from pipeline.stages.plan_training import categories, plan_training, training_id
from pipeline.storage import Storage, absolute, join
from pipeline.tables.receipt import write_parquet
from pipeline.tables.training_set import TRAIN, VALIDATION, TrainingSet
from pipeline.tables.training_sources import training_sources
from pipeline.training.lesson import Lesson
from pipeline.training.report import threshold_lines
from pipeline.training.state import State
from pipeline.training.words import augment_words, recipe_words


@dataclass(frozen=True)
class Trained:
    """A training that has ended.

    Attributes:
        training_id: hash of the lesson and its tracks.
        registered: name of the model that the bundle becomes a version of.
        bundle: what was written.
        url: where to.
        state: the figures of all epochs, and which was best.
        validation: the validation tracks by the best weights, at the chosen thresholds.
        choices: how the thresholds were chosen.
        notes: what was left out, for people.
    """

    training_id: str
    registered: str
    bundle: Bundle
    url: str
    state: State
    validation: Labelled
    choices: tuple[Choice, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """For the terminal."""
        state = self.state
        figures = ", ".join(
            f"{k} {v:.4f}" for k, v in state.history[state.best_epoch].metrics.items()
        )
        return [
            *self.notes,
            *threshold_lines(self.choices),
            f"best epoch {state.best_epoch + 1} of {len(state.history)}: validation {figures}",
            f"trained:{self.bundle.name} is {self.bundle.model_version} ({self.url})",
        ]


def train_tagger(config: TrainJob, *, on_epoch: OnEpoch) -> Trained:
    """Trains, or goes on with, what the configuration says; a training that has ended is read.

    Raises:
        ConfigError, TableError: the configuration, the labels, the splits or the features do not
            go together; all of it is found before the first step.
        UserError: a loss that is no number, or a GPU that is not there.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    lesson, found = plan_training(config)
    identity = training_id(lesson, found)
    url = bundle_url(f"trained:{config.network.name}", root_url=root_url)
    _refuse_another(url, identity=identity, storage=storage)
    folder_url = join(root_url, "training", identity)
    write_parquet(found.tracks, join(folder_url, "tracks.parquet"), storage=storage)
    work = FitWork(
        lesson,
        root_url,
        storage,
        folder_url,
        cache=config.runtime.cache,
        threads=config.runtime.threads,
    )
    state = _fit(config, work, on_epoch=on_epoch)
    return _finish(config, lesson, state, found, identity=identity, url=url)


def _source(identity: str) -> str:
    return f"earmark train {identity}"


def _refuse_another(url: str, *, identity: str, storage: Storage) -> None:
    """Before hours of work: the name must be free, or this very training's."""
    if not storage.exists(join(url, "bundle.json")):
        return
    bundle, _ = read_bundle(url, storage=storage)
    if bundle.source != _source(identity):
        raise ConfigError(
            f"{url} holds another tagger ({bundle.model_version}, {bundle.source}), and this "
            f"training is {identity}; give network.name another name, or remove that folder"
        )


def _fit(config: TrainJob, work: FitWork, *, on_epoch: OnEpoch) -> State:
    if config.runtime.num_workers == 0:
        device = own_device(config.runtime.num_gpus_per_worker)
        return fit_here(work, device=device, on_epoch=on_epoch)
    if config.recipe.micro_batches % config.runtime.num_workers:
        raise ConfigError(
            f"recipe.micro_batches {config.recipe.micro_batches} cannot be shared out to "
            f"{config.runtime.num_workers} workers; make it a multiple of runtime.num_workers"
        )
    from pipeline.stages.fit_on_ray import fit_on_ray  # Ray takes seconds to import

    return fit_on_ray(work, runtime=config.runtime, on_epoch=on_epoch)


def _finish(
    config: TrainJob,
    lesson: Lesson,
    state: State,
    found: TrainingSet,
    *,
    identity: str,
    url: str,
) -> Trained:
    """Thresholds from validation, and the bundle."""
    task = lesson.task
    mine = [row for row in found.tracks.to_pylist() if row["split"] == VALIDATION]
    mine.sort(key=lambda row: str(row["track_id"]))
    validation = Labelled(
        tuple(row["track_id"] for row in mine),
        task.taxonomy.tags,
        task.kind,
        state.best_scores.numpy(),
        task.targets([row["labels"] for row in mine]),
    )
    rule = config.thresholds
    choices = choose(validation, rule=str(rule.rule), at=rule.at)
    thresholds = tuple(choice.threshold for choice in choices)
    bundle = Bundle(
        name=config.network.name,
        architecture=lesson.architecture,
        parameters=lesson.parameters,
        frontend=lesson.frontend,
        chunking=lesson.chunking,
        taxonomy=task.taxonomy,
        thresholds=thresholds,
        embedding=EMBEDDINGS[lesson.architecture],
        licence="not stated",
        source=_source(identity),
        head=task.head,
        evaluation={
            f"best_validation_{name}": value
            for name, value in state.history[state.best_epoch].metrics.items()
        },
        origin=_origin(config, state, found, identity=identity),
    )
    storage = config.workspace.storage
    bundle = write_bundle(url, storage=storage, bundle=bundle, weights=state.best_weights)
    write_card(url, storage=storage)
    notes = (
        f"{len(found.labels(TRAIN)):,} tracks to learn from, {len(mine):,} to judge by; left out: "
        f"{found.num_failed:,} that could not be read, {found.num_unlabelled:,} without a label of "
        f"{' or '.join(categories(config))}",
    )
    registered = config.network.registry or config.network.name
    return Trained(
        identity, registered, bundle, url, state, validation.at(thresholds), choices, notes
    )


def _origin(config: TrainJob, state: State, found: TrainingSet, *, identity: str) -> Origin:
    """What the bundle says of its making."""
    sources = training_sources(
        absolute(config.workspace.root_url),
        storage=config.workspace.storage,
        tracks=found.tracks,
        memory_mb=config.runtime.plan_memory_mb,
    )
    num_tracks = {split: len(found.labels(split)) for split in (TRAIN, VALIDATION)}
    return Origin(
        training=Training(
            training_id=identity,
            num_tracks=num_tracks,
            datasets=sources.datasets,
            licences=sources.licences,
            group=config.data.group,
            recipe=recipe_words(config.recipe),
            augmentation=augment_words(config.augment),
            num_epochs=len(state.history),
            best_epoch=state.best_epoch + 1,
            best_by=config.recipe.best,
        ),
        thresholds=ThresholdOrigin(
            rule=rule_words(config.thresholds.rule, at=config.thresholds.at),
            split=VALIDATION,
            dataset=config.data.dataset,
            num_tracks=num_tracks[VALIDATION],
        ),
    )
