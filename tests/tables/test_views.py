from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagged import (
    SOUNDS,
    START,
    STORAGE,
    failed,
    ok,
    scoring,
    small_workspace,
    track,
    write_results,
    write_scorings,
    write_tracks,
)

from pipeline.errors import TableError, UserError
from pipeline.tables.current import set_current
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query, score_columns
from pipeline.taxonomy import Taxonomy

TAG_COLUMNS = [
    *("track_id", "taxonomy", "tag", "category", "score", "threshold", "positive", "rank"),
    *("model_version", "scoring_id"),
]


def ask(root, sql: str) -> list[dict]:
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        return run_query(connection, sql).to_pylist()


def refresh(root) -> None:
    publish(str(root), storage=STORAGE, memory_mb=200)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws")
    small_workspace(root)
    refresh(root)
    return root


@pytest.fixture(scope="module")
def session(root):
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        yield connection


def test_the_views_are_listed_and_nothing_else(session):
    names = [row["name"] for row in run_query(session, "SHOW TABLES").to_pylist()]
    assert names == [
        "descriptors",
        "rejects",
        "results",
        "tag_scores_moods",
        "tag_scores_sounds",
        "tags",
        "tracks",
    ]


def test_tags_has_its_columns_and_joins_the_model(session):
    table = run_query(session, "SELECT * FROM tags WHERE tag = 'piano'")
    assert table.column_names == TAG_COLUMNS
    (row,) = table.to_pylist()
    assert (row["taxonomy"], row["model_version"]) == ("sounds", "net-s2@0123456789ab")
    assert row["positive"] is True


def test_one_column_a_tag(session):
    rows = run_query(session, "SELECT * FROM tag_scores_moods ORDER BY track_id").to_pylist()
    assert [row["track_id"] for row in rows] == ["t1", "t2"]
    assert rows[0]["wild"] == pytest.approx(0.9)
    assert rows[0]["mood---calm"] == pytest.approx(0.1)
    assert rows[0]["genre---Calm"] == pytest.approx(0.2)


def test_one_taxonomy_alone_is_also_called_tag_scores(tmp_path):
    write_scorings(tmp_path, scoring("s2", SOUNDS))
    write_results(tmp_path, [ok("t1", [0.6, 0.5, 0.75], by="s2")])
    refresh(tmp_path)
    rows = ask(tmp_path, "SELECT * FROM tag_scores")
    assert rows == ask(tmp_path, "SELECT * FROM tag_scores_sounds")
    assert list(rows[0]) == ["track_id", "piano", "drums", "singing"]


def test_two_taxonomies_of_one_name_get_views_by_their_ids(tmp_path):
    other = Taxonomy("moods", ("mood---odd",))
    write_scorings(tmp_path, scoring("s1"), scoring("s9", other))
    write_results(tmp_path, [ok("t1", [0.1, 0.2, 0.3, 0.4]), ok("t1", [0.5], by="s9")])
    refresh(tmp_path)
    view = f"tag_scores_{other.taxonomy_id.replace('-', '_')}"
    assert ask(tmp_path, f"SELECT odd FROM {view}") == [{"odd": 0.5}]


def test_rejects_have_the_reason_and_the_uri(session):
    (row,) = run_query(session, "FROM rejects").to_pylist()
    assert (row["track_id"], row["reason"], row["uri"]) == ("t3", "undecodable", "/music/t3.mp3")


def test_a_reject_of_a_file_that_has_changed_since_is_not_shown(tmp_path):
    write_tracks(tmp_path, [track("t1", version="v2"), track("t2")])
    write_results(tmp_path, [failed("t1", "empty"), failed("t2", "empty"), failed("t9", "empty")])
    assert [r["track_id"] for r in ask(tmp_path, "FROM rejects ORDER BY 1")] == ["t2", "t9"]


def test_tracks_has_one_row_an_id(tmp_path):
    write_tracks(tmp_path, [track("t1"), track("t1", occurrence=1, uri="/music/copy.mp3")])
    assert [r["uri"] for r in ask(tmp_path, "FROM tracks")] == ["/music/t1.mp3"]


def test_only_the_current_scoring_is_shown_and_it_can_be_moved(tmp_path):
    small_workspace(tmp_path)
    write_scorings(tmp_path, scoring("s5"))
    write_results(tmp_path, [ok("t1", [0.3, 0.3, 0.3, 0.3], by="s5", minutes=60)])
    refresh(tmp_path)
    query = "SELECT DISTINCT scoring_id FROM tags WHERE taxonomy = 'moods'"
    assert ask(tmp_path, query) == [{"scoring_id": "s1"}]
    set_current(str(tmp_path), storage=STORAGE, scoring=scoring("s5"))
    assert ask(tmp_path, query) == [{"scoring_id": "s5"}]
    assert ask(tmp_path, "SELECT track_id FROM tag_scores_moods") == [{"track_id": "t1"}]
    assert len(ask(tmp_path, "SELECT DISTINCT scoring_id FROM results")) == 3


SCORES = {"v1": [0.9, 0.1, 0.1, 0.1], "v2": [0.2, 0.8, 0.1, 0.1]}


@pytest.mark.parametrize(
    ("in_catalog", "shown"),
    [("v1", "v1"), ("v2", "v2"), ("v3", "v2"), (None, "v2")],
    ids=[
        "back to the old",
        "the new",
        "a version not scored yet: the last",
        "no catalog: the last",
    ],
)
def test_of_a_track_whose_file_changed_one_version_is_shown(tmp_path, in_catalog, shown):
    write_scorings(tmp_path, scoring("s1"))
    if in_catalog:
        write_tracks(tmp_path, [track("t1", version=in_catalog), track("t2")])
    write_results(
        tmp_path,
        [
            ok("t1", SCORES["v1"], version="v1"),
            ok("t1", SCORES["v2"], version="v2", minutes=10),
            ok("t2", [0.5, 0.5, 0.5, 0.5]),
        ],
    )
    refresh(tmp_path)
    expected = pytest.approx(SCORES[shown][1])
    query = "SELECT score FROM tags WHERE track_id = 't1' AND tag = 'wild'"
    assert [row["score"] for row in ask(tmp_path, query)] == [expected]
    query = "SELECT wild FROM tag_scores WHERE track_id = 't1'"
    assert [row["wild"] for row in ask(tmp_path, query)] == [expected]
    assert len(ask(tmp_path, "FROM tags WHERE track_id = 't2'")) == 4
    assert len(ask(tmp_path, "FROM results WHERE track_id = 't1'")) == 2


def test_a_new_version_that_failed_leaves_the_old_tags(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    write_tracks(tmp_path, [track("t1", version="v2")])
    write_results(tmp_path, [ok("t1", SCORES["v1"]), failed("t1", "empty", version="v2")])
    refresh(tmp_path)
    assert len(ask(tmp_path, "FROM tags")) == 4
    assert [row["reason"] for row in ask(tmp_path, "FROM rejects")] == ["empty"]


def test_missing_tables_are_empty_views(tmp_path):
    write_tracks(tmp_path, [track("t1")])
    assert len(ask(tmp_path, "FROM tracks")) == 1
    for view in ("tags", "results", "rejects"):
        assert ask(tmp_path, f"FROM {view}") == []


def test_no_workspace_at_all_is_an_error(tmp_path):
    with pytest.raises(TableError, match="no workspace at"):
        ask(tmp_path / "typo", "SELECT 1")
    assert not (tmp_path / "typo").exists()


def test_times_are_utc(session):
    (row,) = run_query(session, "SELECT max(tagged_at) AS t FROM results").to_pylist()
    assert row["t"] == START + timedelta(minutes=5)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM tags",
        "WITH best AS (SELECT * FROM tags WHERE rank = 1) SELECT * FROM best",
        "DESCRIBE tags",
        "SUMMARIZE tracks",
        "SELECT 1; -- the end",
        "VALUES (1)",
        "PIVOT tags ON tag IN ('wild', 'rock') USING max(score) GROUP BY track_id",
    ],
)
def test_what_reads_is_allowed(session, sql):
    assert run_query(session, sql).num_rows > 0


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("ATTACH '{tmp}/x.db'", "only reads"),
        ("COPY tags TO '{tmp}/x.csv'", "only reads"),
        ("COPY tags TO '{file}'", "only reads"),
        ("WITH x AS (COPY tags TO '{tmp}/x.csv') FROM x", "COPY"),
        ("WITH x AS (COPY tags TO '{file}') FROM x", "COPY"),
        ("EXPLAIN ANALYZE COPY tags TO '{file}'", "only reads"),
        ("EXPORT DATABASE '{tmp}/x'", "only reads"),
        ("INSTALL httpfs", "only reads"),
        ("LOAD httpfs", "only reads"),
        ("SELECT * FROM read_csv('/etc/passwd')", "Cannot access"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SELECT * FROM read_text('/etc/passwd')", "Cannot access"),
        ("SELECT * FROM glob('/etc/*')", "Cannot access"),
        ("SET threads = 1", "only reads"),
        ("RESET enable_external_access", "only reads"),
        ("PRAGMA enable_profiling", "only reads"),
        ("CREATE TABLE x (a INT)", "only reads"),
        ("CREATE OR REPLACE VIEW tags AS SELECT 1", "only reads"),
        ("INSERT INTO results VALUES (1)", "only reads"),
        ("WITH x AS (DELETE FROM source.superseded RETURNING *) FROM x", "data-modifying"),
        ("DROP VIEW tags", "only reads"),
        ("BEGIN", "only reads"),
        ("SELECT 1; SELECT 2", "holds 2"),
        ("SELECT 1; DROP VIEW tags", "holds 2"),
        ("", "holds 0"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM tagz", 'Did you mean "tags"'),
        ("SELECT scor FROM tags", '"score"'),
        ("SELECT CAST('a' AS INTEGER)", "Could not convert"),
        ("SELECT * FROM tags WHERE tag = $1", "parameters"),
    ],
)
def test_everything_else_is_refused_with_a_message(session, root, sql, message):
    file = next((root / "tags").glob("*.parquet"))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=message):
        run_query(session, sql.format(tmp=root, file=file))
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert after == before
    assert run_query(session, "SELECT count(*) AS n FROM tags").to_pylist() == [{"n": 11}]


def test_a_variable_of_the_calling_program_is_no_table(session):
    secrets = run_query(session, "SELECT 1 AS a")  # noqa: F841 - must not be found by its name
    with pytest.raises(UserError, match="secrets does not exist"):
        run_query(session, "SELECT * FROM secrets")


@given(st.lists(st.text("aAbB", min_size=1, max_size=2), min_size=1, max_size=12, unique=True))
def test_score_columns_never_collide_even_without_regard_to_case(names):
    tags = [f"{category}---{name}" for category in ("x", "y") for name in [*names, "track_id"]]
    columns = score_columns(Taxonomy("t", tuple(dict.fromkeys(tags))))
    folded = [column.casefold() for column in columns]
    assert "track_id" not in folded
    assert len(set(folded)) == len(folded)
