from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import TableError
from pipeline.storage import Storage
from pipeline.tables.score_files import read_score_files
from pipeline.taxonomy import TaskKind

SCORES = np.array([[0.9, 0.1], [0.2, 0.7], [0.6, 0.8]])
LABELS = np.array([[1, 0], [0, 1], [1, 1]])
TAGS = ("mood---calm", "mood---wild")


def read(scores, labels, *, tags=None, kind=None):
    return read_score_files(
        str(scores),
        labels=str(labels),
        tags=None if tags is None else str(tags),
        kind=kind,
        storage=Storage(),
    )


def save(folder, name: str, values: np.ndarray):
    path = folder / name
    np.save(path, values)
    return path


def columns(values: np.ndarray, ids=None, names=TAGS) -> pa.Table:
    table = {name: values[:, k] for k, name in enumerate(names)}
    return pa.table(table if ids is None else {"track_id": ids} | table)


def csv(folder, name: str, table: pa.Table):
    path = folder / name
    pa_csv.write_csv(table, path)
    return path


def parquet(folder, name: str, table: pa.Table):
    path = folder / name
    pq.write_table(table, path)
    return path


def check(labelled, tags=TAGS):
    assert labelled.tags == tags
    assert labelled.kind is TaskKind.MULTILABEL
    np.testing.assert_allclose(labelled.scores_NK, SCORES, rtol=1e-6)
    np.testing.assert_array_equal(labelled.targets_NK, LABELS.astype(bool))


def test_matrices_get_their_tags_from_a_file_or_from_their_place(tmp_path):
    scores, labels = save(tmp_path, "s.npy", SCORES), save(tmp_path, "l.npy", LABELS)
    check(read(scores, labels), tags=("tag 0", "tag 1"))
    (tmp_path / "tags.txt").write_text("mood---calm\n\n mood---wild \n")
    check(read(scores, labels, tags=tmp_path / "tags.txt"))


def test_a_column_a_tag_and_ids_join_whatever_the_order(tmp_path):
    scores = csv(tmp_path, "s.csv", columns(SCORES, ["x", "y", "z"]))
    turned = columns(LABELS[::-1, ::-1].astype(bool), ["z", "y", "x"], names=TAGS[::-1])
    labelled = read(scores, parquet(tmp_path, "l.parquet", turned))
    check(labelled)
    assert labelled.track_ids == ("x", "y", "z")


def test_one_parquet_file_may_hold_both_as_lists(tmp_path):
    table = pa.table({"track_id": [7, 8, 9], "scores": list(SCORES), "labels": list(LABELS)})
    both = parquet(tmp_path, "both.parquet", table)
    labelled = read(both, both)
    check(labelled, tags=("tag 0", "tag 1"))
    assert labelled.track_ids == ("7", "8", "9")


def test_class_numbers_are_labels_of_a_multiclass_task(tmp_path):
    scores = save(tmp_path, "s.npy", SCORES)
    labelled = read(scores, save(tmp_path, "l.npy", np.array([0, 1, 1])))
    assert labelled.kind is TaskKind.MULTICLASS
    np.testing.assert_array_equal(labelled.targets_NK, [[1, 0], [0, 1], [0, 1]])
    with pytest.raises(TableError, match=r"has the class 2; classes are 0 to 1"):
        read(scores, save(tmp_path, "l2.npy", np.array([0, 1, 2])))


def test_the_kind_can_be_told_and_one_column_is_binary(tmp_path):
    scores, one = save(tmp_path, "s.npy", SCORES), save(tmp_path, "l.npy", np.eye(3)[:, :2])
    assert read(scores, one).kind is TaskKind.MULTILABEL
    two = save(tmp_path, "m.npy", np.array([[1, 0], [0, 1], [1, 0]]))
    assert read(scores, two).kind is TaskKind.MULTICLASS
    assert read(scores, two, kind=TaskKind.MULTILABEL).kind is TaskKind.MULTILABEL
    single = save(tmp_path, "s1.npy", SCORES[:, 0]), save(tmp_path, "l1.npy", LABELS[:, 0])
    assert read(*single).kind is TaskKind.BINARY


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (SCORES, LABELS[:2], "3 rows.*2"),
        (SCORES, LABELS[:, [0, 1, 1]], "3 columns for 2 tags"),
        (SCORES, LABELS * 2, "row 0 has 2 for tag 0; a label is 0 or 1"),
        (SCORES, LABELS * np.nan, "row 0 has nan"),
        (SCORES * np.nan, LABELS, "no number from 0 to 1"),
        (SCORES * 7, LABELS, "no number from 0 to 1"),
        (SCORES, LABELS * 0, "nothing to judge by"),
        (SCORES[None], LABELS, "shape"),
        (np.array([["a", "b"]]), LABELS, "matrix of numbers"),
        (np.array([None, 1]), LABELS, "cannot be read"),
    ],
)
def test_matrices_that_cannot_be_judged_are_refused(tmp_path, scores, labels, message):
    np.save(tmp_path / "s.npy", scores, allow_pickle=True)
    with pytest.raises(TableError, match=message):
        read(tmp_path / "s.npy", save(tmp_path, "l.npy", labels))


def test_ids_on_one_side_only_are_named(tmp_path):
    scores = csv(tmp_path, "s.csv", columns(SCORES, ["x", "y", "z"]))
    with pytest.raises(TableError, match=r"2 tracks are in only one .*: v, z"):
        read(scores, csv(tmp_path, "l.csv", columns(LABELS, ["x", "y", "v"])))
    with pytest.raises(TableError, match="track_id x stands 2 times"):
        read(scores, csv(tmp_path, "l.csv", columns(LABELS, ["x", "x", "y"])))


def test_tags_on_one_side_only_are_named(tmp_path):
    scores = csv(tmp_path, "s.csv", columns(SCORES))
    with pytest.raises(TableError, match=r"loud, mood---wild stand on one side only"):
        read(scores, csv(tmp_path, "l.csv", columns(LABELS, names=("mood---calm", "loud"))))


def test_an_empty_cell_is_no_label_and_no_score(tmp_path):
    (tmp_path / "l.csv").write_text("mood---calm,mood---wild\n1,\n0,1\n1,1\n")
    with pytest.raises(TableError, match="row 0 has nan for mood---wild"):
        read(csv(tmp_path, "s.csv", columns(SCORES)), tmp_path / "l.csv")


def test_text_lists_of_different_lengths_and_other_files_are_refused(tmp_path):
    labels = save(tmp_path, "l.npy", LABELS)
    named = pa.table({"mood---calm": ["yes", "no", "no"]})
    with pytest.raises(TableError, match=r"'mood---calm' holds string"):
        read(csv(tmp_path, "s.csv", named), labels)
    ragged = pa.table({"scores": [[0.1], [0.1, 0.2], None]})
    with pytest.raises(TableError, match="different lengths"):
        read(parquet(tmp_path, "s.parquet", ragged), labels)
    for name, message in (("s.txt", "none of"), ("gone.npy", "no file"), ("bad.parquet", "read")):
        if not name.startswith("gone"):
            (tmp_path / name).write_text("what")
        with pytest.raises(TableError, match=message):
            read(tmp_path / name, labels)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(6)), columns_order=st.permutations(range(3)))
def test_rows_and_columns_are_joined_by_name_in_any_order(tmp_path_factory, order, columns_order):
    folder = tmp_path_factory.mktemp("joined")
    rng = np.random.default_rng(0)
    scores, labels = rng.random((6, 3)), rng.integers(0, 2, (6, 3))
    labels[0] = 1
    ids, names = [f"t{i}" for i in range(6)], ["a", "b", "c"]
    one = parquet(folder, "s.parquet", columns(scores, ids, names=names))
    shuffled = columns(
        labels[order][:, columns_order],
        [ids[i] for i in order],
        names=[names[k] for k in columns_order],
    )
    labelled = read(one, csv(folder, "l.csv", shuffled))
    np.testing.assert_array_equal(labelled.targets_NK, labels.astype(bool))
