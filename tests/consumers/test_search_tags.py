from __future__ import annotations

import pytest

from pipeline.consumers.search_tags import (
    CurrentModel,
    choose_model,
    column_names,
    find_tag,
    nearest_names,
)
from pipeline.errors import ConfigError
from pipeline.taxonomy import Taxonomy

MOODS = Taxonomy("moods", ("mood---calm", "genre---Calm", "genre---rock", "mood---score"))
SOUNDS = Taxonomy("sounds", ("instrument---piano", "genre---rock"))
MODELS = (CurrentModel("aa11", "net@1", MOODS), CurrentModel("bb22", "ear@2", SOUNDS))


def test_a_tag_is_found_by_name_or_in_full_without_regard_to_case():
    assert find_tag(SOUNDS, "PIANO") == 0
    assert find_tag(MOODS, "genre---calm") == 1


def test_a_name_in_two_categories_is_asked_back():
    with pytest.raises(ConfigError, match=r"mood---calm, genre---Calm"):
        find_tag(MOODS, "calm")


@pytest.mark.parametrize(("text", "near"), [("pinao", "piano"), ("instrument---pian", "ent---pia")])
def test_an_unknown_tag_gets_the_nearest_names(text, near):
    with pytest.raises(ConfigError, match=f"no tag '{text}'; the nearest names are .*{near}"):
        find_tag(SOUNDS, text)


def test_a_name_like_none_says_so():
    assert nearest_names("zzzz", known=SOUNDS.names) == "none of 2 names is near it"


@pytest.mark.parametrize("called", ["moods", MOODS.taxonomy_id, "net@1", "net", "aa"])
def test_a_model_is_found_by_what_it_is_called(called):
    assert choose_model(MODELS, called=called, tags=["rock"]) is MODELS[0]


def test_without_a_name_the_model_is_the_one_that_has_the_tags():
    assert choose_model(MODELS, called=None, tags=["piano", "rock"]) is MODELS[1]


@pytest.mark.parametrize(
    ("models", "called", "tags", "said"),
    [
        ((), None, ["rock"], "earmark publish"),
        (MODELS, None, ["rock"], "several models"),
        (MODELS, "nets", ["rock"], "is called 'nets'; there is: moods"),
        (MODELS, None, ["piano", "calm"], "no current model has all of piano, calm"),
        (MODELS, None, ["pianos"], "no tag 'pianos'; the nearest names are piano"),
        (MODELS, "moods", ["piano"], "no tag 'piano'"),
    ],
)
def test_a_model_that_cannot_be_chosen_says_why(models, called, tags, said):
    with pytest.raises(ConfigError, match=said):
        choose_model(models, called=called, tags=tags)


def test_columns_are_named_in_full_where_names_collide():
    assert column_names(MOODS, [0, 2]) == ["calm", "rock"]
    assert column_names(MOODS, [0, 1, 3]) == ["mood---calm", "genre---Calm", "mood---score"]
