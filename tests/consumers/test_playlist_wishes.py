from __future__ import annotations

import pytest

from pipeline.consumers.playlist_wishes import (
    KnownTag,
    find_tags,
    liked,
    refuse_contradictions,
    refused,
)
from pipeline.errors import ConfigError

KNOWN = [
    KnownTag("mtat", "instrument", "piano", False),
    KnownTag("mtat", "vocal", "vocal", False),
    KnownTag("mtat", "vocal", "vocals", False),
    KnownTag("mtat", "vocal", "no vocals", False),
    KnownTag("mtat", "instrument", "drums", False),
    KnownTag("inst", "instrument", "drums", True),
    KnownTag("msd", "genre", "Hip-Hop", False),
    KnownTag("msd", "genre", "House", False),
]


def names(text: str) -> list[str]:
    return [str(tag) for tag in find_tags(text, known=KNOWN)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("piano", ["mtat:instrument---piano"]),
        ("Pianos", ["mtat:instrument---piano"]),
        ("hip hop", ["msd:genre---Hip-Hop"]),
        ("house", ["msd:genre---House"]),
        ("drum", ["inst:instrument---drums", "mtat:instrument---drums"]),
        ("mtat:drums", ["mtat:instrument---drums"]),
        ("inst:instrument---drums", ["inst:instrument---drums"]),
        ("vocal---drums", []),
        ("vocals", ["mtat:vocal---vocals", "mtat:vocal---vocal"]),
        ("", []),
        ("voice", []),
    ],
)
def test_a_text_names_tags_by_their_words(text, found):
    assert names(text) == found


def test_liking_takes_the_calibrated_tag_and_refusing_all_of_the_same_words():
    assert [str(tag) for tag in liked("drums", known=KNOWN).tags] == ["inst:instrument---drums"]
    assert len(refused("vocal", known=KNOWN).tags) == 2
    assert [str(tag) for tag in refused("drums", known=KNOWN).tags] == ["inst:instrument---drums"]


@pytest.mark.parametrize(("text", "offered"), [("pianno", "piano"), ("hop", "Hip-Hop")])
def test_an_unknown_tag_gets_the_nearest_names(text, offered):
    with pytest.raises(ConfigError, match=f"no tag '{text}'.*{offered}"):
        liked(text, known=KNOWN)


def test_without_any_tags_it_says_what_to_run():
    with pytest.raises(ConfigError, match="earmark publish"):
        liked("piano", known=[])


def test_what_is_liked_cannot_be_refused():
    wishes = [liked("drums", known=KNOWN), refused("drum", known=KNOWN)]
    with pytest.raises(ConfigError, match="'drums' is asked for and 'drum' is refused"):
        refuse_contradictions(wishes)
