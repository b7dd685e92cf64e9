from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from tagged import STORAGE, small_workspace, track, write_tracks

from pipeline.errors import UserError
from pipeline.tables.show import Taggram, find_track, render_card, taggram_text, track_card
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views

EVIL = "\x1b[31mred\x07"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    root = small_workspace(tmp_path_factory.mktemp("ws"))
    write_tracks(root, [track("other-1", title="Rain"), track("other-2", title="Sun", artist=EVIL)])
    publish(root, storage=STORAGE, memory_mb=200)
    with open_views(root, storage=STORAGE, memory_mb=200) as connection:
        yield connection


@pytest.mark.parametrize(
    "given",
    ["other-2", "Sun", "sun", "su", "/music/other-2.mp3", "2.MP3", "other-2.mp3"],
)
def test_a_track_is_found_by_what_people_know_of_it(session, given):
    if given == "2.MP3":
        with pytest.raises(UserError, match="several"):
            find_track(session, track=given)
    else:
        assert find_track(session, track=given) == "other-2"


def test_an_exact_id_wins_over_the_beginning_of_others(session):
    assert find_track(session, track="t1") == "t1"


def test_several_are_listed_and_none_is_said(session):
    with pytest.raises(UserError, match=r"several(.|\n)*other-1(.|\n)*other-2"):
        find_track(session, track="other")
    with pytest.raises(UserError, match="no track 'nothing like it'"):
        find_track(session, track="nothing like it")


def test_a_quote_in_what_was_asked_is_no_sql(session):
    with pytest.raises(UserError, match="no track"):
        find_track(session, track="' OR true --")


def test_the_card_has_facts_results_and_tags_in_order(session):
    card = track_card(session, track="t1")
    assert card.facts["title"] == "Title of t1"
    assert [row["scoring_id"] for row in card.results] == ["s2", "s1"]
    assert [row["tag"] for row in card.tags["moods"]] == ["wild", "rock", "Calm", "calm"]
    assert [row["rank"] for row in card.tags["sounds"]] == [1, 2, 3]


def test_a_track_that_failed_has_a_reason_and_no_tags(session):
    card = track_card(session, track="t3")
    assert card.tags == {}
    assert card.results[0]["reason"] == "undecodable"


def rendered(card, **options) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(render_card(card, width=100, top=3, **options))
    return console.file.getvalue()


def test_the_card_s_text_shows_scores_and_bars(session):
    text = rendered(track_card(session, track="t1"))
    assert "Title of t1" in text
    assert "wild" in text
    assert "0.9000" in text
    assert "█" * 22 in text
    assert "mood---calm" in text  # its label


def test_the_card_of_an_untagged_track_says_what_to_run(session):
    assert "earmark tag" in rendered(track_card(session, track="t4"))


def test_control_characters_of_a_file_s_tags_do_not_reach_the_terminal(session):
    text = rendered(track_card(session, track="other-2"))
    assert "\x1b[31m" not in text
    assert "\x07" not in text
    assert "red" in text


def gram(scores_NK: list[list[float]]) -> Taggram:
    scores = np.array(scores_NK, np.float32).reshape(len(scores_NK), -1)
    return Taggram("net", ("calm", "wild"), np.arange(len(scores_NK)) * 2.0, scores)


def test_a_taggram_has_the_best_tag_on_top_and_time_below():
    text = taggram_text(gram([[0.0, 0.8], [0.4, 0.8]]), width=60, top=2)
    wild, calm, axis, scale = text.splitlines()
    assert wild.split() == ["wild", "█" * 32]
    assert calm.startswith("calm")
    assert calm.endswith("▄" * 16)
    assert axis.strip().startswith("0:00")
    assert axis.endswith("0:02")
    assert scale.strip() == "full height = 0.80"


@pytest.mark.parametrize("num_chunks", [1, 2, 13, 40, 500])
@pytest.mark.parametrize("width", [20, 60, 100])
def test_a_taggram_is_never_wider_than_it_may_be(num_chunks, width):
    rng = np.random.default_rng(0)
    text = taggram_text(gram(rng.random((num_chunks, 2)).tolist()), width=width, top=2)
    assert all(len(line) <= max(width, 45) for line in text.splitlines())


def test_a_taggram_of_silence_and_one_without_chunks_are_drawn():
    assert "calm" in taggram_text(gram([[0.0, 0.0]]), width=60, top=2)
    empty = Taggram("net", ("a",), np.zeros(0), np.zeros((0, 1), np.float32))
    assert taggram_text(empty, width=60, top=2) == "no chunk was scored"


def test_the_card_shows_taggrams(session):
    text = rendered(track_card(session, track="t1"), taggrams=[gram([[0.1, 0.2], [0.3, 0.4]])])
    assert "net: tags over time" in text
    assert "full height = 0.40" in text
