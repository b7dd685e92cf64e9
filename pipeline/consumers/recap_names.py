"""Artist and title as a key: the same recording under the spellings of different services."""

from __future__ import annotations

import re
import unicodedata

FEATURED = re.compile(r"\b(?:feat|ft|featuring)\b\.?\s+\S.*$")
EDITION = re.compile(
    r"\b(?:\d{4}\s+)?(?:digital(?:ly)?\s+)?remaster(?:ed)?\b"
    r"(?:\s+(?:version|edition|\d{4})|\s+in\s+\d{4})*\s*$"
)
BRACKETED = re.compile(r"\s*[(\[{]([^()\[\]{}]*)[)\]}]")
GUEST_WORDS = frozenset({"feat", "ft", "featuring"})
SIGNS = re.compile(r"[^A-Za-z0-9]+")
DASHED = re.compile(r"\s+[-\u2013\u2014]\s+([^-\u2013\u2014]*)$")


def name_key(text: str) -> str:
    """A name without what services spell in their own ways.

    Unicode NFKC, case folded; "feat. X", "ft. X", "featuring X" and "2011 Remaster", "Remastered
    Version" are removed, in brackets, after a dash, or at the end; `&` is `and`; punctuation is
    a space, spaces are one. Accents stay: they part names. Live, remix and mono versions stay too,
    they are other recordings. A name of signs alone ("!!!") keeps them. The key of a key is the
    key.
    """
    old, key = None, text
    while key != old:
        plain = _of_plain(key)
        if plain is not None:
            return plain
        old, key = key, _once(key)
    return key


def _of_plain(text: str) -> str | None:
    """The key of a name of ASCII letters, digits and spaces that marks no guest and no edition.

    Most names of a large history are such: no expression need look at them.
    """
    if not (text.isascii() and text.replace(" ", "").isalnum()):
        return None
    lower = text.lower()
    words = lower.split()
    if "remaster" in lower or not GUEST_WORDS.isdisjoint(words):
        return None
    return " ".join(words)


def _once(text: str) -> str:
    folded = text.lower().strip() if text.isascii() else _folded(text)
    plain = BRACKETED.sub(_unless_an_extra, folded)
    plain = DASHED.sub(_unless_an_extra, plain).replace("&", " and ")
    plain = _words(plain)
    shorter = EDITION.sub("", FEATURED.sub("", plain)).strip()
    return shorter or plain or " ".join(folded.split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _words(text: str) -> str:
    """Letters, digits and marks of any script; an apostrophe joins, other signs part."""
    joined = text.replace("'", "").replace("\u2019", "")
    if joined.isascii():
        return " ".join(SIGNS.sub(" ", joined).split())
    signs = (sign if unicodedata.category(sign)[0] in "LNM" else " " for sign in joined)
    return " ".join("".join(signs).split())


def _unless_an_extra(match: re.Match[str]) -> str:
    """The part in brackets or after the dash, unless it names a guest or an edition."""
    words = _words(match[1])
    is_extra = bool(FEATURED.match(words)) or bool(EDITION.fullmatch(words))
    return "" if is_extra else match[0]
