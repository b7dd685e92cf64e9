"""The teach job: examples > embeddings > head > bundle > scores of the catalog > tags."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import numpy as np
import torch

from pipeline.config import Precision, ScoringConfig, TagInput, TagJob
from pipeline.config_teach import TeachConfig, TeachJob
from pipeline.consumers.teach import Lesson, to_ask
from pipeline.errors import ConfigError
from pipeline.models.architectures import build
from pipeline.models.bundle import Bundle, bundle_url, read_bundle, read_facts, write_bundle
from pipeline.models.card_file import write_card
from pipeline.models.origin import Origin, ThresholdOrigin
from pipeline.models.scoring import scores_id
from pipeline.models.taught import SUFFIX
from pipeline.stages.tag_catalog import begin_scoring, choose
from pipeline.stages.teach_examples import Chosen, choose_examples, learn_from
from pipeline.stages.teach_result import Taught
from pipeline.storage import Storage, absolute
from pipeline.tables.current import set_current
from pipeline.tables.examples import nearest, strongest
from pipeline.tables.scorings import Scoring, find_scoring, read_scorings
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views
from pipeline.taxonomy import SEPARATOR, Taxonomy

CATEGORY = "taught"
NUM_BEST = 10


def teach_tag(config: TeachJob, *, run_id: str) -> Taught:
    """Learns a tag from examples, and gives it to all tracks that the base model has tagged.

    Raises:
        ConfigError: no tag, a base that is not one, or examples that are no tracks.
        UserError: too few examples.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    teaching = config.teaching
    taxonomy = _taxonomy(teaching.tag)
    base = _base(teaching, root_url=root_url, storage=storage)
    bundle, weights = read_bundle(bundle_url(base.reference, root_url=root_url), storage=storage)
    scoring_config = _as_scored(base, bundle)
    with open_views(root_url, storage=storage, memory_mb=config.query.memory_mb) as connection:
        chosen = choose_examples(connection, teaching, storage=storage, base=base)
    lesson = learn_from(chosen, teaching)
    made = _bundle(bundle, lesson, chosen=chosen, taxonomy=taxonomy, teaching=teaching)
    head = _head(bundle, weights, lesson)
    reference, made = _write(made, head, root_url=root_url, storage=storage)
    job = TagJob(
        workspace=config.workspace,
        scoring=scoring_config.model_copy(update={"models": (reference,)}),
        limits=config.limits,
        runtime=config.runtime,
        tracking=config.tracking,
    )
    ((key, choice),) = choose(job, root_url=root_url, storage=storage).items()
    num_scored = begin_scoring(key, choice, config=job, where="true", run_id=run_id)
    publish(root_url, storage=storage, memory_mb=config.runtime.plan_memory_mb, only=key)
    set_current(root_url, storage=storage, scoring=read_scorings(root_url, storage=storage)[key])
    taught = Taught(reference, made, base, lesson, chosen, num_scored, 0, (), ())
    return _with_findings(taught, config=config, root_url=root_url, scoring_id=key)


def _with_findings(taught: Taught, *, config: TeachJob, root_url: str, scoring_id: str) -> Taught:
    """What the catalog's tracks got."""
    threshold, number = taught.lesson.threshold, config.teaching.num_to_ask
    known = taught.chosen.positive_ids + taught.chosen.negative_ids
    memory_mb = config.query.memory_mb
    with open_views(root_url, storage=config.workspace.storage, memory_mb=memory_mb) as connection:
        best = strongest(connection, scoring_id=scoring_id, number=NUM_BEST, without=known)
        near = nearest(
            connection, scoring_id=scoring_id, threshold=threshold, number=number, without=known
        )
        ((num_positive,),) = connection.execute(
            "SELECT count(*) FROM source.shown WHERE scoring_id = $1 AND scores[1] >= $2::FLOAT",
            [scoring_id, threshold],
        ).fetchall()
    rows = to_ask(
        np.array([track.score for track in near]),
        threshold=threshold,
        groups=[track.artist for track in near],
        number=number,
    )
    ask = tuple(near[row] for row in rows)
    return replace(taught, num_positive=num_positive, best=tuple(best), ask=ask)


def _taxonomy(tag: str | None) -> Taxonomy:
    if not tag or not tag.strip():
        raise ConfigError("teaching.tag: name the tag, for example earmark teach 'rainy sunday'")
    whole = tag.strip() if SEPARATOR in tag else f"{CATEGORY}{SEPARATOR}{tag.strip()}"
    slug = re.sub(r"\W+", "-", whole.partition(SEPARATOR)[2].casefold()).strip("-")
    if not slug:
        raise ConfigError(f"teaching.tag: {tag!r} has no letter; name the tag in words")
    try:
        return Taxonomy(slug, (whole,))
    except ValueError as error:
        raise ConfigError(f"teaching.tag: {error}") from None


def _base(teaching: TeachConfig, *, root_url: str, storage: Storage) -> Scoring:
    known = read_scorings(root_url, storage=storage)
    bases = {key: one for key, one in known.items() if not one.reference.startswith("taught:")}
    if teaching.model is not None:
        return find_scoring(bases, teaching.model)
    if len(bases) != 1:
        listed = "; ".join(f"{one.scoring_id} ({one.reference})" for one in bases.values())
        raise ConfigError(
            f"teaching.model: give --model, the scoring whose embeddings are read; the workspace "
            f"has {listed or 'none: run earmark tag first'}"
        )
    return next(iter(bases.values()))


def _as_scored(base: Scoring, bundle: Bundle) -> ScoringConfig:
    """Input and precision with which the base's rows were made.

    Raises:
        ConfigError: the bundle is not what it was then.
    """
    source = TagInput(base.input)
    for precision in Precision:
        if scores_id(bundle, source=source, precision=precision) == base.scores_id:
            return ScoringConfig(models=(base.reference,), input=source, precision=precision)
    raise ConfigError(
        f"{base.reference} is not the bundle any more that made scoring {base.scoring_id}: tag "
        "with it as it is now, then teach"
    )


def _head(
    bundle: Bundle, weights: dict[str, torch.Tensor], lesson: Lesson
) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        names = build(bundle.architecture, parameters=bundle.parameters).state_dict()
    return {f"base.{name}": weights[name] for name in names} | {
        "head.weight": torch.from_numpy(lesson.weight_E[None].copy()),
        "head.bias": torch.tensor([lesson.bias], dtype=torch.float32),
    }


def _bundle(
    base: Bundle, lesson: Lesson, *, chosen: Chosen, taxonomy: Taxonomy, teaching: TeachConfig
) -> Bundle:
    num_examples = len(chosen.positive_ids) + len(chosen.negative_ids)
    digest = hashlib.sha256(lesson.weight_E.tobytes() + repr(lesson.bias).encode()).hexdigest()
    threshold = ThresholdOrigin(
        rule=f"precision of at least {teaching.precision:g} if {teaching.share:.1%} have the tag",
        split="examples",
        dataset=None,
        num_tracks=num_examples,
    )
    return replace(
        base,
        name=taxonomy.name,
        architecture=base.architecture + SUFFIX,
        parameters=base.parameters
        | {
            "base_tags": base.parameters["num_tags"],
            "num_embedding": len(lesson.weight_E),
            "num_tags": 1,
        },
        taxonomy=taxonomy,
        thresholds=(lesson.threshold,),
        source=f"taught from {num_examples} examples on {base.model_version} (head {digest[:12]})",
        weights_sha256="",
        head=type(base.head)(),
        base=base.scores_fingerprint,
        evaluation={
            "expected_precision": lesson.precision,
            "recall_of_examples": lesson.recall,
            "average_precision_out_of_fold": lesson.average_precision,
        },
        origin=Origin(thresholds=threshold),
    )


def _write(
    made: Bundle, weights: dict[str, torch.Tensor], *, root_url: str, storage: Storage
) -> tuple[str, Bundle]:
    """As the next version of its name, or as the one that it is already."""
    version = 1
    while True:
        reference = f"taught:{made.name}.{version}"
        url = bundle_url(reference, root_url=root_url)
        named = replace(made, name=f"{made.name}.{version}")
        if storage.exists(f"{url}/bundle.json"):
            known = read_facts(url, storage=storage)
            if (known.source, known.thresholds) == (named.source, named.thresholds):
                return reference, known
            version += 1
            continue
        written = write_bundle(url, storage=storage, bundle=named, weights=weights)
        write_card(url, storage=storage)
        return reference, written
