"""The tables as SQL views: read only, and closed to everything else on the machine.

The views are made, DuckDB is told which files they read, then external access is turned off and
the configuration is locked. That alone does not make a session read only: DuckDB lets COPY write
to an allowed file, also from inside a WITH clause (2.0). So a query must be one SELECT, and must
bind as a subquery, where DuckDB takes no statement that changes anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression, DuckDBPyConnection, SQLExpression

from pipeline.errors import TableError, UserError
from pipeline.schemas import CATALOG, CURRENT, DESCRIPTORS, RESULTS, TAGS, sentence
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.database import database
from pipeline.taxonomy import Taxonomy

SOURCES = {
    "catalog": CATALOG,
    "results": RESULTS,
    "tags": TAGS,
    "current": CURRENT,
    "descriptors": DESCRIPTORS,
}

# What each view is, and the schemas that say what its columns mean.
DESCRIBED = {
    "tracks": ("the catalog, one row a track", (CATALOG,)),
    "results": ("the ledger: all scorings and versions, failures too", (RESULTS,)),
    "tags": ("the current scorings, one row a track and tag", (TAGS, CURRENT)),
    "rejects": ("what failed, of the files that the catalog has", (RESULTS, CATALOG)),
    "descriptors": ("one row a described track", (DESCRIPTORS,)),
}

# A track whose file changed has rows of both versions. The one in the catalog is shown if it has
# been scored, else the one that was scored last. Most catalogs have few of these, so the rest are
# listed once and left out by the views: one tag's rows are then still found by their statistics.
SUPERSEDED = """
CREATE TABLE source.superseded AS
WITH scored AS (
    SELECT track_id, audio_version, scoring_id, tagged_at
    FROM source.results WHERE status = 'ok'
), several AS (
    SELECT track_id, scoring_id FROM scored GROUP BY ALL HAVING count(*) > 1
), present AS (
    SELECT DISTINCT track_id, audio_version, true AS is_present FROM source.catalog
)
SELECT track_id, audio_version, scoring_id
FROM scored SEMI JOIN several USING (track_id, scoring_id)
LEFT JOIN present USING (track_id, audio_version)
QUALIFY row_number() OVER (
    PARTITION BY track_id, scoring_id ORDER BY is_present NULLS LAST, tagged_at DESC, audio_version
) > 1
"""

VIEWS = """
CREATE VIEW tracks AS
SELECT * EXCLUDE (occurrence) FROM source.catalog WHERE coalesce(occurrence, 0) = 0;

CREATE VIEW results AS
SELECT * FROM source.results;

CREATE VIEW tags AS
SELECT track_id, taxonomy, tag, category, score, threshold, positive, rank, model_version,
    scoring_id
FROM source.tags JOIN (SELECT scoring_id, taxonomy, model_version FROM source.current)
    USING (scoring_id)
ANTI JOIN source.superseded USING (track_id, audio_version, scoring_id);

CREATE VIEW rejects AS
SELECT r.track_id, t.uri, r.reason, r.detail, r.model_version, r.scoring_id, r.audio_version,
    r.tagged_at
FROM source.results r LEFT JOIN tracks t USING (track_id)
WHERE r.status = 'failed' AND coalesce(t.audio_version = r.audio_version, true);

CREATE VIEW descriptors AS
SELECT d.* EXCLUDE (audio_version, spec_id, plan_id, run_id, status, reason, detail, made_at)
FROM source.descriptors d LEFT JOIN (
    SELECT DISTINCT track_id, audio_version, true AS is_present FROM source.catalog
) USING (track_id, audio_version)
WHERE status = 'ok'
QUALIFY row_number() OVER (
    PARTITION BY track_id ORDER BY is_present NULLS LAST, made_at DESC, audio_version, spec_id
) = 1;

CREATE VIEW source.shown AS
SELECT * FROM source.results ANTI JOIN source.superseded
    USING (track_id, audio_version, scoring_id)
WHERE status = 'ok';
"""


@contextmanager
def open_views(root_url: str, *, storage: Storage, memory_mb: int) -> Iterator[DuckDBPyConnection]:
    """A DuckDB session with the views of a workspace, and nothing else that it could reach.

    `tracks`: the catalog, one row an id. `results`: the ledger, all scorings and versions.
    `rejects`: its failed rows. `tags`: current scorings only, one row a track and tag.
    `tag_scores_TAXONOMY`: one row a track, one column a tag; `tag_scores` where there is one
    taxonomy only. `descriptors`: one row a track, of the version in the catalog if that has been
    described, and of the newest parameters. A table that is not there yet is an empty view.
    `duckdb_columns()` has the meaning of each column as its comment.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.

    Raises:
        TableError: there is no table at all.
    """
    tables = {
        name: delta.open_existing(join(root_url, name), storage=storage, schema=schema)
        for name, schema in SOURCES.items()
    }
    if not any(tables.values()):
        raise TableError(
            f"there is no workspace at {root_url}: none of {', '.join(SOURCES)} is there. Give "
            "the workspace.root_url that `earmark catalog` and `earmark tag` were run with."
        )
    with database(memory_mb=memory_mb) as connection:
        connection.execute("CREATE SCHEMA source; USE source")
        paths: list[str] = []
        for name, schema in SOURCES.items():
            paths += delta.parquet_source(
                connection, name=name, table=tables[name], schema=schema, storage=storage
            )
        connection.execute("USE memory.main")
        connection.execute(SUPERSEDED)
        connection.execute(VIEWS)
        _comment(connection)
        _make_score_views(connection)
        _close(connection, paths=paths)
        yield connection


def run_query(connection: DuckDBPyConnection, sql: str) -> pa.Table:
    """The answer of one query.

    Args:
        connection: from `open_views`.
        sql: one SELECT (also FROM, WITH, DESCRIBE, SHOW, SUMMARIZE).

    Raises:
        UserError: anything else, or what DuckDB says about the query.
    """
    try:
        _refuse_all_but_one_select(sql)
        connection.table_function("query", [sql])
        return connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        raise UserError(f"the query failed. {error}") from error


def _refuse_all_but_one_select(sql: str) -> None:
    kinds = [statement.type.name for statement in duckdb.extract_statements(sql)]
    if len(kinds) != 1:
        raise UserError(f"give one SQL statement; this text holds {len(kinds)}")
    if kinds != ["SELECT"]:
        raise UserError(
            f"a query only reads: this is a {kinds[0]} statement, and SELECT (also FROM, WITH, "
            "DESCRIBE, SHOW TABLES, SUMMARIZE) is what can be run"
        )


def _comment(connection: DuckDBPyConnection) -> None:
    """Gives the views and their columns what the schemas say of them."""
    texts = []
    for view, (doc, schemas) in DESCRIBED.items():
        texts.append(f"COMMENT ON VIEW {view} IS {_literal(doc)}")
        for name in connection.view(view).columns:
            field = next(schema.field(name) for schema in schemas if name in schema.names)
            comment = _literal(sentence(field))
            texts.append(f"COMMENT ON COLUMN {view}.{name} IS {comment}")
    connection.execute("; ".join(texts))


def _make_score_views(connection: DuckDBPyConnection) -> None:
    current = connection.sql(
        "SELECT taxonomy, taxonomy_id, tags, scoring_id FROM source.current ORDER BY ALL"
    ).fetchall()
    times = Counter(_identifier(name) for name, *_ in current)
    for name, taxonomy_id, tags, scoring_id in current:
        taxonomy = Taxonomy(name, tuple(tags))
        suffix = _identifier(name if times[_identifier(name)] == 1 else taxonomy_id)
        views = [f"tag_scores_{suffix}"] + (["tag_scores"] if len(current) == 1 else [])
        for view in views:
            _make_score_view(connection, view=view, taxonomy=taxonomy, scoring_id=scoring_id)


def _make_score_view(
    connection: DuckDBPyConnection, *, view: str, taxonomy: Taxonomy, scoring_id: str
) -> None:
    columns = [
        SQLExpression(f"scores[{position}]").alias(column)
        for position, column in enumerate(score_columns(taxonomy), 1)
    ]
    mine = ColumnExpression("scoring_id") == ConstantExpression(scoring_id)
    shown = connection.view("source.shown").filter(mine)
    shown.select(ColumnExpression("track_id"), *columns).create_view(view)
    doc = f"scores 0 to 1 of the tags of {taxonomy.name}, one row a track, one column a tag"
    connection.execute(f"COMMENT ON VIEW {view} IS {_literal(doc)}")


def score_columns(taxonomy: Taxonomy) -> list[str]:
    """A column's name for each tag: its name, with category (and position) where names collide.

    SQL takes no notice of case, so `Rock` and `rock` collide.
    """
    names = Counter(name.casefold() for name in ("track_id", *taxonomy.names))
    tags = Counter(tag.casefold() for tag in taxonomy.tags)
    columns = []
    for position, (name, tag) in enumerate(zip(taxonomy.names, taxonomy.tags, strict=True), 1):
        if names[name.casefold()] == 1:
            columns.append(name)
        else:
            columns.append(tag if tags[tag.casefold()] == 1 else f"{tag} #{position}")
    return columns


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).casefold()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _close(connection: DuckDBPyConnection, *, paths: list[str]) -> None:
    quoted = ", ".join(map(_literal, paths))
    connection.execute(f"SET allowed_paths = [{quoted}]")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
