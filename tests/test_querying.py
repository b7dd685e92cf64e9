"""What infra/QUERYING.md shows runs, and says of the views what they are."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from tagged import START, STORAGE, failed, ok, scoring, track, write_results, write_scorings
from tagged import write_tracks as write_catalog_rows

from pipeline.schemas import DESCRIPTORS
from pipeline.tables import delta
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query
from pipeline.taxonomy import Taxonomy

TEXT = (Path(__file__).resolve().parents[1] / "infra" / "QUERYING.md").read_text()
BLOCKS = [
    (match[1], match[2].strip(), match[3].strip())
    for match in re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
]
MTAT = Taxonomy("mtat50", ("instrument---piano", "mood---slow", "vocal---vocal", "genre---rock"))
PLAYED = Taxonomy("instruments", ("instrument---piano", "instrument---violin"))
TABLES = ("catalog", "results", "tags", "current", "descriptors")


def blocks(language: str, kind: str) -> list[str]:
    return [text for lang, of, text in BLOCKS if (lang, of) == (language, kind)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Six tracks: t1 has a new version, t4 failed, t5 was never scored, t6 left the catalog."""
    root = tmp_path_factory.mktemp("querying") / "earmark-data"
    write_scorings(
        root, scoring("s1", MTAT), scoring("s2", PLAYED, (0.5, 0.5)), scoring("s3", MTAT)
    )
    tracks = [track(f"t{i}", version="v2" if i == 1 else "v1") for i in range(1, 6)]
    tracks[0]["title"] = "Gymnopédie No. 1"
    write_catalog_rows(root, [*tracks, track("t2", occurrence=1, uri="/music/copy.mp3")])
    rows = [
        ok("t1", [0.1, 0.1, 0.9, 0.1]),
        ok("t1", [0.9, 0.8, 0.1, 0.2], version="v2", minutes=9),
        ok("t2", [0.6, 0.4, 0.1, 0.3]),
        ok("t3", [0.2, 0.9, 0.6, 0.1]),
        ok("t6", [0.9, 0.9, 0.0, 0.1]),
        failed("t4", "undecodable"),
    ]
    write_results(root, rows)
    publish(str(root), storage=STORAGE, memory_mb=200)
    late = {"by": "s2", "minutes": 20}
    write_results(root, [ok("t1", [0.9, 0.8], version="v2", **late), ok("t2", [0.7, 0.1], **late)])
    write_results(root, [ok("t2", [0.3, 0.3, 0.3, 0.3], by="s3", minutes=30)])
    publish(str(root), storage=STORAGE, memory_mb=200)
    described = {"audio_version": "v1", "spec_id": "s", "plan_id": "p", "run_id": "r"}
    described |= {"status": "ok", "tempo_bpm": 72.0, "key": "C", "mode": "major", "made_at": START}
    table = delta.open_table(f"{root}/descriptors", storage=STORAGE, schema=DESCRIPTORS)
    rows = [described | {"track_id": f"t{i}"} for i in (2, 3)]
    write_deltalake(table, pa.Table.from_pylist(rows, schema=DESCRIPTORS), mode="append")
    return root


@pytest.fixture(scope="module")
def session(root):
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        yield connection


@pytest.fixture
def tables(root):
    """The tables under their names, as the portable SQL finds them."""
    connection = duckdb.connect()
    for name in TABLES:
        connection.read_parquet(DeltaTable(f"{root}/{name}").file_uris()).create_view(name)
    created = [text for text in blocks("sql", "portable") if text.startswith("CREATE")]
    for text in created:
        connection.execute(text)
    yield connection
    connection.close()


@pytest.mark.parametrize("name", TABLES)
def test_every_reader_of_delta_can_read_the_tables(root, name):
    table = DeltaTable(f"{root}/{name}")
    assert table.protocol().min_reader_version == 1
    assert table.metadata().partition_columns == []


def test_there_are_snippets_of_each_kind():
    kinds = {(language, kind) for language, kind, _ in BLOCKS}
    assert kinds == {
        ("sql", ""),
        *(("sql", kind) for kind in ("portable", "delta-extension", "spark", "trino")),
        *(("python", kind) for kind in ("duckdb", "polars", "pandas", "spark")),
    }
    assert len(blocks("sql", "")) == 11


@pytest.mark.parametrize("sql", blocks("sql", ""), ids=lambda sql: " ".join(sql.split()[:6]))
def test_every_query_answers_over_the_views(session, sql):
    assert run_query(session, sql).num_rows > 0


@pytest.mark.parametrize(
    "sql",
    [sql for sql in blocks("sql", "portable") if not sql.startswith("CREATE")],
    ids=lambda sql: " ".join(sql.split()[:4]),
)
def test_every_portable_query_answers_over_the_tables(tables, sql):
    assert tables.sql(sql).to_arrow_table().num_rows > 0


def test_the_portable_view_shows_what_the_view_tags_shows(session, tables):
    columns = run_query(session, "FROM tags LIMIT 0").column_names
    sql = f"SELECT {', '.join(columns)} FROM {{}} ORDER BY ALL"
    mine = run_query(session, sql.format("tags"))
    assert tables.sql(sql.format("current_tags")).to_arrow_table().equals(mine)
    assert mine.num_rows == 4 * 4 + 2 * 2


def test_the_portable_answer_of_some_tags_is_that_of_the_wide_view(session, tables):
    wide = next(sql for sql in blocks("sql", "") if "FROM tag_scores_mtat50" in sql)
    long = next(sql for sql in blocks("sql", "portable") if sql.startswith("SELECT track_id"))
    found = {row[0] for row in tables.sql(long).fetchall()}
    assert found == set(run_query(session, wide)["track_id"].to_pylist()) == {"t1", "t2", "t6"}


@pytest.mark.parametrize("view", ["tracks", "tags", "results", "rejects", "descriptors"])
def test_the_table_of_views_names_their_columns(session, view):
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{view}` |"))
    named = [name.strip() for name in row.split("|")[3].split(",")]
    there = run_query(session, f"FROM {view} LIMIT 0").column_names
    if named[-1] == "...":
        assert set(named[:-1]) <= set(there)
    else:
        assert named == there


@pytest.mark.parametrize("kind", ["duckdb", "pandas"])
def test_every_python_snippet_runs(root, monkeypatch, kind):
    monkeypatch.chdir(root.parent)
    names: dict[str, object] = {}
    for text in blocks("python", kind):
        exec(text, names)
    if kind == "duckdb":
        assert names["rows"] == 5 * 4
    else:
        assert len(names["piano"]) > 4


def test_every_polars_snippet_runs_and_agrees_with_the_views(root, session, monkeypatch):
    pytest.importorskip("polars")
    monkeypatch.chdir(root.parent)
    names: dict = {}
    for text in blocks("python", "polars"):
        exec(text, names)
    assert names["first"] == 5 * 4
    assert names["failed"]["reason"].to_list() == ["undecodable"]
    counts = run_query(session, next(sql for sql in blocks("sql", "") if "FILTER" in sql))
    assert names["counts"]["tracks"].to_list() == counts["tracks"].to_pylist()
    assert names["best"].height > 2
    assert set(names["slow_piano"]["track_id"]) == {"t1", "t2", "t6"}
    assert names["scores"].columns == ["track_id", *MTAT.tags]
    assert sorted(names["scores"]["track_id"]) == ["t1", "t2", "t3", "t6"]
    columns = run_query(session, "FROM tags LIMIT 0").column_names
    mine = names["tags"].select(columns).sort(columns).collect().rows()
    shown = run_query(session, "FROM tags ORDER BY ALL").to_pylist()
    assert mine == [tuple(row.values()) for row in shown]


@pytest.mark.parametrize("dialect", ["spark", "trino"])
def test_spark_and_trino_statements_parse_in_their_dialects(dialect):
    sqlglot = pytest.importorskip("sqlglot")
    statements = blocks("sql", "portable") + blocks("sql", dialect)
    assert len(statements) > 4
    for text in statements:
        (parsed,) = sqlglot.parse(text, dialect=dialect)
        assert parsed is not None, text
        assert text.startswith("CALL") or type(parsed).__name__ != "Command", text


def test_the_python_of_spark_is_python():
    (text,) = blocks("python", "spark")
    compile(text, "spark", "exec")
