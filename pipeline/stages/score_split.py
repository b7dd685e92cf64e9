"""A model's scores of a split beside the labels: what the ledger lacks is scored first."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import TagJob
from pipeline.config_evaluation import EvaluateJob
from pipeline.errors import ConfigError
from pipeline.evaluation.labelled import Labelled
from pipeline.models.bundle import Bundle, bundle_url, read_bundle
from pipeline.models.head import HeadKind
from pipeline.models.scoring import scoring_id
from pipeline.stages.recut import recut
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import absolute
from pipeline.tables.labelled import LabelledRows, Part, labelled_rows, require_labels
from pipeline.taxonomy import TaskKind, Taxonomy


@dataclass(frozen=True)
class Scored:
    """A bundle and what it gives the labelled tracks of a part.

    Attributes:
        bundle: the tagger.
        labelled: its scores beside the truth, as its task judges them.
        rows: the same with embeddings, and with tracks that the task cannot judge.
    """

    bundle: Bundle
    labelled: Labelled
    rows: LabelledRows


def task_kind(bundle: Bundle) -> TaskKind:
    """What is asked of the bundle's tags, as its head says."""
    if bundle.head.kind is HeadKind.SOFTMAX:
        return TaskKind.MULTICLASS
    if bundle.head.kind is HeadKind.POWERSET:
        return TaskKind.POWERSET
    return TaskKind.BINARY if len(bundle.taxonomy.tags) == 1 else TaskKind.MULTILABEL


def score_split(config: EvaluateJob, *, run_id: str) -> Scored:
    """The configured model on the configured split; tracks without scores get them first.

    Raises:
        ConfigError: several models, or a bundle that is missing or broken.
        TableError: no catalog, no labelled tracks, or no features where they are asked for.
    """
    if len(config.scoring.models) != 1:
        raise ConfigError(
            f"scoring.models has {len(config.scoring.models)} models; one is judged at a time. "
            "Give the others as --probe, or run again"
        )
    (reference,) = recut(config).scoring.models
    bundle = _bundle(reference, config=config)
    part = part_of(config, bundle.taxonomy, splits=(config.evaluation.split,))
    rows = score_part(config, reference, part=part, taxonomy=bundle.taxonomy, run_id=run_id)
    kind = task_kind(bundle)
    labelled = rows.of(kind, taxonomy=bundle.taxonomy, thresholds=bundle.thresholds)
    return Scored(bundle, labelled, rows)


def part_of(config: EvaluateJob, taxonomy: Taxonomy, *, splits: tuple[str, ...]) -> Part:
    """The tracks that have labels of the taxonomy's categories."""
    categories = tuple(sorted(set(taxonomy.categories)))
    return Part(splits, config.evaluation.dataset, categories)


def score_part(
    config: EvaluateJob, reference: str, *, part: Part, taxonomy: Taxonomy, run_id: str
) -> LabelledRows:
    """A bundle's results for a part, beside labels of a taxonomy (its own, or another model's).

    What is in the ledger is not scored again; with nothing left to score no Ray is started.

    Raises:
        ConfigError: the bundle is missing or broken.
        TableError: no labelled tracks, or no features where they are asked for.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    memory_mb = config.runtime.plan_memory_mb
    bundle = _bundle(reference, config=config)
    require_labels(root_url, storage=storage, part=part, memory_mb=memory_mb)
    job = TagJob(
        workspace=config.workspace,
        scoring=config.scoring.model_copy(update={"models": (reference,)}),
        limits=config.limits,
        runtime=config.runtime,
        tracking=config.tracking,
    )
    tag_catalog(job, run_id=run_id, part=part)
    return labelled_rows(
        root_url,
        storage=storage,
        part=part,
        scoring_id=scoring_id(
            bundle, source=config.scoring.input, precision=config.scoring.precision
        ),
        taxonomy=taxonomy,
        memory_mb=memory_mb,
    )


def _bundle(reference: str, *, config: EvaluateJob) -> Bundle:
    url = bundle_url(reference, root_url=absolute(config.workspace.root_url))
    bundle, _ = read_bundle(url, storage=config.workspace.storage)
    return bundle
