from __future__ import annotations

import re

import pytest
from tagged import MOODS, SOUNDS

from pipeline.browse.forms import Values
from pipeline.browse.search_page import search_of, with_model
from pipeline.consumers.search_request import Range, Search, UnwantedTag, WantedTag
from pipeline.consumers.search_tags import CurrentModel
from pipeline.errors import ConfigError


def tracks(text: str) -> list[str]:
    return re.findall(r'name="track" value="([\w-]+)"', text)


def test_all_tracks_are_listed_by_artist_where_nothing_is_asked(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert len(tracks(answer.text)) == 14
    assert tracks(answer.text)[:7] == ["t000", "t001", "t004", "t005", "t008", "t009", "t003"]


def test_tags_rank_and_sliders_leave_out(client):
    found = tracks(client.get("/?like=mood---calm&min=0.7").text)
    assert found == ["t000", "t001", "t002", "t003", "t004"]
    assert tracks(client.get("/?like=wild&min=0.4&like=&min=0").text) == ["t009", "t008"]
    assert tracks(client.get("/?like=wild&not=mood---calm<=0.5").text) == ["t009", "t008"]


def test_ranges_names_and_the_limit_an_artist_hold(client):
    assert tracks(client.get("/?year_from=2003&year_to=2004").text) == ["t003", "t004"]
    assert len(tracks(client.get("/?like=wild&per_artist=1").text)) == 2
    ann = {"t000", "t001", "t004", "t005", "t008", "t009"}
    assert set(tracks(client.get("/?artist=ann").text)) == ann


def test_a_text_finds_titles_and_artists(client):
    assert tracks(client.get("/?q=TONE T007").text) == ["t007"]
    assert tracks(client.get("/?q=%25").text) == []


def test_the_address_holds_the_query(client):
    text = client.get("/?like=wild&min=0.25&not=rock&tempo_from=&year_to=2005").text
    assert 'name="like" value="wild"' in text
    assert 'step="0.01" value="0.25"' in text
    assert 'name="not" value="rock"' in text
    assert 'name="year_to" type="number" step="1" value="2005"' in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("like=wyld", "the nearest names are wild"),
        ("like=wild&not=wild", "wanted and not wanted"),
        ("tempo_from=80", "earmark describe"),
        ("year_from=soon", "is no number"),
        ("like=wild&min=7", "scores are 0 to 1"),
        ("like=wild&per_artist=0", "give 1 or more"),
        ("like=wild&model=none", "no current model or taxonomy"),
        ("artist=nobody", "no artist"),
    ],
)
def test_what_cannot_be_answered_is_said_on_the_page(client, query, said):
    answer = client.get(f"/?{query}")
    assert answer.status_code == 400
    assert said in answer.text.replace("&#39;", "'")


def test_a_form_becomes_a_search():
    values = Values(
        [
            *(("like", "slow, piano>=0.9"), ("min", "0.5"), ("like", ""), ("min", "0")),
            *(("not", "vocal<=0.2"), ("tempo_from", "80"), ("tempo_to", "")),
        ]
    )
    assert search_of(values, limit=7) == Search(
        like=(WantedTag("slow", 0.5), WantedTag("piano", 0.9)),
        unlike=(UnwantedTag("vocal", 0.2),),
        ranges=(Range("tempo_bpm", 80.0, None),),
        limit=7,
    )
    assert search_of(Values([("q", "a title"), ("like", " ")]), limit=7) is None
    with pytest.raises(ConfigError, match="whole number"):
        search_of(Values([("like", "slow"), ("per_artist", "1.5")]), limit=7)


def test_of_several_models_that_have_the_tags_the_first_is_asked_and_said():
    models = tuple(CurrentModel(key, f"net-{key}", MOODS) for key in ("s1", "s3"))
    search, note = with_model(Search(like=(WantedTag("wild"),)), models=models)
    assert search.model == "s1"
    assert "net-s1" in note[0]
    other = (*models[:1], CurrentModel("s2", "net-s2", SOUNDS))
    assert with_model(Search(like=(WantedTag("wild"),)), models=other)[1] == ()
