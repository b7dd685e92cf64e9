from __future__ import annotations

import subprocess
import sys
import threading

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from tagged import STORAGE

from pipeline.errors import TableError
from pipeline.schemas import CURRENT, RESULTS
from pipeline.storage import Storage
from pipeline.tables import delta
from pipeline.tables.database import database

SCHEMA = pa.schema(
    [
        pa.field("track_id", pa.string(), nullable=False, metadata={"comment": "who"}),
        pa.field("scores", pa.list_(pa.float32())),
    ]
)


def rows(*track_ids: str) -> pa.Table:
    return pa.table({"track_id": track_ids, "scores": [[0.5]] * len(track_ids)}, schema=SCHEMA)


def through_duckdb(table: DeltaTable | None) -> list[tuple]:
    with database(memory_mb=100) as connection:
        delta.parquet_source(connection, name="t", table=table, schema=SCHEMA, storage=STORAGE)
        return connection.sql("FROM t ORDER BY track_id").fetchall()


def test_a_table_is_made_once_with_the_comments_of_its_schema(tmp_path):
    url = str(tmp_path / "ws" / "t")
    first = delta.open_table(url, storage=STORAGE, schema=SCHEMA)
    assert first.schema().fields[0].metadata["comment"] == "who"
    assert delta.open_table(url, storage=STORAGE, schema=SCHEMA).version() == 0


def test_creators_at_the_same_time_make_one_version(tmp_path):
    for attempt in range(5):
        url = str(tmp_path / f"t{attempt}")
        opened: list[int] = []

        def create(url=url, opened=opened) -> None:
            opened.append(delta.open_table(url, storage=STORAGE, schema=SCHEMA).version())

        threads = [threading.Thread(target=create) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened == [0, 0, 0]
        assert DeltaTable(url).version() == 0


def test_open_existing_gives_none_and_makes_nothing(tmp_path):
    url = str(tmp_path / "t")
    assert delta.open_existing(url, storage=STORAGE, schema=SCHEMA) is None
    assert not (tmp_path / "t").exists()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "a.mp3").touch()
    with pytest.raises(TableError, match=r"1 other file.*a\.mp3.*root_url"):
        delta.open_table(str(tmp_path / "songs"), storage=STORAGE, schema=SCHEMA)
    assert [p.name for p in (tmp_path / "songs").iterdir()] == ["a.mp3"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "t").write_text("x")
    with pytest.raises(TableError, match="is a file"):
        delta.open_table(str(tmp_path / "t"), storage=STORAGE, schema=SCHEMA)


def test_a_table_with_other_columns_is_refused_and_each_fault_is_named(tmp_path):
    other = pa.table({"track_id": pa.array([1], pa.int64()), "extra": ["x"]})
    write_deltalake(str(tmp_path / "t"), other)
    with pytest.raises(TableError) as caught:
        delta.open_existing(str(tmp_path / "t"), storage=STORAGE, schema=SCHEMA)
    assert "extra is unknown" in str(caught.value)
    assert "scores is missing" in str(caught.value)
    assert "track_id is" in str(caught.value)


@pytest.mark.parametrize("schema", [RESULTS, CURRENT])
def test_a_table_of_this_project_passes_its_own_check(tmp_path, schema):
    delta.open_table(str(tmp_path / "t"), storage=STORAGE, schema=schema)
    assert delta.open_existing(str(tmp_path / "t"), storage=STORAGE, schema=schema) is not None


@pytest.mark.parametrize("name", ["plain", "with space", "ümlaut", "it's", "key=value", "a+b#c"])
def test_every_folder_name_can_be_read_back(tmp_path, name):
    table = delta.open_table(str(tmp_path / name), storage=STORAGE, schema=SCHEMA)
    write_deltalake(table, rows("b", "a"), mode="append")
    table.update_incremental()
    assert all((tmp_path / name / uri.rpartition("/")[2]).exists() for uri in table.file_uris())
    assert all(pq.read_metadata(uri).num_rows == 2 for uri in delta.file_uris(table))
    assert through_duckdb(table) == [("a", [0.5]), ("b", [0.5])]


@pytest.mark.parametrize("name", ["100%25", "a[1]", "a^b", "a|b", "a\\b", "a*", "a?", "a\tb"])
def test_a_folder_name_that_deltalake_cannot_hold_is_refused(tmp_path, name):
    with pytest.raises(TableError, match="in its path"):
        delta.open_table(str(tmp_path / name), storage=STORAGE, schema=SCHEMA)


def test_without_a_table_or_without_files_the_source_is_empty_but_has_its_columns(tmp_path):
    assert through_duckdb(None) == []
    assert through_duckdb(delta.open_table(str(tmp_path), storage=STORAGE, schema=SCHEMA)) == []
    assert delta.file_uris(None) == []


def test_files_are_left_out_by_their_statistics(tmp_path):
    url = str(tmp_path / "t")
    table = delta.open_table(url, storage=STORAGE, schema=SCHEMA)
    for track_id in ("a", "b"):
        write_deltalake(url, rows(track_id), mode="append")
    table.update_incremental()
    assert len(delta.file_uris(table)) == 2
    assert len(delta.file_uris(table, predicate="track_id = 'b'")) == 1


def test_a_later_commit_does_not_change_a_source(tmp_path):
    url = str(tmp_path / "t")
    write_deltalake(url, rows("a"))
    table = delta.open_existing(url, storage=STORAGE, schema=SCHEMA)
    write_deltalake(url, rows("b"), mode="append")
    assert [row[0] for row in through_duckdb(table)] == ["a"]


class StoredElsewhere:
    """A table whose files are in an object store: here fsspec's memory."""

    table_uri = "memory:///store/"

    def file_uris(self, file_pruning_predicate: str | None = None) -> list[str]:
        return ["memory:///store/a.parquet"]


def test_files_of_an_object_store_are_read_through_fsspec_after_external_access_is_off():
    memory = fsspec.filesystem("memory")
    with memory.open("/store/a.parquet", "wb") as file:
        pq.write_table(rows("a"), file)
    with database(memory_mb=100) as connection:
        for name in ("first", "second"):
            paths = delta.parquet_source(
                connection, name=name, table=StoredElsewhere(), schema=SCHEMA, storage=Storage()
            )
        connection.execute(f"SET allowed_paths = ['{paths[0]}']")
        connection.execute("SET enable_external_access = false")
        assert connection.sql("SELECT track_id FROM first JOIN second USING (track_id)").fetchall()


def test_opening_an_empty_source_does_not_import_pandas():
    code = (
        "import sys\n"
        "from pipeline.schemas import CATALOG\n"
        "from pipeline.storage import Storage\n"
        "from pipeline.tables import delta\n"
        "from pipeline.tables.database import database\n"
        "with database(memory_mb=100) as c:\n"
        "    delta.parquet_source(c, name='t', table=None, schema=CATALOG, storage=Storage())\n"
        "    assert c.sql('SELECT count(*) FROM t').fetchall() == [(0,)]\n"
        "assert 'pandas' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
