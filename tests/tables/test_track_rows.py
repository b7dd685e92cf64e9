from __future__ import annotations

import pytest
from tagged import STORAGE, ok, small_workspace, track, write_results, write_tracks

from pipeline.tables.commits import TABLES
from pipeline.tables.database import database
from pipeline.tables.tags import publish
from pipeline.tables.track_rows import COLUMNS, track_rows


def rows(root, table: str, track_id: str):
    with database(memory_mb=200) as connection:
        return track_rows(
            connection, table=table, track_id=track_id, root_url=str(root), storage=STORAGE
        )


def test_every_table_with_tracks_is_looked_into():
    keyed = {name for name, schema in TABLES.items() if "track_id" in schema.names}
    assert set(COLUMNS) == keyed


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_that_is_not_there_has_no_rows(tmp_path, table):
    assert rows(tmp_path, table, "t1") == []


def test_rows_come_with_their_files_and_without_their_vectors(tmp_path):
    small_workspace(tmp_path)
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    found = rows(tmp_path, "results", "t1")
    assert [row["scoring_id"] for row in found] == ["s1", "s2"]
    assert {(row["num_scores"], row["num_embedding"]) for row in found} == {(4, 2), (3, 2)}
    for row in found:
        assert (tmp_path / "results" / row["file"]).is_file()
    tags = {row["scoring_id"]: row for row in rows(tmp_path, "tags", "t1")}
    assert (tags["s1"]["num_tags"], tags["s1"]["best"]) == (4, "mood---wild")
    assert (tags["s2"]["num_tags"], tags["s2"]["num_positive"]) == (3, 2)
    assert rows(tmp_path, "results", "t4") == []


def test_ids_with_quotes_and_copies_are_found(tmp_path):
    odd = 'it\'s "odd" -- ;'
    write_tracks(tmp_path, [track(odd), track(odd, occurrence=1), track("t2")])
    write_results(tmp_path, [ok(odd, [0.1, 0.2, 0.3, 0.4])])
    assert [row["occurrence"] for row in rows(tmp_path, "catalog", odd)] == [0, 1]
    assert len(rows(tmp_path, "results", odd)) == 1
