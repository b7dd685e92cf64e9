"""Reads a sentence such as "slow piano, no vocals" as wanted and unwanted words. Pure.

Tags are found by their own words, the longest first. A negation (no, not, without, never, ...)
holds for the words that follow it ("no loud drums" refuses both), also over "or" and "nor", and
after "without" over "and"; a comma, a full stop, "and", "but" and "with" end it. It is read first:
"no vocals" refuses `vocals` even where a tag `no vocals` exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.consumers.playlist_wishes import KnownTag, find_tags, stems

TOKEN = re.compile(r"[^\W_]+(?:['\u2019\-][^\W_]+)*|[,.;:!?]")
FREE = re.compile(r"\b([^\W_]+)-(?:free|less)\b", re.IGNORECASE)
NEGATIONS = frozenset({"no", "not", "without", "never", "non", "except", "minus", "nothing", "nor"})
CARRIED_BY_ALL = frozenset({"or", "nor"})
BREAKS = frozenset({"but", "with", "just", "only", "instead", ",", ".", ";", ":", "!", "?"})
FILLERS = frozenset(
    (
        *("a", "an", "the", "and", "or", "nor", "of", "for", "in", "on", "at", "to", "from", "by"),
        *("as", "is", "are", "be", "it", "its", "this", "that", "these", "those", "some", "any"),
        *("all", "very", "really", "quite", "rather", "too", "much", "many", "more", "most"),
        *("less", "so", "such", "like", "something", "someone", "thing", "things", "please"),
        *("give", "me", "my", "i", "we", "us", "our", "you", "your", "want", "need", "would"),
        *("should", "could", "can", "will", "make", "play", "playlist", "playlists", "list"),
        *("song", "songs", "track", "tracks", "piece", "pieces", "tune", "tunes", "music"),
        *("musical", "sound", "sounds", "sounding", "kind", "sort", "bit", "little", "lot"),
        *("lots", "while", "when", "where", "during", "feel", "feeling", "mood", "moods"),
        *("nice", "good", "great", "best"),
    )
)


@dataclass(frozen=True)
class Phrase:
    """Words of a prompt that belong together.

    Attributes:
        words: as they were written.
        is_tag: whether they are a tag's own words.
        is_refused: whether a negation stands before them.
    """

    words: str
    is_tag: bool
    is_refused: bool


@dataclass
class _Reader:
    known: Sequence[KnownTag]
    longest: int
    phrases: list[Phrase] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    negation: str = ""

    def flush(self) -> None:
        """Ends a run of words that are no tags."""
        if self.left:
            self.phrases.append(Phrase(" ".join(self.left), False, bool(self.negation)))
            self.left.clear()

    def end_negation(self) -> None:
        self.flush()
        self.negation = ""


def read_prompt(text: str, *, known: Sequence[KnownTag]) -> list[Phrase]:
    """The phrases of a prompt, in order.

    Args:
        text: a sentence.
        known: tags of the catalog.
    """
    tokens = TOKEN.findall(FREE.sub(r"no \1,", text))
    reader = _Reader(known, max((len(stems(tag.name)) for tag in known), default=1))
    place = 0
    while place < len(tokens):
        place += _read_one(reader, tokens[place:])
    reader.flush()
    return list(dict.fromkeys(reader.phrases))


def _read_one(reader: _Reader, tokens: Sequence[str]) -> int:
    """Reads the beginning of the tokens; returns how many were read."""
    word = tokens[0].casefold()
    if word in BREAKS:
        reader.end_negation()
        return 1
    if word in NEGATIONS or word.endswith(("n't", "n\u2019t")):
        reader.end_negation()
        reader.negation = word
        return 1
    if word in CARRIED_BY_ALL or (word == "and" and reader.negation == "without"):
        reader.flush()
        return 1
    if word == "and":
        reader.end_negation()
        return 1
    if length := _tag_length(reader, tokens):
        reader.flush()
        words = " ".join(tokens[:length])
        reader.phrases.append(Phrase(words, True, bool(reader.negation)))
        return length
    _read_other(reader, tokens[0])
    return 1


def _read_other(reader: _Reader, word: str) -> None:
    if word.casefold() in FILLERS:
        if not reader.negation:
            reader.flush()
        return
    reader.left.append(word)


def _tag_length(reader: _Reader, tokens: Sequence[str]) -> int:
    """Tokens at the beginning that are a tag; 0 if they are none."""
    for length in range(min(reader.longest, len(tokens)), 0, -1):
        words = tokens[:length]
        if all(word[0].isalnum() for word in words) and find_tags(
            " ".join(words), known=reader.known
        ):
            return length
    return 0
