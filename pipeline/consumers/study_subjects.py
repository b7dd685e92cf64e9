"""What is studied: tags, descriptors, catalog columns and labels, by name or glob."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.consumers.search_tags import CurrentModel, nearest_names, unknown_tags
from pipeline.consumers.track_columns import NUMBERS
from pipeline.errors import ConfigError
from pipeline.schemas import CATALOG, DESCRIPTORS
from pipeline.taxonomy import SEPARATOR

CATEGORIES = ("key", "mode", "beats_per_bar", "chord")
"""Descriptors whose values are names: shares of tracks are what is said of them."""
LABEL = "label:"
SIGNS = frozenset("*?[")
UNITS = {
    field.name: field.metadata.get(b"unit", b"").decode() for field in (*DESCRIPTORS, *CATALOG)
}


class Kind(StrEnum):
    """What a subject is."""

    TAG = "tag"
    NUMBER = "number"
    CATEGORY = "category"
    LABEL = "label"


@dataclass(frozen=True)
class Subject:
    """One thing that tracks have more or less of.

    Attributes:
        name: as it is shown; of a tag `category---name`.
        kind: what it is.
        column: of a descriptor; a tag's or a label's `category---name`.
        model: whose tag; None of the others.
    """

    name: str
    kind: Kind
    column: str
    model: CurrentModel | None = None

    @property
    def unit(self) -> str:
        """Of a number; empty without one."""
        return UNITS.get(self.column, "") if self.kind is Kind.NUMBER else ""


def find_subjects(
    texts: Sequence[str],
    *,
    models: Sequence[CurrentModel],
    labels: Sequence[str],
    called: str | None,
) -> tuple[Subject, ...]:
    """The subjects that are meant, in the order of the texts, each once.

    A text is a tag (`sad`, `mood---sad`), a descriptor or a number of the catalog (`tempo_bpm`),
    `label:` and a label, or a glob of these. A tag that several models have is a subject of each.

    Args:
        texts: what a person wrote.
        models: current ones.
        labels: all labels of the catalog.
        called: the model or taxonomy that is meant; None: all.

    Raises:
        ConfigError: no subject, no such model, or a text that means nothing; the nearest names.
    """
    if not texts:
        raise ConfigError(
            "give at least one SUBJECT: a tag, a descriptor, label:TAG, or a glob such as "
            "'instrument---*'"
        )
    chosen = [one for one in models if called is None or one.is_called(called)]
    if called is not None and not chosen:
        there = "; ".join(f"{one.taxonomy.name} ({one.model_version})" for one in models)
        raise ConfigError(f"no current model or taxonomy is called {called!r}; there is: {there}")
    found: dict[tuple[str, str], Subject] = {}
    for text in texts:
        for one in _meant(text.strip(), models=chosen, labels=labels):
            scoring = one.model.scoring_id if one.model else str(one.kind)
            found.setdefault((scoring, one.column), one)
    return _told_apart(found.values())


def _meant(text: str, *, models: Sequence[CurrentModel], labels: Sequence[str]) -> list[Subject]:
    if text.startswith(LABEL):
        wanted = text.removeprefix(LABEL)
        names = _matching(wanted, labels)
        if not names:
            raise ConfigError(f"no label {wanted!r}; {nearest_names(wanted, known=labels)}")
        return [Subject(LABEL + name, Kind.LABEL, name) for name in names]
    tags = [
        Subject(tag, Kind.TAG, tag, model)
        for model in models
        for tag, name in zip(model.taxonomy.tags, model.taxonomy.names, strict=True)
        if _matching(text, [tag if SEPARATOR in text else name])
    ]
    numbers = [Subject(name, Kind.NUMBER, name) for name in _matching(text, NUMBERS)]
    kinds = [Subject(name, Kind.CATEGORY, name) for name in _matching(text, CATEGORIES)]
    numbers = [one for one in numbers if one.column not in CATEGORIES]
    if numbers + kinds and not SIGNS & set(text):
        tags = []  # `key` is the descriptor, whatever a tagger calls its tags
    if not tags + numbers + kinds:
        raise ConfigError(_unknown(text, models=models))
    return [*tags, *numbers, *kinds]


def _matching(text: str, names: Iterable[str]) -> list[str]:
    folded = text.casefold()
    if not SIGNS & set(text):
        return [name for name in names if name.casefold() == folded]
    return [name for name in names if fnmatch.fnmatchcase(name.casefold(), folded)]


def _unknown(text: str, *, models: Sequence[CurrentModel]) -> str:
    taxonomies = [one.taxonomy for one in models]
    if SEPARATOR in text:
        return unknown_tags([text], taxonomies=taxonomies)
    names = {name for one in taxonomies for name in one.names}
    known = {*NUMBERS, *CATEGORIES, *names}
    return f"no tag and no descriptor {text!r}; {nearest_names(text, known=known)}"


def _told_apart(subjects: Iterable[Subject]) -> tuple[Subject, ...]:
    """Of a tag that several models have, each name says whose it is."""
    several = list(subjects)
    times = Counter(one.name.casefold() for one in several)
    return tuple(
        one
        if one.model is None or times[one.name.casefold()] == 1
        else Subject(f"{one.name} ({one.model.taxonomy.name})", one.kind, one.column, one.model)
        for one in several
    )
