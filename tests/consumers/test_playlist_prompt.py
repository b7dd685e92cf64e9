from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.playlist_prompt import read_prompt
from pipeline.consumers.playlist_wishes import KnownTag

NAMES = ("slow", "piano", "drums", "vocals", "no vocals", "loud", "female vocal", "sad", "new age")
KNOWN = [KnownTag("t", "c", name, False) for name in NAMES]


def read(text: str) -> str:
    """+tag, -tag, and words without a tag in brackets."""
    return " ".join(
        ("-" if phrase.is_refused else "+")
        + (phrase.words if phrase.is_tag else f"({phrase.words})")
        for phrase in read_prompt(text, known=KNOWN)
    )


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("slow piano for a rainy evening", "+slow +piano +(rainy evening)"),
        ("Slow piano, no vocals", "+Slow +piano -vocals"),
        ("piano without drums or vocals", "+piano -drums -vocals"),
        ("piano without drums and vocals, slow", "+piano -drums -vocals +slow"),
        ("no drums and slow piano", "-drums +slow +piano"),
        ("not too loud", "-loud"),
        ("not loud but slow", "-loud +slow"),
        ("no vocals, no drums", "-vocals -drums"),
        ("no loud drums", "-loud -drums"),
        ("neither", "+(neither)"),
        ("I don't want drums", "-drums"),
        ("i don\u2019t want any sad vocals", "-sad -vocals"),
        ("vocal-free piano", "-vocal +piano"),
        ("female vocals and new age", "+female vocals +new age"),
        ("no screaming, piano", "-(screaming) +piano"),
        ("something to play", ""),
        ("", ""),
    ],
)
def test_a_sentence_is_read_as_tags_and_words(text, meaning):
    assert read(text) == meaning


@given(st.text(max_size=80))
def test_any_text_is_read(text):
    for phrase in read_prompt(text, known=KNOWN):
        assert phrase.words
