"""Known limits of a model: sentences that follow from the facts of its card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.evaluation.card_facts import CardFacts
from pipeline.evaluation.card_words import chunk_s, code, highest_hz, plain
from pipeline.evaluation.evaluated import Evaluated
from pipeline.evaluation.metrics import TagMetrics
from pipeline.evaluation.thresholds import NEVER
from pipeline.models.chunking import Domain
from pipeline.models.head import HeadKind
from pipeline.taxonomy import TaskKind

NUM_WEAKEST = 5
NOT_STATED = "not stated"
_NON_COMMERCIAL = re.compile(r"non-?\s?commercial|\bNC\b|/by-nc", re.IGNORECASE)


def known_limits(facts: CardFacts) -> list[str]:
    """All that the facts say a user should know before trusting the tags."""
    return [
        *_of_data(facts),
        *_of_evaluations(facts),
        *_of_input(facts),
        *_of_decisions(facts),
        *_of_licences(facts),
    ]


def excludes_commerce(licence: str) -> bool:
    """Whether a licence's name says that commercial use is not allowed."""
    return _NON_COMMERCIAL.search(licence) is not None


def leading(evaluations: Iterable[Evaluated]) -> Evaluated | None:
    """The evaluation that says most: of the split test, and of most tracks."""
    return max(evaluations, key=lambda e: (e.split == "test", e.num_tracks, e.date), default=None)


def _of_data(facts: CardFacts) -> Iterator[str]:
    training = facts.origin.training
    if facts.published is not None:
        yield from facts.published.data.limits
    elif training is None:
        yield "What it was trained on is not recorded."
    else:
        yield (
            f"It has learned from {training.num_tracks.get('train', 0):,} tracks of "
            f"{', '.join(map(plain, training.datasets))}; no figure here speaks of music unlike "
            "theirs."
        )
        if training.group is None:
            yield (
                "Nothing kept artists apart: one that stands in several splits makes the figures "
                "too good."
            )


def _of_evaluations(facts: CardFacts) -> Iterator[str]:
    best = leading(facts.evaluations)
    if best is None:
        yield "No evaluation of it has been run here."
        return
    if best.split != "test":
        yield f"It has not been judged on a test split here, only on {best.split}."
    met = {tag.tag for e in facts.evaluations for tag in e.tags if tag.num_positives}
    unseen = [tag for tag in facts.taxonomy.tags if tag not in met]
    if unseen:
        yield f"No track that it was judged by has {_listed(unseen)}: nothing is known of them."
    weakest = sorted(
        (tag for tag in best.tags if _strength(tag, best.kind) is not None),
        key=lambda tag: _strength(tag, best.kind) or 0.0,
    )[:NUM_WEAKEST]
    if weakest:
        shown = "; ".join(_figures(tag, best.kind) for tag in weakest)
        where = best.split if best.dataset is None else f"{best.split} of {plain(best.dataset)}"
        yield f"Weakest of its tags, on {where}: {shown}."


def _of_input(facts: CardFacts) -> Iterator[str]:
    spec, chunking = facts.frontend, facts.chunking
    yield (
        f"It reads mono audio at {spec.sample_rate:,} Hz and hears nothing above "
        f"{highest_hz(spec):,.0f} Hz; other audio is mixed and resampled."
    )
    yield (
        f"Audio shorter than a chunk, {chunk_s(chunking, spec):.2f} s, is repeated until it fills "
        "one."
    )
    if chunking.domain is Domain.WAVEFORM:
        yield (
            "A chunk of audio has a mel of its own, with its own edges; a chunk of stored features "
            "is cut from the track's mel, in float16. The scores differ a little, and are two "
            "scorings."
        )
    else:
        yield (
            "Stored features are rounded to float16: scores from them differ a little from those "
            "of audio, and are another scoring."
        )


def _of_decisions(facts: CardFacts) -> Iterator[str]:
    if facts.head.kind is HeadKind.SOFTMAX:
        yield "Its scores add up to 1: it gives each track one of its tags, also one with none."
    elif facts.head.kind is HeadKind.POWERSET:
        yield (
            f"It knows {len(facts.head.sets)} sets of tags, those that it met in training, and "
            "gives a track one of them."
        )
    if facts.thresholds is None:
        yield (
            "It is not calibrated: the tables hold its scores, and null for threshold and positive."
        )
        return
    never = [
        tag
        for tag, threshold in zip(facts.taxonomy.tags, facts.thresholds, strict=True)
        if threshold >= NEVER
    ]
    if never:
        yield f"Never given, since no threshold does what was asked: {_listed(never)}."


def _of_licences(facts: CardFacts) -> Iterator[str]:
    if facts.licence == NOT_STATED:
        yield "The licence of its weights is not stated: ask who trained it before passing it on."
    elif excludes_commerce(facts.licence):
        yield f"The licence of its weights, {plain(facts.licence)}, excludes commercial use."
    training = facts.origin.training
    licences = {} if training is None else training.licences
    barred = {name: count for name, count in licences.items() if excludes_commerce(name)}
    if barred:
        yield (
            f"Of the tracks that it was trained and chosen by, {sum(barred.values()):,} are under "
            f"licences that exclude commercial use: {', '.join(map(plain, barred))}."
        )


def _strength(tag: TagMetrics, kind: TaskKind) -> float | None:
    return tag.f1 if kind is TaskKind.MULTICLASS else tag.roc_auc


def _figures(tag: TagMetrics, kind: TaskKind) -> str:
    seen = f"{tag.num_positives:,} of {tag.num_tracks:,} tracks"
    if kind is TaskKind.MULTICLASS:
        return f"{code(tag.tag)} (F1 {tag.f1:.3f}, {seen})"
    return f"{code(tag.tag)} (ROC-AUC {tag.roc_auc:.3f}, PR-AUC {tag.pr_auc:.3f}, {seen})"


def _listed(tags: Iterable[str]) -> str:
    return ", ".join(map(code, tags))
