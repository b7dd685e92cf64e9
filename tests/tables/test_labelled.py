from __future__ import annotations

import numpy as np
import pytest
from tagged import MOODS, SOUNDS, STORAGE, failed, ok, track, write_results, write_tracks

from pipeline.errors import TableError
from pipeline.tables.labelled import Part, labelled_rows, require_labels, targets
from pipeline.taxonomy import TaskKind, Taxonomy

PART = Part(("test",), None, ("genre", "mood"))
CALM, WILD, ROCK = "mood---calm", "mood---wild", "genre---rock"


def mine(track_id: str, *labels: str, split: str = "test", dataset: str = "d'or"):
    return track(track_id, split=split, labels=list(labels), dataset=dataset)


@pytest.fixture
def root(tmp_path):
    write_tracks(
        tmp_path,
        [
            mine("a", CALM, "instrument---piano"),
            mine("b", WILD, ROCK, "mood---odd", dataset="other"),
            mine("c", "mood---odd"),
            mine("d", WILD),
            mine("e", "instrument---piano"),
            mine("f", CALM, split="train"),
            mine("g", ROCK),
            track("h", split="test", labels=None),
            track("i", split=None),
            mine("j"),
            mine("k", dataset="silent"),
        ],
    )
    rows = [ok(name, [0.1 * place, 0.9, 0.4, 0.2]) for place, name in enumerate("abcefhjk")]
    write_results(
        tmp_path, [*rows, failed("d", "undecodable"), ok("g", [0, 0, 0, 0], version="old")]
    )
    return str(tmp_path)


def read(root: str, part: Part = PART):
    return labelled_rows(
        root, storage=STORAGE, part=part, scoring_id="s1", taxonomy=MOODS, memory_mb=256
    )


def test_tracks_with_a_label_of_the_categories_take_part(root):
    rows = read(root)
    assert rows.track_ids == ("a", "b", "c", "j")
    np.testing.assert_array_equal(rows.targets_NK[:3], [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(rows.scores_NK[:, 0], [0.0, 0.1, 0.2, 0.6], atol=1e-6)
    assert rows.embeddings_NE.shape == (4, 2)


def test_an_empty_list_of_labels_counts_as_none_where_its_data_set_has_such_labels(root):
    rows = read(root)
    assert not rows.targets_NK[rows.track_ids.index("j")].any()
    assert "k" not in rows.track_ids


def test_what_does_not_take_part_is_told(root):
    rows = read(root)
    assert rows.failed == {"undecodable": 1}
    assert rows.outside == {"mood---odd": 2}
    labelled = rows.of(TaskKind.MULTILABEL, taxonomy=MOODS, thresholds=None)
    failed_note, outside_note = rows.notes(labelled)
    assert "1 tracks failed" in failed_note
    assert "mood---odd (2)" in outside_note


def test_a_multiclass_task_takes_tracks_with_one_tag(root):
    rows = read(root)
    labelled = rows.of(TaskKind.MULTICLASS, taxonomy=MOODS, thresholds=(0.1, 0.2, 0.3, 0.4))
    assert labelled.track_ids == ("a",)
    assert labelled.thresholds_K == (0.1, 0.2, 0.3, 0.4)
    assert rows.notes(labelled)[-1].startswith("3 tracks are not judged")


def test_several_splits_and_one_data_set_can_be_asked_for(root):
    rows = read(root, Part(("train", "test"), None, ("mood",)))
    assert dict(zip(rows.track_ids, rows.splits, strict=True))["f"] == "train"
    assert read(root, Part(("test",), "d'or", ("mood",))).track_ids == ("a", "c", "j")


def test_a_split_without_labelled_tracks_is_refused_with_what_there_is(root):
    part = Part(("train", "validation"), None, ("mood",))
    with pytest.raises(TableError, match="no track of validation, labelled mood") as error:
        require_labels(root, storage=STORAGE, part=part, memory_mb=256)
    assert "split train, data set d'or: mood" in str(error.value)
    require_labels(root, storage=STORAGE, part=PART, memory_mb=256)


def test_labels_of_the_same_category_but_of_no_tag_are_refused(root):
    with pytest.raises(TableError, match=r"whole category---name") as error:
        labelled_rows(
            root,
            storage=STORAGE,
            part=Part(("test",), None, ("instrument",)),
            scoring_id="s1",
            taxonomy=Taxonomy("loud", ("instrument---Piano",)),
            memory_mb=256,
        )
    assert "instrument---piano" in str(error.value)


def test_a_part_of_which_all_failed_is_refused(root):
    with pytest.raises(TableError, match="no track of test, labelled genre, mood has scores"):
        labelled_rows(
            root,
            storage=STORAGE,
            part=PART,
            scoring_id="of nobody",
            taxonomy=MOODS,
            memory_mb=256,
        )


def test_multiclass_tracks_that_all_have_several_tags_are_refused(root):
    rows = read(root, Part(("test",), "other", ("mood",)))
    with pytest.raises(TableError, match="exactly one of the tags of moods"):
        rows.of(TaskKind.MULTICLASS, taxonomy=MOODS, thresholds=None)


def test_targets_are_in_the_order_of_the_tags():
    found = targets([["voice---singing"], [], ["x", "instrument---piano"]], tags=SOUNDS.tags)
    np.testing.assert_array_equal(found, [[0, 0, 1], [0, 0, 0], [1, 0, 0]])
