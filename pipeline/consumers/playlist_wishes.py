"""From what people type to tags of the catalog: their names, also in the plural. Pure.

There are no synonyms: `voice` does not find `vocal`. Where several taxonomies have a tag, liking it
takes one: a calibrated one before others, then the nearest spelling, then the catalog's order.
Refusing takes all of them, or all calibrated ones if there are any.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import ConfigError
from pipeline.taxonomy import SEPARATOR

OFFERED = 5
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class KnownTag:
    """A tag that the catalog's tracks have scores of.

    Attributes:
        taxonomy: short name of the list that it stands in.
        category: of the tag.
        name: of the tag.
        is_calibrated: whether its scoring has thresholds.
    """

    taxonomy: str
    category: str
    name: str
    is_calibrated: bool

    def __str__(self) -> str:
        return f"{self.taxonomy}:{self.category}{SEPARATOR}{self.name}"


class Role(StrEnum):
    """What a wish does to a track."""

    LIKED = "liked"
    """The track must have the tag."""
    LEANING = "leaning"
    """The tag makes it closer."""
    REFUSED = "refused"
    """The track must not have any of the tags."""


@dataclass(frozen=True)
class Wish:
    """A word that was asked for, as tags.

    Attributes:
        words: as they were asked.
        role: what they do.
        tags: one if it is liked or leaned to; one or more if refused.
        similarity: of the words and the tag as sentences, which is the wish's weight; None where
            the words are the tag's own.
    """

    words: str
    role: Role
    tags: tuple[KnownTag, ...]
    similarity: float | None = None

    @property
    def weight(self) -> float:
        """Of a liked or leaning tag in the closeness."""
        return 1.0 if self.similarity is None else self.similarity


def stems(text: str) -> tuple[str, ...]:
    """The words of a text in small letters and the singular (of English's regular plurals)."""
    return tuple(_singular(word) for word in WORD.findall(text.casefold()))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    is_plural = len(word) > 3 and word.isalpha() and word.endswith("s") and word[-2] not in "sui"
    return word[:-1] if is_plural else word


def find_tags(text: str, *, known: Sequence[KnownTag]) -> list[KnownTag]:
    """Tags that a text names, best first: `name`, `category---name`, or `taxonomy:` and these."""
    taxonomy, separator, rest = text.strip().partition(":")
    if separator and any(tag.taxonomy == taxonomy for tag in known):
        known, text = [tag for tag in known if tag.taxonomy == taxonomy], rest
    category, separator, rest = text.strip().partition(SEPARATOR)
    if separator:
        known, text = [tag for tag in known if tag.category == category.strip()], rest
    wanted = stems(text)
    found = [tag for tag in known if wanted and stems(tag.name) == wanted]
    return sorted(
        found, key=lambda tag: (not tag.is_calibrated, *_spelling(tag.name, text.strip()))
    )


def _spelling(name: str, text: str) -> tuple[bool, bool]:
    return name != text, name.casefold() != text.casefold()


def liked(text: str, *, known: Sequence[KnownTag]) -> Wish:
    """A tag that tracks must have.

    Raises:
        ConfigError: there is none; the nearest names are offered.
    """
    return Wish(text.strip(), Role.LIKED, tuple(_found(text, known=known)[:1]))


def refused(text: str, *, known: Sequence[KnownTag]) -> Wish:
    """Tags that tracks must not have.

    Raises:
        ConfigError: there is none; the nearest names are offered.
    """
    found = _found(text, known=known)
    calibrated = [tag for tag in found if tag.is_calibrated]
    return Wish(text.strip(), Role.REFUSED, tuple(calibrated or found))


def _found(text: str, *, known: Sequence[KnownTag]) -> list[KnownTag]:
    if found := find_tags(text, known=known):
        return found
    if not known:
        raise ConfigError(
            f"there is no tag {text!r}: no tags are published yet, run earmark publish"
        )
    raise ConfigError(f"there is no tag {text.strip()!r}; {nearest_names(text, known=known)}")


def nearest_names(text: str, *, known: Sequence[KnownTag]) -> str:
    """A sentence with the names that are spelled most like the text."""
    names = {tag.name.casefold(): tag.name for tag in known}
    folded = text.rpartition(SEPARATOR)[2].strip().casefold()
    near = difflib.get_close_matches(folded, names, n=OFFERED, cutoff=0.5)
    near += [name for name in names if folded and folded in name and name not in near]
    if near:
        return "the nearest names are: " + ", ".join(names[name] for name in near[:OFFERED])
    return f"`earmark query 'SELECT DISTINCT tag FROM tags'` lists all {len(names)}"


def refuse_contradictions(wishes: Sequence[Wish]) -> None:
    """Nothing may be both liked and refused.

    Raises:
        ConfigError: a tag is.
    """
    bad = {tag: wish for wish in wishes if wish.role is Role.REFUSED for tag in wish.tags}
    for wish in wishes:
        if wish.role is Role.LIKED and wish.tags[0] in bad:
            raise ConfigError(
                f"{wish.words!r} is asked for and {bad[wish.tags[0]].words!r} is refused: both are "
                f"the tag {wish.tags[0]}. Leave one of them out"
            )
