from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError
from tagged import STORAGE, failed, ok, write_results

from pipeline.errors import TableError
from pipeline.schemas import RESULTS
from pipeline.tables import delta
from pipeline.tables.rewrite import (
    MAINTENANCE,
    Effect,
    data_files,
    num_rows,
    replace_files,
    write_files,
)


def opened(root):
    return delta.open_existing(f"{root}/results", storage=STORAGE, schema=RESULTS)


def listed(table):
    return data_files(table, key_column="scoring_id")


def batches(*tracks, size=2):
    rows = pa.Table.from_pylist([ok(name, [0.5]) for name in tracks], schema=RESULTS)
    return rows.to_batches(max_chunksize=size)


def write(root, parts, *, file_rows=100):
    return write_files(
        parts, table_url=f"{root}/results", storage=STORAGE, schema=RESULTS, file_rows=file_rows
    )


def replace(table, *, old, new, effect=Effect.SAME_ROWS, fences=()):
    replace_files(table, old=old, new=new, schema=RESULTS, effect=effect, fences=fences)


def two_files(root):
    write_results(root, [ok("b", [0.5]), failed("c", "empty")])
    write_results(root, [ok("a", [0.5], by="s2"), ok("a", [0.5])])
    return opened(root)


def test_files_are_known_by_their_one_key_and_first_track(tmp_path):
    found = listed(two_files(tmp_path))
    assert [(one.key, one.first, one.num_rows) for one in found] == [(None, "a", 2), ("s1", "b", 2)]
    assert all((tmp_path / "results" / one.name).stat().st_size == one.size_bytes for one in found)


def test_a_batch_is_a_row_group_and_files_have_about_the_wanted_rows(tmp_path):
    two_files(tmp_path)
    adds = write(tmp_path, batches(*"abcdefg"), file_rows=3)
    assert [num_rows(add) for add in adds] == [4, 3]
    path = tmp_path / "results" / adds[0].path
    assert pq.read_metadata(path).num_row_groups == 2
    assert pq.read_schema(path).equals(RESULTS, check_metadata=False)
    facts = json.loads(adds[0].stats)
    assert (facts["minValues"]["track_id"], facts["maxValues"]["track_id"]) == ("a", "d")
    assert facts["nullCount"]["reason"] == 4
    assert "reason" not in facts["minValues"]


def test_new_files_stand_in_the_place_of_old_ones(tmp_path):
    table = two_files(tmp_path)
    replace(table, old=listed(table)[:1], new=write(tmp_path, batches("x", "y")))
    found = pa.table(opened(tmp_path).scan().read_all())["track_id"].to_pylist()
    assert sorted(found) == ["b", "c", "x", "y"]


@pytest.mark.parametrize("effect", list(Effect))
def test_of_two_rewrites_of_one_file_the_second_fails(tmp_path, effect):
    """A trap: without the fence deltalake takes both, and the rows are there twice."""
    first, second = two_files(tmp_path), opened(tmp_path)
    replace(first, old=listed(first), new=write(tmp_path, batches("x")), effect=effect)
    with pytest.raises(CommitFailedError):
        replace(second, old=listed(second), new=write(tmp_path, batches("x")), effect=effect)
    assert opened(tmp_path).transaction_version(MAINTENANCE) == 1


def test_a_writer_under_a_fence_makes_it_fail_and_another_does_not(tmp_path):
    table, other = two_files(tmp_path), opened(tmp_path)
    for key in ("s1", "s2"):
        other.create_write_transaction(
            write(tmp_path, batches(key)),
            "append",
            RESULTS,
            commit_properties=CommitProperties(app_transactions=[Transaction(key, 1)]),
        )
        other.update_incremental()
    new = write(tmp_path, batches("x"))
    with pytest.raises(CommitFailedError):
        replace(table, old=listed(table), new=new, fences=["s1"])
    replace(table, old=listed(table), new=new, fences=["s3"])
    assert DeltaTable(f"{tmp_path}/results").transaction_version("s3") == 1


def test_a_store_that_does_not_answer_is_said_and_nothing_is_lost(tmp_path, monkeypatch):
    table = two_files(tmp_path)
    real = table.create_write_transaction

    def lose_answer(*args, **kwargs):
        real(*args, **kwargs)
        raise OSError("connection reset by peer")

    monkeypatch.setattr(table, "create_write_transaction", lose_answer)
    with pytest.raises(TableError, match=r"reset by peer.*run the same command again"):
        replace(table, old=listed(table), new=write(tmp_path, batches("x", "y")))
    assert opened(tmp_path).count() == 2
