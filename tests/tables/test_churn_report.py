from __future__ import annotations

import json

from tagged import scoring

from pipeline.tables.churn_report import SHOWN_TAGS, Churn, TagChurn, TrackChange


def made(num_tags):
    tags = [TagChurn(f"mood---{i}", 1, 2, 1, 0, 1, 0.5, 0.1, 0.2, None) for i in range(num_tags)]
    track = TrackChange("t1", None, 0.25, "mood---0", 0.125, 0.5)
    return Churn(scoring("s1"), scoring("s2"), 7, 0, 1, tuple(tags), (track,))


def test_the_text_shows_the_first_tags_and_says_where_the_others_are():
    text = made(SHOWN_TAGS + 5).text(width=140)
    assert f"the {SHOWN_TAGS} tags that moved most; --output FILE has 5 more" in text
    assert f"mood---{SHOWN_TAGS - 1}" in text
    assert f"mood---{SHOWN_TAGS} " not in text
    assert "7 tracks have scores of both, 0 of A only, 1 of B only" in text
    assert "--output" not in made(2).text(width=140)


def test_all_columns_fit_a_terminal():
    assert "do not fit" not in made(3).text(width=110)


def test_the_json_holds_every_figure():
    found = json.loads(made(40).to_json())
    assert len(found["tags"]) == 40
    assert found["tracks"][0]["title"] is None
    assert (found["a"]["scoring_id"], found["b"]["has_thresholds"]) == ("s1", False)
    assert found["tracks_only_b"] == 1
