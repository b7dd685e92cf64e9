"""No SQL of `earmark query` writes a file, reads one that is no table, or changes the session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tagged import STORAGE, small_workspace

from pipeline.errors import UserError
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query

CANARY = "canary-7f3a"
BOUNDED = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PLACES = st.sampled_from(
    [
        "{out}",
        "{out}/x.csv",
        "{secret}",
        "{table}",
        "/etc/passwd",
        "file://{secret}",
        "{outside}",
        "{root}/**",
        "{root}/tags/../../secret.txt",
        "http://127.0.0.1:9/x",
        "s3://b/x",
        "~/.ssh/*",
    ]
)
READERS = st.sampled_from(
    [
        "read_text({})",
        "read_blob({})",
        "read_csv({})",
        "read_json({})",
        "read_parquet({})",
        "glob({})",
        "sniff_csv({})",
        "parquet_metadata({})",
        "read_duckdb({})",
        "read_xlsx({})",
        "parquet_file_metadata({})",
        "parquet_bloom_probe({}, 'a', 1)",
        "read_ndjson({})",
        "query('FROM ' || {})",
        "query_table({})",
        "read_csv_auto([{}])",
        "delta_scan({})",
    ]
)
WRITES = st.sampled_from(
    [
        "COPY tags TO {}",
        "COPY (SELECT 1) TO {} (FORMAT parquet)",
        "EXPORT DATABASE {}",
        "ATTACH {}",
        "ATTACH {} (READ_WRITE)",
        "INSTALL httpfs FROM {}",
        "LOAD {}",
        "IMPORT DATABASE {}",
        "SET temp_directory = {}",
        "SET log_query_path = {}",
        "SET profiling_output = {}",
        "PRAGMA profiling_output = {}",
        "SET home_directory = {}",
        "SET extension_directory = {}",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CHECKPOINT",
        "VACUUM",
        "CREATE TABLE y AS SELECT 1",
        "DROP VIEW tags",
        "CREATE SECRET (TYPE s3)",
        "USE source",
        "CALL enable_logging(storage => 'file', storage_config => {{'path': {}}})",
        "CREATE OR REPLACE VIEW tags AS SELECT {}",
        "INSERT INTO tags VALUES ({})",
        "DETACH memory",
    ]
)
WRAPPERS = st.sampled_from(
    [
        "{}",
        "SELECT * FROM ({})",
        "WITH x AS ({}) FROM x",
        "WITH x AS MATERIALIZED ({}) FROM x",
        "EXPLAIN ANALYZE {}",
        "EXPLAIN {}",
        "SELECT 1; {}",
        "{}; SELECT 1",
        "FROM query($${}$$)",
        "PREPARE p AS {}",
        "DESCRIBE {}",
        "SUMMARIZE {}",
        "SELECT (SELECT 1 FROM ({}))",
        "-- \n{}",
        "FROM tags UNION ALL BY NAME {}",
        "/* */ {} --",
        "PIVOT ({}) ON 1",
        "SHOW {}",
    ]
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz") / "ws"
    small_workspace(root)
    publish(str(root), storage=STORAGE, memory_mb=200)
    (root.parent / "secret.txt").write_text(CANARY)
    (root.parent / "secret.csv").write_text(f"a\n{CANARY}\n")
    (root.parent / "out").mkdir()
    return root


@pytest.fixture(scope="module")
def session(root):
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        yield connection


def kept(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def told(session, sql: str) -> str:
    """The answer, or the refusal."""
    try:
        return str(run_query(session, sql).to_pylist())
    except UserError as error:
        return str(error)


@BOUNDED
@given(
    wrapper=WRAPPERS,
    inner=WRITES | READERS.map("SELECT * FROM {}".format),
    place=PLACES,
    quoted=st.sampled_from(["'{}'", '"{}"', "$${}$$", "E'{}'"]),
)
def test_no_sql_writes_or_reads_a_file(root, session, wrapper, inner, place, quoted):
    names = {
        "out": root.parent / "out",
        "secret": root.parent / "secret.txt",
        "outside": root.parent / "secret.csv",
        "table": next((root / "tags").glob("*.parquet")),
        "root": root,
    }
    before, here = kept(root.parent), sorted(os.listdir())
    literal = quoted.format(place.format(**names))
    said = told(session, wrapper.format(inner.format(literal)))
    assert CANARY not in said
    assert "root:" not in said
    assert kept(root.parent) == before
    assert sorted(os.listdir()) == here
    assert run_query(session, "SELECT count(*) AS n FROM tags").to_pylist() == [{"n": 11}]


@BOUNDED
@given(sql=st.text(max_size=60))
def test_any_text_is_answered_or_refused_in_words(session, sql):
    told(session, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT getenv('RAY_AUTH_TOKEN')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM which_secret('s3://b', 's3')",
        "SELECT current_setting('s3_secret_access_key')",
        "SELECT * FROM pragma_database_list() WHERE path IS NOT NULL",
    ],
)
def test_the_session_knows_no_secret(session, sql, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", CANARY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    assert CANARY not in told(session, sql)
