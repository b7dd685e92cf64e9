"""Columns say what they mean: in Delta tables, in DuckDB's views, and in what is exported."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from searchable import shared
from tagged import STORAGE, ok, scoring, write_results, write_scorings

from pipeline import schemas
from pipeline.schemas import CATALOG, CURRENT, RESULTS, TAGS, fully_described, sentence
from pipeline.tables import delta
from pipeline.tables.current import read_current, set_current
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query

TABLES = {name: schema for name, schema in vars(schemas).items() if isinstance(schema, pa.Schema)}


def bare(schema: pa.Schema) -> pa.Schema:
    """The schema as a table has it that was made before there were comments."""
    return pa.schema([field.remove_metadata() for field in schema])


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_every_table_has_a_comment_and_says_what_its_nulls_are(name):
    for field in TABLES[name]:
        assert field.metadata[b"comment"]
        told = fully_described(field).metadata
        assert field.nullable == (b"nulls" in told), field.name
        for text in told.values():
            assert text.decode() in sentence(field)


@pytest.mark.parametrize("name", TABLES)
def test_deltalake_reads_the_comments_back(name, tmp_path):
    delta.open_table(str(tmp_path / "t"), storage=STORAGE, schema=TABLES[name])
    found = {
        field.name: field.metadata["comment"]
        for field in DeltaTable(str(tmp_path / "t")).schema().fields
    }
    assert found == {field.name: field.metadata[b"comment"].decode() for field in TABLES[name]}


def test_duckdb_shows_the_comments_of_every_view(tmp_path_factory):
    root = shared(tmp_path_factory)
    with open_views(root, storage=STORAGE, memory_mb=200) as connection:
        found = run_query(
            connection,
            "SELECT table_name, column_name, comment FROM duckdb_columns() "
            "WHERE schema_name = 'main' AND NOT internal",
        ).to_pylist()
        views = run_query(
            connection, "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'main'"
        ).to_pylist()
    told = {(row["table_name"], row["column_name"]): row["comment"] for row in found}
    assert told["tags", "threshold"] == sentence(TAGS.field("threshold"))
    assert "what it is" not in told
    plain = {key for key, text in told.items() if text is None}
    assert all(view.startswith("tag_scores") for view, _ in plain)
    assert {row["view_name"] for row in views if row["comment"]} >= {"tags", "tag_scores_toy"}


def test_tables_made_before_there_were_comments_go_on_to_work(tmp_path):
    for name, schema in (("results", RESULTS), ("tags", TAGS)):
        DeltaTable.create(str(tmp_path / name), bare(schema))
    write_scorings(tmp_path, scoring("s1"))
    write_results(tmp_path, [ok("t1", [0.1, 0.2, 0.3, 0.4])])
    report = publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    assert report.rows == 4
    with open_views(str(tmp_path), storage=STORAGE, memory_mb=200) as connection:
        assert run_query(connection, "FROM tags").num_rows == 4


@pytest.mark.parametrize("name", ["results", "tags", "catalog"])
def test_a_table_with_other_comments_takes_transactions_of_todays_schema(name, tmp_path):
    schema = TABLES[name.upper()]
    other = pa.schema([field.with_metadata({"comment": "old words"}) for field in schema])
    DeltaTable.create(str(tmp_path / name), other)
    table = delta.open_table(str(tmp_path / name), storage=STORAGE, schema=schema)
    table.create_write_transaction([], "append", schema)
    assert DeltaTable(str(tmp_path / name)).schema().fields[0].metadata["comment"] == "old words"


def test_which_scoring_is_current_can_be_set_in_a_workspace_of_before(tmp_path):
    """deltalake refuses a write whose comments differ from the table's."""
    before = {
        "taxonomy_id": "a list of tags",
        "taxonomy": "its short name",
        "tags": "category---name, in order",
        "scoring_id": "the scoring that its views show",
        "model_version": "the bundle behind it",
        "since": "when it was made current",
    }
    fields = [field.with_metadata({"comment": before[field.name]}) for field in CURRENT]
    DeltaTable.create(str(tmp_path / "current"), pa.schema(fields))
    set_current(str(tmp_path), storage=STORAGE, scoring=scoring("s1"))
    assert read_current(str(tmp_path), storage=STORAGE)["scoring_id"].to_pylist() == ["s1"]


def test_the_comments_that_writers_bring_along_are_those_of_the_first_tables():
    """Changed ones would stop every scan of a catalog that was made before."""
    comments = [field.metadata[b"comment"].decode() for field in [*CATALOG, *CURRENT]]
    digest = hashlib.sha256("\n".join(comments).encode()).hexdigest()
    assert digest == "b865b894350d150c95bf24f268a515cd224f99e336320855591ced64dfc08e44"
