import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from learnable import CLASSES, SPEC, learnable_workspace

from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import TableError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage
from pipeline.tables.training_set import training_set
from pipeline.taxonomy import TaskKind

DEFAULTS = {
    "storage": Storage(),
    "spec": SPEC,
    "categories": ["tone"],
    "kind": TaskKind.MULTILABEL,
    "dataset": None,
    "group": "artist",
    "memory_mb": 256,
}


@pytest.fixture
def root(tmp_path):
    return learnable_workspace(tmp_path)


def read(root, **changes):
    return training_set(str(root), **DEFAULTS | changes)


def change(root, **columns):
    """Lays values over rows of the catalog: column={track_id: value}."""
    rows = DeltaTable(str(root / "catalog")).to_pyarrow_dataset().to_table().to_pylist()
    for row in rows:
        for column, values in columns.items():
            row[column] = values.get(row["track_id"], row[column])
    table = pa.Table.from_pylist(rows, schema=CATALOG)
    write_deltalake(str(root / "catalog"), table, mode="overwrite")


def test_train_and_validation_are_taken_and_test_is_not(root):
    found = read(root)
    assert set(found.tracks["split"].to_pylist()) == {"train", "validation"}
    assert len(found.labels("train")) == 48
    assert len(found.labels("validation")) == 15
    assert found.labels("train")[0] == [CLASSES[0]]
    assert (found.num_failed, found.num_unlabelled) == (0, 0)


def test_tracks_without_a_label_of_the_categories_are_left_out_and_counted(root):
    change(root, labels={"train-000": ["mood---calm"], "train-001": None})
    found = read(root)
    assert len(found.labels("train")) == 46
    assert found.num_unlabelled == 2


def test_an_empty_list_of_labels_says_that_the_track_has_none_of_its_data_sets(root):
    ids = {"train-000": "here", "train-001": "here", "train-002": "elsewhere"}
    change(root, labels={"train-000": [], "train-002": []}, dataset=ids)
    found = read(root)
    assert len(found.labels("train")) == 47  # 002's data set has no tones at all
    assert [] in found.labels("train")
    assert found.num_unlabelled == 1
    assert len(read(root, kind=TaskKind.MULTICLASS).labels("train")) == 46


def test_a_group_in_two_splits_is_refused_with_its_name(root):
    change(root, artist={"test-000": "train player 1"})
    with pytest.raises(TableError, match=r"share 1 value.*train player 1 \(test, train\)"):
        read(root)
    assert len(read(root, group=None).labels("train")) == 48


def test_a_column_that_is_not_there_cannot_be_the_group(root):
    with pytest.raises(TableError, match=r"no column 'player'.*artist"):
        read(root, group="player")


def test_a_split_without_labelled_tracks_is_refused(root):
    change(root, split={f"validation-{i:03d}": "train" for i in range(15)})
    with pytest.raises(TableError, match="no track of the split validation has a label tone"):
        read(root)


def test_tracks_without_features_are_refused_with_what_to_do(root):
    with pytest.raises(TableError, match=r"63 labelled track.*earmark features --frontend sota"):
        read(root, spec=FRONTENDS["sota-mel96"])


def test_another_data_set_is_left_out(root):
    with pytest.raises(TableError, match="no track of the split train"):
        read(root, dataset="other")


def test_the_digest_is_of_what_is_learned_and_not_of_where_it_lies(root, tmp_path_factory):
    elsewhere = learnable_workspace(tmp_path_factory.mktemp("again"))
    before = read(root).digest
    assert read(elsewhere).digest == before
    change(root, labels={"train-000": [CLASSES[1]]})
    assert read(root).digest != before
