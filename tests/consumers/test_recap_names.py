from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.recap_names import name_key

SPELLINGS = [
    ("Jack To The Future (feat. Russoul)", "jack to the future"),
    ("Jack to the Future ft. Russoul & Co", "jack to the future"),
    ("Communication Breakdown - Remaster", "communication breakdown"),
    ("Communication Breakdown - 2014 Remastered Version", "communication breakdown"),
    ("Communication Breakdown (Remastered 2014)", "communication breakdown"),
    ("Communication Breakdown [2014 Remaster]", "communication breakdown"),
    ("Simon & Garfunkel", "simon and garfunkel"),
    ("Don\u2019t Stop 'Til You Get Enough", "dont stop til you get enough"),
    ("\uff26\uff35\uff2c\uff2c\u3000\uff57\uff49\uff44\uff54\uff48", "full width"),
    ("STRASSE", "strasse"),
    ("Straße", "strasse"),
    ("!!!", "!!!"),
    ("Remastered", "remastered"),
    ("AC/DC", "ac dc"),
    ("\u041c\u0410\u0419", "\u043c\u0430\u0439"),
]
APART = [
    ("Roxanne", "Roxanne (Live)"),
    ("Roxanne", "Roxanne - Acoustic Version"),
    ("Bjork", "Björk"),
    ("Symphony No. 5", "Symphony No. 6"),
    ("k458 movement4 (harp)", "k458 movement4 (piano)"),
    ("Defeat", "De"),
    ("Left", "Le"),
]


@pytest.mark.parametrize(("text", "key"), SPELLINGS)
def test_spellings_of_one_name_have_one_key(text, key):
    assert name_key(text) == key


@pytest.mark.parametrize(("one", "other"), APART)
def test_other_recordings_keep_other_keys(one, other):
    assert name_key(one) != name_key(other)


@given(st.lists(st.sampled_from([*"ab ()[]-'&.\ufb01ßÉ", " feat. ", "ft", " 2011 remastered "])))
def test_the_key_of_a_key_is_the_key(parts):
    text = "".join(parts)
    assert name_key(name_key(text)) == name_key(text)


@given(st.text(max_size=30))
def test_case_and_width_never_matter_and_no_name_is_lost(text):
    assert name_key(text.upper()) == name_key(text.upper().lower().upper())
    assert bool(name_key(text)) == bool(name_key(text).strip())
    assert not text.strip() or name_key(text)
