"""What a scan changes: the source's listing against the catalog's rows, joined in DuckDB.

Tables on the connection: `catalog` (the Delta table), `listing` (what the source holds now), `old`
(the source's rows of the last scan), `work` (the listing with its state), `probed` (headers), and
`fresh`, the rows that the source shall have. All of them spill to disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.catalog.probe import PROBED
from pipeline.catalog.sources import GIVEN, LISTING
from pipeline.errors import Reason
from pipeline.schemas import CATALOG
from pipeline.tables.delta import without_comments

BATCH_ROWS = 10_000
PROBE_ROWS = 512

# A temporary fault of the store; all other reasons stay until the file changes.
_RETRIED = f"('{Reason.FETCH_FAILED}', '{Reason.TIMED_OUT}')"
_FROM_TABLE_ONLY = ("dataset", "split", "labels")
_FROM_TAGS_TOO = tuple(name for name in GIVEN if name not in _FROM_TABLE_ONLY)
_UNREAD = "state <> 'unchanged' AND reason IS NULL"
_SAME_TRACK = "(uri, track_id, nth)"


def insert(
    connection: DuckDBPyConnection,
    batches: Iterator[pa.RecordBatch],
    *,
    table: str,
    schema: pa.Schema,
) -> Iterator[int]:
    """Fills a new table; yields the rows of each batch as it is stored."""
    connection.register("batch", schema.empty_table())
    connection.execute(f"CREATE TABLE {table} AS FROM batch")
    for batch in batches:
        connection.register("batch", batch)
        connection.execute(f"INSERT INTO {table} FROM batch")
        yield batch.num_rows


def compare(connection: DuckDBPyConnection, *, source_url: str) -> None:
    """Makes `work`: each listed track is new, changed, unchanged, or to be tried again."""
    connection.execute(
        "CREATE TABLE old AS SELECT *, row_number() OVER (PARTITION BY uri, track_id "
        "ORDER BY occurrence) AS nth FROM catalog WHERE source_url = ?",
        [source_url],
    )
    differs = [f"o.{name} IS DISTINCT FROM l.{name}" for name in _FROM_TABLE_ONLY]
    differs += [f"coalesce(o.{name} <> l.{name}, l.{name} IS NOT NULL)" for name in _FROM_TAGS_TOO]
    connection.execute(
        f"""
        CREATE TABLE work AS
        SELECT l.*, CASE
            WHEN o.uri IS NULL THEN 'new'
            WHEN o.audio_version <> l.audio_version OR {" OR ".join(differs)} THEN 'changed'
            WHEN o.reason IN {_RETRIED} THEN 'retried'
            ELSE 'unchanged' END AS state
        FROM (SELECT *, row_number() OVER (PARTITION BY uri, track_id ORDER BY position) AS nth
              FROM listing) l
        LEFT JOIN old o USING {_SAME_TRACK}
        """
    )


def num_to_probe(connection: DuckDBPyConnection) -> int:
    """How many headers have to be read."""
    return _number(connection, f"SELECT count(*) FROM work WHERE {_UNREAD}")


def to_probe(connection: DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    """The position and uri of the tracks whose headers have to be read."""
    rows = connection.cursor().sql(
        f"SELECT position, uri FROM work WHERE {_UNREAD} ORDER BY position"
    )
    yield from rows.to_arrow_reader(PROBE_ROWS)


def finish(connection: DuckDBPyConnection, *, source_url: str, scanned_at: datetime) -> None:
    """Makes `fresh` from `work`, `old` and `probed`; what the table of tracks says stands first."""
    _settle_retried(connection)
    connection.execute(
        f"""
        CREATE TABLE fresh AS
        WITH others AS (
            SELECT track_id, max(occurrence) + 1 AS num FROM catalog
            WHERE source_url <> $source_url GROUP BY track_id
        ), rows AS (
            SELECT w.position, {_written("w", "p")} FROM work w LEFT JOIN probed p USING (position)
            WHERE w.state <> 'unchanged'
            UNION ALL BY NAME
            SELECT w.position, o.* EXCLUDE (nth) FROM work w JOIN old o USING {_SAME_TRACK}
            WHERE w.state = 'unchanged'
        )
        SELECT rows.* REPLACE (CAST(
            row_number() OVER (PARTITION BY track_id ORDER BY position) - 1 + coalesce(num, 0)
            AS INTEGER) AS occurrence)
        FROM rows LEFT JOIN others USING (track_id)
        """,
        {"source_url": source_url, "scanned_at": scanned_at},
    )


def fresh_rows(connection: DuckDBPyConnection) -> pa.RecordBatchReader:
    """`fresh` as rows of CATALOG, in the order of the source."""
    columns = ", ".join(CATALOG.names)
    schema = without_comments(CATALOG)
    rows = connection.sql(f"SELECT {columns} FROM fresh ORDER BY position")
    batches = (batch.cast(schema) for batch in rows.to_arrow_reader(BATCH_ROWS))
    return pa.RecordBatchReader.from_batches(schema, batches)


def num_gone(connection: DuckDBPyConnection) -> int:
    """Rows of the last scan whose tracks the source no longer holds."""
    return _number(connection, f"SELECT count(*) FROM old ANTI JOIN work USING {_SAME_TRACK}")


def num_in_state(connection: DuckDBPyConnection, state: str) -> int:
    """Listed tracks in a state."""
    return _number(connection, "SELECT count(*) FROM work WHERE state = ?", state)


def _settle_retried(connection: DuckDBPyConnection) -> None:
    """A track that was tried again and failed for the same reason has not changed."""
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE work AS
        SELECT w.* REPLACE (CASE
            WHEN w.state <> 'retried' THEN w.state
            WHEN o.reason = coalesce(w.reason, p.reason) THEN 'unchanged'
            ELSE 'changed' END AS state)
        FROM work w LEFT JOIN old o USING {_SAME_TRACK} LEFT JOIN probed p USING (position)
        """
    )


def _written(work: str, probed: str) -> str:
    """The columns of a new row, `occurrence` still open."""
    values = {"source_url": "$source_url", "scanned_at": "$scanned_at", "occurrence": "0"}
    for name in CATALOG.names:
        places = [f"{work}.{name}"] if name in LISTING.names else []
        places += [f"{probed}.{name}"] if name in PROBED.names else []
        values.setdefault(name, f"coalesce({', '.join(places)})")
    return ", ".join(f"{values[name]} AS {name}" for name in CATALOG.names)


def _number(connection: DuckDBPyConnection, query: str, *parameters: object) -> int:
    return int(connection.execute(query, list(parameters)).fetchall()[0][0])
