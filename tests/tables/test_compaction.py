from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from ledgered import KEY, rows_of, start, written
from tagged import STORAGE, failed, ok, scoring, write_results, write_scorings

from pipeline.errors import TableError
from pipeline.schemas import RESULTS
from pipeline.tables import compaction, delta
from pipeline.tables.compaction import Extent, bins, compact
from pipeline.tables.database import database
from pipeline.tables.rewrite import DataFile
from pipeline.tables.tags import publish
from pipeline.tables.verify import verify


def run(root, **options):
    done = compact(str(root), storage=STORAGE, memory_mb=200, **options)
    return {one.table: one for one in done}


def files(root, table):
    return delta.file_uris(DeltaTable(f"{root}/{table}"))


def rows(root, table):
    found = pa.table(DeltaTable(f"{root}/{table}").scan().read_all()).to_pylist()
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in found)


def many_files(root, *, commits=5):
    for i in range(commits):
        write_results(root, [ok(f"t{i}", [0.1 * i, 0.5, 0.2, 1.0]), failed(f"x{i}", "empty")])
        write_results(root, [ok(f"t{i}", [0.3, 0.5, 0.2, 0.1 * i], by="s2")])
    write_scorings(root, scoring("s1"), scoring("s2"))


def test_the_rows_stay_and_a_file_holds_one_key(tmp_path):
    many_files(tmp_path)
    before = rows(tmp_path, "results")
    done = run(tmp_path)["results"]
    assert (done.files_before, done.files_after, done.merged) == (10, 2, 10)
    assert rows(tmp_path, "results") == before
    assert len(files(tmp_path, "results")) == 2
    table = DeltaTable(f"{tmp_path}/results")
    assert len(delta.file_uris(table, predicate="scoring_id = 's2'")) == 1
    assert len(delta.file_uris(table, predicate="track_id = 'x1' AND scoring_id = 's2'")) == 0


def test_the_types_of_the_schema_stay(tmp_path):
    many_files(tmp_path)
    run(tmp_path)
    for uri in files(tmp_path, "results"):
        assert pq.read_schema(uri).equals(RESULTS, check_metadata=False)
    table = delta.open_existing(f"{tmp_path}/results", storage=STORAGE, schema=RESULTS)
    with database(memory_mb=100) as connection:
        delta.parquet_source(
            connection, name="results", table=table, schema=RESULTS, storage=STORAGE
        )
        sql = "SELECT scores[2] FROM results WHERE track_id = 't1' AND scoring_id = 's1'"
        assert connection.sql(sql).fetchall() == [(0.5,)]


def test_a_second_run_has_nothing_to_do_and_commits_nothing(tmp_path):
    many_files(tmp_path)
    run(tmp_path)
    version = DeltaTable(f"{tmp_path}/results").version()
    assert "nothing to merge" in run(tmp_path)["results"].lines()[0]
    assert DeltaTable(f"{tmp_path}/results").version() == version


def test_files_do_not_grow_beyond_the_wanted_size(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "GROUP_ROWS", (2, 2))
    many_files(tmp_path, commits=8)
    before = rows(tmp_path, "results")
    run(tmp_path, target_bytes=12_000)
    assert rows(tmp_path, "results") == before
    assert 2 < len(files(tmp_path, "results")) < 16


def test_readers_of_an_old_version_go_on(tmp_path):
    many_files(tmp_path)
    old = DeltaTable(f"{tmp_path}/results")
    with database(memory_mb=100) as connection:
        delta.parquet_source(connection, name="results", table=old, schema=RESULTS, storage=STORAGE)
        run(tmp_path)
        assert connection.sql("SELECT count(*) FROM results").fetchall() == [(15,)]


def test_a_tag_s_best_tracks_lie_together_again(tmp_path):
    many_files(tmp_path, commits=1)
    for i in range(1, 5):
        publish(str(tmp_path), storage=STORAGE, memory_mb=200)
        write_results(tmp_path, [ok(f"u{i}", [0.2 * i, 0.5, 0.9, 0.1])])
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    before = rows(tmp_path, "tags")
    assert len(files(tmp_path, "tags")) == 6
    run(tmp_path)
    assert rows(tmp_path, "tags") == before
    first, second = (pq.read_table(uri).to_pylist() for uri in files(tmp_path, "tags"))
    for found in (first, second):
        assert len({row["scoring_id"] for row in found}) == 1
        assert found == sorted(
            found, key=lambda r: (r["tag"], r["category"], -r["score"], r["track_id"])
        )
    assert publish(str(tmp_path), storage=STORAGE, memory_mb=200).rows == 0


def test_a_run_goes_on_over_a_compaction(tmp_path):
    tracks = [f"t{i:02d}" for i in range(12)]
    committer = start(tmp_path, tracks=tracks, run_id="r1").committers[KEY]
    for i in range(0, 8, 2):
        committer.add(written(tmp_path, tracks=tracks[i : i + 2], numbers=[i, i + 1]))
        committer.commit()
    committer.add(written(tmp_path, tracks=tracks[8:10], numbers=[8, 9]))
    assert run(tmp_path)["results"].files_after == 1
    committer.add(written(tmp_path, tracks=tracks[6:12], numbers=[6, 7, 8, 9, 10, 11]))
    assert committer.commit() == 4
    assert rows_of(tmp_path) == tracks
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=200).holds


def test_two_runs_of_one_key_share_the_work_over_a_compaction(tmp_path):
    first = start(tmp_path, tracks="abcdef", run_id="r1").committers[KEY]
    second = start(tmp_path, tracks="abcdef", run_id="r2").committers[KEY]
    first.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    first.commit()
    first.add(written(tmp_path, tracks="c", numbers=[2]))
    first.commit()
    run(tmp_path)
    second.add(written(tmp_path, tracks="bcd", numbers=[1, 2, 3]))
    assert second.commit() == 1
    first.add(written(tmp_path, tracks="def", numbers=[3, 4, 5]))
    assert first.commit() == 2
    assert rows_of(tmp_path) == list("abcdef")
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=200).holds


def test_a_commit_whose_answer_is_lost_before_a_compaction_is_not_repeated(tmp_path, monkeypatch):
    committer = start(tmp_path, tracks="abcd", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.commit()
    committer.add(written(tmp_path, tracks="cd", numbers=[2, 3]))
    table = committer._table
    real = table.create_write_transaction

    def lose_answer(*args, **kwargs):
        real(*args, **kwargs)
        run(tmp_path)  # the file of the receipt is merged away before the committer looks again
        raise OSError("connection reset by peer")

    monkeypatch.setattr(table, "create_write_transaction", lose_answer)
    committer.commit()
    monkeypatch.undo()
    assert committer.commit() == 0
    assert rows_of(tmp_path) == list("abcd")


def test_of_two_compactions_at_once_one_computes_anew(tmp_path, monkeypatch):
    """A trap: deltalake takes two transactions that remove one file, and its rows double."""
    many_files(tmp_path)
    before = rows(tmp_path, "results")
    real, raced = compaction.replace_files, []

    def race(table, **options):
        if not raced:
            raced.append(True)
            run(tmp_path)
        real(table, **options)

    monkeypatch.setattr(compaction, "replace_files", race)
    run(tmp_path)
    assert rows(tmp_path, "results") == before


def test_a_checkpoint_is_written_so_that_the_log_need_not_be_read(tmp_path):
    many_files(tmp_path)
    run(tmp_path)
    version = DeltaTable(f"{tmp_path}/results").version()
    assert list((tmp_path / "results" / "_delta_log").glob(f"{version:020d}.checkpoint*"))


def test_a_workspace_without_tables_is_refused(tmp_path):
    with pytest.raises(TableError, match="nothing to compact"):
        run(tmp_path)


FILES = st.lists(
    st.builds(
        DataFile,
        name=st.uuids().map(str),
        size_bytes=st.integers(1, 300),
        num_rows=st.just(1),
        key=st.sampled_from(["a", "b"]),
        first=st.just(""),
    ),
    max_size=30,
).map(lambda found: sorted(found, key=lambda file: file.key))


@given(FILES)
def test_bins_hold_small_files_of_one_key_once_each_and_have_an_end(found):
    made = list(bins(found, extent=Extent.SMALL, target_bytes=100))
    taken = [file.name for one in made for file in one]
    assert len(taken) == len(set(taken))
    for one in made:
        assert len(one) > 1
        assert len({file.key for file in one}) == 1
        assert all(file.size_bytes < 50 for file in one)
        assert sum(file.size_bytes for file in one) < 8 * 100 + 50
    left = [file for file in found if file.size_bytes < 50 and file.name not in taken]
    assert len(left) <= 2


@given(FILES)
def test_all_files_of_a_key_are_one_bin_when_all_are_wanted(found):
    made = list(bins(found, extent=Extent.ALL, target_bytes=100))
    keys = [one[0].key for one in made]
    assert len(keys) == len(set(keys))
    assert all(len(one) == sum(f.key == one[0].key for f in found) for one in made)
