from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.file_tags_fields import (
    Fields,
    Filled,
    Model,
    Rule,
    Sound,
    chosen_tags,
    fields_of,
)
from pipeline.taxonomy import Taxonomy

TAGS = Taxonomy("toy", ("genre---rock", "mood/theme---sad", "genre---jazz", "voice---sung"))
CALIBRATED = Model("net@1", "s1", TAGS, (0.5, 0.5, 0.25, 0.75))
PLAIN = Model("old@2", "s2", Taxonomy("one", ("genre---rock",)), None)
SCORES = st.lists(st.integers(0, 8).map(lambda n: n / 8), min_size=4, max_size=4)


def fields(*scores, models=(CALIBRATED,), rule=Rule(None, None), fills=(), sound=Sound()) -> Fields:  # noqa: B008
    arrays = [None if one is None else np.array(one, np.float32) for one in scores]
    return fields_of(arrays, models=models, rule=rule, fills=fills, sound=sound)


@given(SCORES, st.none() | st.integers(1, 5), st.none() | st.integers(0, 8).map(lambda n: n / 8))
def test_what_is_chosen_is_over_its_limit_and_nothing_better_is_left_out(scores, top, minimum):
    rule = Rule(top, minimum)
    chosen = chosen_tags(np.array(scores, np.float32), model=CALIBRATED, rule=rule)
    limits = [minimum] * 4 if minimum is not None else CALIBRATED.thresholds
    over = {tag: s for tag, s, limit in zip(TAGS.tags, scores, limits, strict=True) if s >= limit}
    assert [score for _, score in chosen] == sorted(over.values(), reverse=True)[:top]
    assert set(chosen) <= set(over.items())


def test_the_fields_of_a_track():
    told = fields([0.5, 0.1, 0.875, 0.1]).own
    assert told == {
        "EARMARK_TAGS": ("genre---jazz", "genre---rock"),
        "EARMARK_SCORES": ("0.8750", "0.5000"),
        "EARMARK_MODEL": ("net@1",),
        "EARMARK_SCORING": ("s1",),
        "EARMARK_TAXONOMY": (TAGS.taxonomy_id,),
        "EARMARK_RULE": ("score at or over the tag's threshold",),
    }


def test_a_track_without_a_positive_tag_still_says_which_model_found_none():
    assert set(fields([0.0] * 4).own) == {
        f"EARMARK_{name}" for name in ("MODEL", "SCORING", "TAXONOMY", "RULE")
    }


def test_two_models_stand_side_by_side_and_one_that_did_not_score_is_left_out():
    both = (CALIBRATED, PLAIN)
    rule = Rule(1, None)
    told = fields([0.9, 0, 0, 0], [0.2], models=both, rule=rule).own
    assert told["EARMARK_TAGS"] == ("genre---rock", "genre---rock")
    assert told["EARMARK_MODEL"] == ("net@1", "old@2")
    assert told["EARMARK_RULE"] == ("score at or over the tag's threshold, best 1", "best 1")
    assert fields(None, [0.2], models=both, rule=rule).own["EARMARK_MODEL"] == ("old@2",)
    assert fields(None, None, models=both, rule=rule) == Fields({}, {})


def test_what_players_read_comes_from_categories_and_descriptors():
    sound = Sound(tempo_bpm=119.6, key="C#", mode="minor")
    told = fields([0.9, 0.9, 0.8, 0.9], fills=tuple(Filled), sound=sound).filled
    assert told == {
        Filled.GENRE: ("rock", "jazz"),
        Filled.MOOD: ("sad",),
        Filled.BPM: ("120",),
        Filled.KEY: ("C#m",),
    }
    assert fields([0.9, 0, 0, 0], fills=tuple(Filled)).filled == {Filled.GENRE: ("rock",)}
    assert fields([0.9] * 4).filled == {}


def test_a_rule_decides_only_if_something_says_which_tags_count():
    assert Rule(None, None).decides(calibrated=True)
    assert not Rule(None, None).decides(calibrated=False)
    assert Rule(3, None).decides(calibrated=False)
    assert Rule(None, 0.0).decides(calibrated=False)
    assert Rule(3, 0.5).words(calibrated=True) == "score of at least 0.5, best 3"
