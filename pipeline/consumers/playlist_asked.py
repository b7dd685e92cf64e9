"""From the section `ask` to wishes: tags that were named, and a prompt that is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config_playlist import AskConfig, TagsConfig
from pipeline.consumers.playlist_prompt import Phrase, read_prompt
from pipeline.consumers.playlist_wishes import (
    KnownTag,
    Role,
    Wish,
    liked,
    nearest_names,
    refuse_contradictions,
    refused,
)
from pipeline.consumers.playlist_words import Sentences, load_sentences, nearest_tags
from pipeline.errors import ConfigError

INSTALL = "pip install 'earmark[prompt]' maps such words to the nearest tags"


@dataclass(frozen=True)
class Asked:
    """What was asked, as tags.

    Attributes:
        prompt: the sentence; empty if there is none.
        wishes: one a tag or word.
        unused: words of the prompt that no tag stands for.
        advice: what could be done about these; empty if nothing.
    """

    prompt: str
    wishes: tuple[Wish, ...]
    unused: tuple[str, ...] = ()
    advice: str = ""


def read_ask(ask: AskConfig, *, tags: TagsConfig, known: Sequence[KnownTag]) -> Asked:
    """What was asked, as tags.

    Raises:
        ConfigError: nothing was asked, a tag is unknown, or one is both liked and refused.
    """
    prompt = (ask.prompt or "").strip()
    if not (ask.like or ask.seed_tracks or prompt or ask.refuse):
        raise ConfigError("ask: nothing was asked; give --like, --seed-track or --prompt")
    known = _of_taxonomies(known, names=tags.taxonomies)
    wishes = [liked(text, known=known) for text in ask.like]
    wishes += [refused(text, known=known) for text in ask.refuse]
    unused: list[str] = []
    advice = ""
    if prompt:
        phrases = read_prompt(prompt, known=known)
        sentences = None
        if not all(phrase.is_tag for phrase in phrases):
            sentences = load_sentences()
            advice = INSTALL if sentences is None else ""
        for phrase in phrases:
            if phrase.is_tag:
                wishes.append((refused if phrase.is_refused else liked)(phrase.words, known=known))
                continue
            found, far = _nearest(phrase, tags=tags, known=known, sentences=sentences)
            wishes += found
            unused += [] if found else [phrase.words + far]
    wishes = list({(wish.role, wish.tags): wish for wish in reversed(wishes)}.values())[::-1]
    refuse_contradictions(wishes)
    if not wishes and not ask.seed_tracks:
        _refuse_words(prompt, unused=unused, advice=advice, known=known)
    return Asked(prompt, tuple(_without_doubles(wishes)), tuple(unused), advice)


def _of_taxonomies(known: Sequence[KnownTag], *, names: Sequence[str]) -> list[KnownTag]:
    there = {tag.taxonomy for tag in known}
    if missing := [name for name in names if name not in there]:
        raise ConfigError(
            f"tags.taxonomies: no tags of {', '.join(missing)} are published; there are: "
            f"{', '.join(sorted(there)) or 'none'}"
        )
    return [tag for tag in known if not names or tag.taxonomy in names]


def _nearest(
    phrase: Phrase, *, tags: TagsConfig, known: Sequence[KnownTag], sentences: Sentences | None
) -> tuple[list[Wish], str]:
    """The wishes that words without a tag become, and what is said where no tag is near."""
    if sentences is None or not tags.nearest or not known:
        return [], ""
    near = nearest_tags(phrase.words, known=known, sentences=sentences, at_most=tags.nearest)
    role = Role.REFUSED if phrase.is_refused else Role.LEANING
    wishes = [
        Wish(phrase.words, role, (tag,), similarity)
        for tag, similarity in near
        if similarity >= tags.min_similarity
    ]
    first, similarity = near[0]
    return wishes, f" (nearest: {first.name}, {similarity:.2f}: too far)"


def _without_doubles(wishes: Sequence[Wish]) -> list[Wish]:
    """Nothing is leaned to that is liked, or refused, already; of two leanings the first stays."""
    firm = {tag for wish in wishes if wish.role is not Role.LEANING for tag in wish.tags}
    return [wish for wish in wishes if wish.role is not Role.LEANING or wish.tags[0] not in firm]


def _refuse_words(
    prompt: str, *, unused: Sequence[str], advice: str, known: Sequence[KnownTag]
) -> None:
    words = ", ".join(unused) or prompt
    near = nearest_names(unused[0], known=known) if unused and known else "no tags are published"
    raise ConfigError(
        f"ask.prompt: no tag of the catalog stands in {prompt!r} (not understood: {words}); {near}"
        + (f". {advice}" if advice else "")
    )
