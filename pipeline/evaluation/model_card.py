"""A model's card: what it is, reads, was trained on, scored, and cannot do, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.evaluation.card_facts import CardFacts, PublishedFigures
from pipeline.evaluation.card_words import chunk_words, code, frontend_words, plain
from pipeline.evaluation.evaluated import Evaluated
from pipeline.evaluation.model_limits import known_limits
from pipeline.evaluation.thresholds import NEVER
from pipeline.evaluation.verdict_text import chance, figure, interval, shown_metrics
from pipeline.models.head import HeadKind
from pipeline.models.origin import Training

_DECIDED = {
    HeadKind.SIGMOID: "each decided on its own",
    HeadKind.SOFTMAX: "of which a track has exactly one",
    HeadKind.POWERSET: "decided together, as the sets that training had",
}


def render_card(facts: CardFacts) -> str:
    """The card as Markdown; the same facts give the same text."""
    sections = {
        "Tags": _tags(facts),
        "Data and training": _training(facts),
        "Thresholds": _thresholds(facts),
        "Figures measured here": _measured(facts),
        "Figures as published": _published(facts.published),
        "Known limits": (f"- {limit}" for limit in known_limits(facts)),
    }
    lines = list(_head(facts))
    for title, section in sections.items():
        if body := list(section):
            lines += ["", f"## {title}", "", *body]
    return "\n".join(lines) + "\n"


def _head(facts: CardFacts) -> Iterator[str]:
    yield f"# {plain(facts.name)}"
    yield ""
    yield (
        "A tagger of music, by its bundle and by the evaluations that were run of it. Earmark "
        "writes this card; what is changed here by hand is lost."
    )
    yield ""
    tags = facts.taxonomy
    yield from _table(
        ("", ""),
        [
            ("version", code(facts.model_version)),
            ("network", f"{code(facts.architecture)}, {facts.num_parameters:,} parameters"),
            ("reads", f"{frontend_words(facts.frontend)} (front end {code(facts.frontend.name)})"),
            ("chunks", chunk_words(facts.chunking, facts.frontend)),
            ("embedding", f"layer {code(facts.embedding)}, the mean of all chunks"),
            ("tags", f"{len(tags.tags)} ({code(tags.taxonomy_id)}), {_DECIDED[facts.head.kind]}"),
            ("licence of the weights", plain(facts.licence)),
            ("source of the weights", plain(facts.source)),
            ("SHA-256 of the weights", code(facts.weights_sha256)),
        ],
    )


def _tags(facts: CardFacts) -> Iterator[str]:
    """By category; a tag's number is its place among the scores."""
    yield "By category; the number is the tag's place in a row of scores, from 0."
    yield ""
    categories = facts.taxonomy.categories
    for category in dict.fromkeys(categories):
        mine = [
            f"{i} {code(name)}"
            for i, name in enumerate(facts.taxonomy.names)
            if categories[i] == category
        ]
        yield f"- {code(category)} ({len(mine)}): {', '.join(mine)}"


def _training(facts: CardFacts) -> Iterator[str]:
    training, published = facts.origin.training, facts.published
    if published is not None:
        yield f"- data set: {published.data.dataset}"
        yield f"- split: {published.data.split}; {_counts(published.data.num_tracks)} tracks"
        yield f"- recipe: {published.recipe}"
    elif training is None:
        yield "Not recorded in this bundle."
    else:
        yield from _trained_here(training, facts)


def _trained_here(training: Training, facts: CardFacts) -> Iterator[str]:
    yield f"- training: {code(training.training_id)}"
    yield f"- data: {_named(training.datasets)}"
    yield f"- licences of the audio, as the catalog has them: {_named(training.licences)}"
    yield f"- split: {_counts(training.num_tracks)} tracks"
    apart = "nothing was checked" if training.group is None else code(training.group)
    yield f"- what no two splits share: {apart}"
    yield f"- recipe: {training.recipe}"
    yield f"- augmentation: {training.augmentation}"
    figures = ", ".join(
        f"{name.removeprefix('best_validation_')} {value:.3f}"
        for name, value in facts.validation.items()
    )
    yield (
        f"- weights: of epoch {training.best_epoch} of {training.num_epochs}, chosen by "
        f"{training.best_by} on validation, where they had {figures}"
    )


def _thresholds(facts: CardFacts) -> Iterator[str]:
    if facts.thresholds is None:
        yield "Not calibrated: null."
        return
    given = [threshold for threshold in facts.thresholds if threshold < NEVER]
    span = f"from {min(given):.3f} to {max(given):.3f}" if given else "none that is ever reached"
    chosen = facts.origin.thresholds
    if chosen is None:
        yield f"One a tag, {span}; how they were chosen is not recorded."
        return
    of = "" if chosen.dataset is None else f" of {plain(chosen.dataset)}"
    yield (
        f"One a tag, {span}; chosen by the rule {chosen.rule} on {chosen.num_tracks:,} tracks of "
        f"the split {chosen.split}{of}."
    )


def _measured(facts: CardFacts) -> Iterator[str]:
    if not facts.evaluations:
        yield "None yet: `earmark evaluate` adds them."
    for i, evaluation in enumerate(facts.evaluations):
        yield from [""] * (i > 0)
        yield from _evaluation(evaluation)


def _evaluation(evaluation: Evaluated) -> Iterator[str]:
    of = "all data sets" if evaluation.dataset is None else plain(evaluation.dataset)
    yield f"### {evaluation.split} of {of}, {evaluation.protocol}"
    yield ""
    yield (
        f"{evaluation.num_tracks:,} tracks, scored from {evaluation.scored_from} by "
        f"{code(evaluation.model_version)}, {evaluation.date}."
    )
    yield ""
    figures = evaluation.figures
    yield from _table(
        ("figure", "value", "95 % interval", "without a model"),
        [
            (
                name,
                figure(evaluation.summary[name]),
                interval(evaluation.intervals.get(name)),
                chance(name, figures),
            )
            for name in shown_metrics(figures)
        ],
    )


def _published(published: PublishedFigures | None) -> Iterator[str]:
    if published is None:
        return
    num_tracks = published.data.num_tracks["test"]
    yield f"{published.data.dataset}; split {published.data.split}; {published.protocol}."
    yield ""
    yield from _table(
        ("figure", "value", "test tracks"),
        [
            ("roc_auc_macro", f"{published.roc_auc:.4f}", f"{num_tracks:,}"),
            ("pr_auc_macro", f"{published.pr_auc:.4f}", f"{num_tracks:,}"),
        ],
    )
    yield ""
    yield f"Source: {published.source}. No intervals are published."


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (names, ["---"] * len(names), *rows):
        yield f"| {' | '.join(row)} |"


def _counts(num_tracks: dict[str, int]) -> str:
    """For example `train 15,244, validation 1,529, test 4,332`."""
    return ", ".join(f"{split} {count:,}" for split, count in num_tracks.items())


def _named(counts: dict[str, int]) -> str:
    return ", ".join(f"{plain(name)} ({count:,} tracks)" for name, count in counts.items())
