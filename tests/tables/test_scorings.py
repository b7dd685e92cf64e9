from __future__ import annotations

import dataclasses

import pytest
from tagged import SOUNDS, STORAGE, scoring, write_scorings

from pipeline.errors import ConfigError, TableError
from pipeline.tables.scorings import (
    Scoring,
    find_scoring,
    find_scorings,
    read_scorings,
    write_scoring,
)


def test_a_scoring_is_read_back_as_it_was_written(tmp_path):
    both = [scoring("s1"), scoring("s2", SOUNDS, (0.5, 0.25, 0.1))]
    write_scorings(tmp_path, *both)
    assert read_scorings(str(tmp_path), storage=STORAGE) == {"s1": both[0], "s2": both[1]}


def test_json_and_back_is_the_same():
    one = scoring("s2", SOUNDS, (0.5, 0.25, 0.1))
    assert Scoring.from_json(one.to_json()) == one


def test_a_workspace_without_scorings_has_none(tmp_path):
    assert read_scorings(str(tmp_path), storage=STORAGE) == {}


def test_writing_the_same_again_changes_nothing_even_under_another_reference(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    again = dataclasses.replace(scoring("s1"), reference="s3://bucket/bundle")
    write_scoring(str(tmp_path), storage=STORAGE, scoring=again)
    assert read_scorings(str(tmp_path), storage=STORAGE) == {"s1": scoring("s1")}


def test_the_same_bundle_under_another_name_is_the_same_scoring(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    again = dataclasses.replace(scoring("s1"), model_version="renamed@0123456789ab")
    write_scoring(str(tmp_path), storage=STORAGE, scoring=again)
    assert read_scorings(str(tmp_path), storage=STORAGE) == {"s1": scoring("s1")}


def test_a_file_of_before_scores_ids_gets_its_own_and_keeps_the_rest(tmp_path):
    write_scorings(tmp_path, dataclasses.replace(scoring("s1"), scores_id=""))
    now = dataclasses.replace(scoring("s1"), scores_id="0123", reference="elsewhere")
    write_scoring(str(tmp_path), storage=STORAGE, scoring=now)
    told = dataclasses.replace(scoring("s1"), scores_id="0123")
    assert read_scorings(str(tmp_path), storage=STORAGE) == {"s1": told}


def test_tuples_in_the_settings_do_not_count_as_a_change(tmp_path):
    one = dataclasses.replace(scoring("s1"), frontend={"sizes": (1, 2)})
    write_scoring(str(tmp_path), storage=STORAGE, scoring=one)
    write_scoring(str(tmp_path), storage=STORAGE, scoring=one)


def test_other_content_under_the_same_id_is_refused_and_named(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    other = dataclasses.replace(scoring("s1"), thresholds=(0.1, 0.2, 0.3, 0.4))
    with pytest.raises(TableError, match="another thresholds"):
        write_scoring(str(tmp_path), storage=STORAGE, scoring=other)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"taxonomy": {"name": "x", "tags": ["bad"]}}'])
def test_a_file_that_describes_no_scoring_is_named(tmp_path, text):
    (tmp_path / "scorings").mkdir()
    (tmp_path / "scorings" / "s1.json").write_text(text)
    with pytest.raises(TableError, match=r"s1\.json does not describe a scoring"):
        read_scorings(str(tmp_path), storage=STORAGE)


def test_a_scoring_is_found_by_id_model_or_reference():
    known = {one.scoring_id: one for one in (scoring("abc1"), scoring("abd2"))}
    for text in ("abc1", "abc", "net-abc1@0123456789ab", "net-abc1", "made:abc1"):
        assert find_scoring(known, text).scoring_id == "abc1"
    assert len(find_scorings(known, "ab")) == 2
    with pytest.raises(ConfigError, match="'ab' is several scorings"):
        find_scoring(known, "ab")
    with pytest.raises(ConfigError, match="no scoring ''"):
        find_scoring(known, "")
    with pytest.raises(ConfigError, match="none, run earmark tag first"):
        find_scoring({}, "abc1")
