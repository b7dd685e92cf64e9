"""Which model and which of its tags a person means; near names where there is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.taxonomy import SEPARATOR, Taxonomy

NUM_NEAREST = 5
LEAST_LIKENESS = 0.5
RESERVED = ("track_id", "title", "artist", "score")


@dataclass(frozen=True)
class CurrentModel:
    """What the views of a taxonomy show.

    Attributes:
        scoring_id: whose scores.
        model_version: the bundle behind it.
        taxonomy: its tags.
    """

    scoring_id: str
    model_version: str
    taxonomy: Taxonomy

    def is_called(self, text: str) -> bool:
        """Whether the text is its taxonomy, version, name, or the beginning of its scoring id."""
        names = {self.taxonomy.name, self.taxonomy.taxonomy_id, self.model_version}
        names.add(self.model_version.partition("@")[0])
        return text in names or (text != "" and self.scoring_id.startswith(text))


def tag_positions(taxonomy: Taxonomy, text: str) -> list[int]:
    """Positions of the tags that a text names, as name or `category---name`; case is ignored."""
    folded = text.strip().casefold()
    names = taxonomy.tags if SEPARATOR in folded else taxonomy.names
    return [i for i, name in enumerate(names) if name.casefold() == folded]


def find_tag(taxonomy: Taxonomy, text: str) -> int:
    """The position of the one tag that is meant.

    Raises:
        ConfigError: no tag, or several of one name in different categories.
    """
    found = tag_positions(taxonomy, text)
    if len(found) > 1:
        listed = ", ".join(taxonomy.decode(found))
        raise ConfigError(f"{text!r} can mean several tags, give one of {listed}")
    if not found:
        raise ConfigError(unknown_tags([text], taxonomies=[taxonomy]))
    return found[0]


def choose_model(
    models: Sequence[CurrentModel], *, called: str | None, tags: Sequence[str]
) -> CurrentModel:
    """The current model that is meant: by its name, else the only one that has all the tags.

    Raises:
        ConfigError: none, or several, are meant.
    """
    if not models:
        raise ConfigError("no model is current: run earmark tag and earmark publish first")
    candidates = [one for one in models if called is None or one.is_called(called)]
    listed = "; ".join(f"{one.taxonomy.name} ({one.model_version})" for one in models)
    if not candidates:
        raise ConfigError(f"no current model or taxonomy is called {called!r}; there is: {listed}")
    having = [one for one in candidates if all(tag_positions(one.taxonomy, tag) for tag in tags)]
    if len(having) == 1:
        return having[0]
    if having:
        named = "; ".join(f"{one.taxonomy.name} ({one.model_version})" for one in having)
        raise ConfigError(f"several models can be meant, give one of them (--model): {named}")
    unknown = [
        tag for tag in tags if not any(tag_positions(one.taxonomy, tag) for one in candidates)
    ]
    if not unknown:
        raise ConfigError(
            f"no current model has all of {', '.join(tags)} (a search asks one model): {listed}"
        )
    raise ConfigError(unknown_tags(unknown, taxonomies=[one.taxonomy for one in candidates]))


def unknown_tags(texts: Iterable[str], *, taxonomies: Sequence[Taxonomy]) -> str:
    """What to tell of tags that no taxonomy has: the nearest names of each."""
    lines = []
    for text in texts:
        lists = [one.tags if SEPARATOR in text else one.names for one in taxonomies]
        known = {name for names in lists for name in names}
        lines.append(f"no tag {text!r}; {nearest_names(text, known=known)}")
    return "\n".join(lines)


def nearest_names(text: str, *, known: Iterable[str]) -> str:
    """`the nearest names are ...`, or how many there are where none is near."""
    by_folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    near = difflib.get_close_matches(
        text.casefold(), list(by_folded), n=NUM_NEAREST, cutoff=LEAST_LIKENESS
    )
    if near:
        return "the nearest names are " + ", ".join(by_folded[name] for name in near)
    return f"none of {len(by_folded)} names is near it"


def column_names(taxonomy: Taxonomy, positions: Sequence[int]) -> list[str]:
    """A result's column for each tag: its name, or `category---name` where names collide."""
    names = [taxonomy.names[i].casefold() for i in positions]
    taken = [*names, *RESERVED]
    return [
        taxonomy.names[i] if taken.count(name) == 1 else taxonomy.tags[i]
        for i, name in zip(positions, names, strict=True)
    ]
