"""From a configuration and labelled tracks to a lesson; every fault of the two is found here."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FrontendSpec
from pipeline.config_training import TaskConfig, TrainJob
from pipeline.errors import ConfigError
from pipeline.evaluation.metrics import METRICS
from pipeline.models.architectures import check_input, complete
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.published_tags import TAXONOMIES
from pipeline.stages.extract_catalog import frontend_spec
from pipeline.storage import absolute
from pipeline.tables.training_set import TRAIN, VALIDATION, TrainingSet, training_set
from pipeline.taxonomy import SEPARATOR, TaskKind
from pipeline.training.judge import LOSS
from pipeline.training.lesson import Lesson
from pipeline.training.task import Task, make_task

_SHOWN = 5


def plan_training(config: TrainJob) -> tuple[Lesson, TrainingSet]:
    """What is learned, and from which tracks.

    Raises:
        ConfigError, TableError: the configuration, the labels, the splits or the features do not
            go together.
    """
    _check_metric(config.recipe.best)
    spec = frontend_spec(config.data.frontend)
    found = training_set(
        absolute(config.workspace.root_url),
        storage=config.workspace.storage,
        spec=spec,
        categories=categories(config),
        kind=config.task.kind,
        dataset=config.data.dataset,
        group=config.data.group,
        memory_mb=config.runtime.plan_memory_mb,
    )
    lesson = _lesson(config, spec=spec, found=found)
    _check_validation(lesson.task, found)
    return lesson, found


def categories(config: TrainJob) -> list[str]:
    """Of the task's tags.

    Raises:
        ConfigError: not exactly one of tags, category and taxonomy is given.
    """
    task = config.task
    if sum(given is not None for given in (task.tags, task.category, task.taxonomy)) != 1:
        raise ConfigError("task: give one of tags, category and taxonomy")
    if task.category is not None:
        return [task.category]
    return sorted({tag.partition(SEPARATOR)[0] for tag in _tags(config.task) or ()})


def _tags(task: TaskConfig) -> tuple[str, ...] | None:
    """As listed, or of the named taxonomy; None: all of the category."""
    if task.taxonomy is None:
        return task.tags
    if task.taxonomy not in TAXONOMIES:
        raise ConfigError(
            f"task.taxonomy: no {task.taxonomy!r}; there are {', '.join(TAXONOMIES)}; other tags "
            "are listed under task.tags"
        )
    return TAXONOMIES[task.taxonomy]().tags


def training_id(lesson: Lesson, found: TrainingSet) -> str:
    """Of everything that changes the result; where and how fast it runs is not part of it."""
    facts = {
        "architecture": lesson.architecture,
        "parameters": lesson.parameters,
        "spec_id": lesson.frontend.spec_id,
        "task": lesson.task.to_json(),
        "recipe": lesson.recipe.model_dump(mode="json"),
        "augment": lesson.augment.model_dump(mode="json"),
        "chunks": [lesson.chunking.length, lesson.chunking.hop]
        + ([] if lesson.chunking.count is None else [lesson.chunking.count]),
        "tracks": found.digest,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _check_validation(task: Task, found: TrainingSet) -> None:
    """Raises ConfigError if no tag can be judged on the split validation."""
    targets_NK = task.targets(found.labels(VALIDATION))
    if not (targets_NK.any(0) & ~targets_NK.all(0)).any():
        raise ConfigError(
            f"task {task.taxonomy.name}: on the split validation each tag is on all of "
            f"{len(targets_NK)} tracks or on none, so nothing can be judged; label more tracks "
            "there, or split otherwise"
        )


def _check_metric(name: str) -> None:
    """Raises ConfigError if the best epoch cannot be picked by this name."""
    if name != LOSS and name not in METRICS:
        raise ConfigError(f"recipe.best: no metric {name!r}; known: {LOSS}, {', '.join(METRICS)}")


def _lesson(config: TrainJob, *, spec: FrontendSpec, found: TrainingSet) -> Lesson:
    task = make_task(
        config.task.name,
        kind=config.task.kind,
        tags=_tags(config.task),
        category=config.task.category,
        train_labels=found.labels(TRAIN),
    )
    if config.task.outside == "refuse" and task.kind is not TaskKind.BINARY:
        _refuse_outside(task, found)
    masks = config.augment.specaugment
    if spec.reads_wave and masks is not None and masks.band_masks:
        raise ConfigError(
            f"augment.specaugment.band_masks {masks.band_masks}: front end {spec.name} gives "
            "waves, which have no bands to mask; set it to 0"
        )
    architecture = config.network.architecture
    parameters = {"num_tags": task.num_logits} | complete(
        architecture, parameters=config.network.parameters, n_mels=spec.n_mels
    )
    check_input(
        architecture,
        parameters=parameters,
        n_mels=spec.n_mels,
        num_frames=config.data.chunk_frames,
    )
    return Lesson(
        architecture=architecture,
        parameters=parameters,
        frontend=spec,
        task=task,
        recipe=config.recipe,
        augment=config.augment,
        chunking=Chunking(
            Domain.FRAMES,
            length=config.data.chunk_frames,
            hop=config.data.hop_frames,
            tail=Tail.ALIGN,
            count=config.data.chunks,
        ),
    )


def _refuse_outside(task: Task, found: TrainingSet) -> None:
    counts = Counter(label for labels in found.tracks["labels"].to_pylist() for label in labels)
    outside = [label for label in sorted(counts) if label not in task.taxonomy.tags]
    if outside:
        listed = ", ".join(f"{label} ({counts[label]} tracks)" for label in outside[:_SHOWN])
        raise ConfigError(
            f"task {task.taxonomy.name}: {len(outside)} label(s) are not among its tags: {listed}"
            + (", ..." if len(outside) > _SHOWN else "")
            + "; add them to task.tags, or set task.outside to ignore"
        )
