"""Joins a listening history with the catalog: by id, ISRC, or normalised artist and title."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.consumers.recap_names import name_key

BATCH_ROWS = 100_000
NAMES = pa.schema([("name", pa.string()), ("key", pa.string())])
ISRC = "upper(replace(replace({0}, '-', ''), ' ', ''))"
"""As ISO 3901 writes it without hyphens."""

# What was played, once each, however often: ten million listens have far fewer.
ITEMS = """
CREATE TABLE items AS
SELECT hash(track, isrc, artist, title) AS item, any_value(track) AS track, any_value(isrc) AS isrc,
    any_value(artist) AS artist, any_value(title) AS title, count(*) AS listens
FROM listens GROUP BY 1
"""
BY_ID = """
CREATE TABLE found AS
SELECT item, track_id, 'id' AS how FROM items JOIN catalog ON track = track_id
"""
BY_ISRC = f"""
INSERT INTO found
SELECT item, min(track_id), 'isrc'
FROM (SELECT item, isrc FROM items ANTI JOIN found USING (item)) i
JOIN (SELECT track_id, coalesce(isrc, track_id) AS isrc FROM catalog) c
    ON {ISRC.format("i.isrc")} = {ISRC.format("c.isrc")}
GROUP BY item
"""
BY_NAME = """
INSERT INTO found
SELECT item, min(track_id), 'name'
FROM (SELECT item, artist, title FROM items ANTI JOIN found USING (item)) i
JOIN names a ON a.name = i.artist JOIN names t ON t.name = i.title
JOIN (
    SELECT track_id, a.key AS artist_key, t.key AS title_key
    FROM catalog c JOIN names a ON a.name = c.artist JOIN names t ON t.name = c.title
) c ON c.artist_key = a.key AND c.title_key = t.key
GROUP BY item
"""
# One recording is one key, whatever row of the history, or of the catalog's names, it came by. Keys
# are small numbers: ten million plays are sorted with them.
SONGS = """
CREATE TABLE songs AS
WITH keyed AS (
    SELECT i.item, f.track_id, coalesce(f.how, '')::ENUM('', 'id', 'isrc', 'name') AS how,
        coalesce(c.artist, i.artist) AS artist,
        coalesce(c.title, i.title, i.track, i.isrc) AS title, c.year, c.duration_s,
        i.listens, hash(coalesce(a.key, '')) AS artist_hash,
        CASE WHEN f.track_id IS NULL THEN hash(a.key, coalesce(t.key, i.track, i.isrc))
            ELSE hash('catalog', f.track_id) END AS track_hash
    FROM items i LEFT JOIN found f USING (item) LEFT JOIN catalog c USING (track_id)
    LEFT JOIN names a ON a.name = coalesce(c.artist, i.artist)
    LEFT JOIN names t ON t.name = i.title
)
SELECT * EXCLUDE (artist_hash, track_hash),
    (dense_rank() OVER (ORDER BY artist_hash))::INTEGER AS artist_key,
    (dense_rank() OVER (ORDER BY track_hash))::INTEGER AS track_key
FROM keyed
"""


def match_history(
    connection: DuckDBPyConnection, *, tracks: pa.RecordBatchReader, has_isrc: bool
) -> None:
    """Makes the table `songs`: each thing that was played, with what the catalog says of it.

    A track is found by its id; else by its ISRC, where the catalog has a column `isrc` or uses
    ISRCs as ids; else by the `name_key` of artist and title. Of several tracks the one with the
    smallest id is taken.

    Args:
        connection: with the view `listens`.
        tracks: track_id, artist, title, year, duration_s, isrc of the catalog.
        has_isrc: whether isrc is a column of the catalog; else it is all null.
    """
    connection.register("incoming", tracks)
    connection.execute("CREATE TABLE catalog AS FROM incoming")
    connection.unregister("incoming")
    connection.execute(ITEMS)
    connection.execute(BY_ID)
    any_isrc = connection.sql("SELECT 1 FROM items WHERE isrc IS NOT NULL LIMIT 1").fetchall()
    if has_isrc or any_isrc:
        connection.execute(BY_ISRC)
    _make_names(connection)
    connection.execute(BY_NAME)
    connection.execute(SONGS)
    for table in ("items", "found", "catalog", "names"):
        connection.execute(f"DROP TABLE {table}")


def _make_names(connection: DuckDBPyConnection) -> None:
    """`names`: each name that must be compared, and its key."""
    connection.execute("CREATE TABLE names (name VARCHAR, key VARCHAR)")
    connection.execute(
        "CREATE TEMP TABLE wanted AS SELECT artist AS name FROM items WHERE artist IS NOT NULL "
        "UNION SELECT artist FROM catalog WHERE artist IS NOT NULL "
        "UNION SELECT title FROM items ANTI JOIN found USING (item) WHERE title IS NOT NULL "
        "UNION SELECT title FROM catalog WHERE title IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM items ANTI JOIN found USING (item) WHERE title IS NOT NULL)"
    )
    batches = list(_keyed(connection.sql("FROM wanted").to_arrow_reader(BATCH_ROWS)))
    connection.register("incoming", pa.Table.from_batches(batches, NAMES))
    connection.execute("INSERT INTO names SELECT * FROM incoming")
    connection.unregister("incoming")
    connection.execute("DROP TABLE wanted")


def _keyed(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        names = batch.column(0).to_pylist()
        yield pa.record_batch([names, [name_key(name) for name in names]], schema=NAMES)
