"""From listens to plays: skips and repeated rows out, local time and sessions in; and the tags."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.consumers.recap_formulas import SESSION_GAP_S
from pipeline.consumers.recap_sql import quoted
from pipeline.errors import ConfigError
from pipeline.tables.views import run_query

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Counting:
    """What of the listens counts, and as what.

    Attributes:
        min_s: shorter plays are skips, seconds.
        unknown_s: length of a play that neither history nor catalog says, seconds.
        timezone: of months, weekdays and hours.
        user: the one whose plays are made; None for all.
    """

    min_s: float
    unknown_s: float
    timezone: str
    user: str | None


@dataclass(frozen=True)
class LeftOut:
    """Usable rows that are no plays."""

    skips: int
    duplicates: int


def make_plays(connection: DuckDBPyConnection, *, counting: Counting) -> LeftOut:
    """Makes the table `plays` from the view `listens` and the table `songs`.

    Its columns: user_key, track_key, artist_key, start_us, ms, how (the track was found), month
    (year * 12 + month - 1) and slot (24 * weekday + hour, Monday is 0), both local, age (years
    from the track's year to the play's), begins (a session). Of rows of one user that agree in
    start and track one is kept.
    """
    mine = (
        "" if counting.user is None else f"WHERE coalesce(\"user\", '') = {quoted(counting.user)}"
    )
    connection.execute(
        f"""CREATE VIEW mine AS SELECT hash(coalesce("user", '')) AS user_key,
        hash(track, isrc, artist, title) AS item, start_us, ms FROM listens {mine}"""
    )
    connection.execute(
        f"""
CREATE TABLE plays AS
WITH long AS (
    SELECT user_key, track_key, start_us, how,
        least(coalesce(ms, duration_s * 1000, {counting.unknown_s * 1000}), 2e9)::INTEGER AS ms
    FROM mine JOIN songs USING (item) WHERE coalesce(ms >= {counting.min_s * 1000}, true)
), ordered AS (
    SELECT *, lag(start_us) OVER earlier AS before_us, lag(track_key) OVER earlier AS before_key,
        lag(start_us + ms * 1000::BIGINT) OVER earlier AS before_end_us
    FROM long WINDOW earlier AS (PARTITION BY user_key ORDER BY start_us, track_key)
), timed AS (
    SELECT *, {local_sql(counting.timezone)} AS local
    FROM ordered JOIN (
        SELECT track_key, min(artist_key) AS artist_key, min(year) AS year FROM songs GROUP BY 1
    ) USING (track_key)
    WHERE NOT coalesce(before_us = start_us AND before_key = track_key, false)
)
SELECT user_key, track_key, artist_key, start_us, ms, how,
    (12 * year(local) + month(local) - 1)::SMALLINT AS month,
    (24 * (isodow(local) - 1) + hour(local))::UTINYINT AS slot,
    (year(local) - "year")::SMALLINT AS age,
    coalesce(start_us - before_end_us > {SESSION_GAP_S * 1_000_000}, true) AS begins
FROM timed"""
    )
    usable, skips = connection.sql(
        f"SELECT count(*), count(*) FILTER (ms < {counting.min_s * 1000}) FROM mine"
    ).fetchall()[0]
    kept = int(connection.sql("SELECT count(*) FROM plays").fetchall()[0][0])
    if not kept:
        raise ConfigError(
            f"all {usable:,} listens are shorter than history.min_s = {counting.min_s:g} s: none "
            "counts as a play; set history.min_s lower for short clips"
        )
    return LeftOut(int(skips), int(usable) - int(skips) - kept)


def local_sql(timezone: str) -> str:
    """SQL of the local time of a column `start_us`."""
    if timezone == "UTC":
        return "make_timestamp(start_us)"
    return f"timezone({quoted(timezone)}, make_timestamptz(start_us))"


def make_tags(
    connection: DuckDBPyConnection,
    *,
    views: DuckDBPyConnection,
    taxonomies: tuple[str, ...] | None,
    per_category: int,
) -> None:
    """Makes `tag_names`, `track_tags` (tag_key, track_key, weight) and `tagged` (what has tags).

    A taxonomy with thresholds gives its positive tags, weight 1 each. One without gives the
    `per_category` best of each category, whose scores are scaled to weights that sum to 1: scores
    that no threshold was chosen for say which tag fits better, not whether it fits. So a category
    of one tag says nothing, and is left out.

    Args:
        connection: with the table `songs`.
        views: of the workspace.
        taxonomies: short names; None: all.
        per_category: how many of a category, without thresholds.

    Raises:
        ConfigError: a taxonomy is not there.
    """
    wanted = connection.sql(
        "SELECT DISTINCT track_id FROM songs WHERE track_id IS NOT NULL"
    ).to_arrow_table()
    views.register("recap_wanted", wanted)
    known = [row["taxonomy"] for row in run_query(views, TAXONOMIES).to_pylist()]
    unknown = sorted(set(taxonomies or ()) - set(known))
    if unknown:
        raise ConfigError(
            f"tags.taxonomies: the workspace shows no {', '.join(map(repr, unknown))}; it shows "
            f"{', '.join(known) or 'none: run earmark publish first'}"
        )
    chosen = ", ".join(quoted(name) for name in taxonomies or known) or "''"
    rows = views.sql(TAGS.format(chosen=chosen, per_category=per_category))
    _load(connection, "tags_by_id", rows.to_arrow_reader(BATCH_ROWS))
    connection.execute(TAG_TABLES)
    heard = views.sql(HEARD.format(chosen=chosen))
    _load(connection, "heard_by_id", heard.to_arrow_reader(BATCH_ROWS))
    connection.execute(
        "CREATE TABLE tagged AS SELECT DISTINCT taxonomy, track_key "
        "FROM heard_by_id JOIN (SELECT DISTINCT track_id, track_key FROM songs) USING (track_id)"
    )
    connection.execute("DROP TABLE tags_by_id; DROP TABLE heard_by_id")


TAG_TABLES = """
CREATE TABLE tag_names AS
SELECT row_number() OVER (ORDER BY taxonomy, category, tag)::INTEGER AS tag_key, taxonomy, category,
    tag
FROM (SELECT DISTINCT taxonomy, category, tag FROM tags_by_id);
CREATE TABLE track_tags AS
SELECT tag_key, track_key, weight FROM tags_by_id JOIN tag_names USING (taxonomy, category, tag)
JOIN (SELECT DISTINCT track_id, track_key FROM songs) USING (track_id)
"""
TAXONOMIES = "SELECT DISTINCT taxonomy FROM tags ORDER BY 1"
TAGS = """
WITH best AS (
    SELECT taxonomy, category, tag, track_id, score, positive
    FROM tags SEMI JOIN recap_wanted USING (track_id)
    WHERE taxonomy IN ({chosen}) AND coalesce(positive, true)
    WINDOW of_category AS (PARTITION BY track_id, taxonomy, category)
    QUALIFY positive OR (
        row_number() OVER (of_category ORDER BY score DESC, tag) <= {per_category}
        AND count(*) OVER of_category > 1
    )
)
SELECT taxonomy, category, tag, track_id, CASE WHEN positive THEN 1 ELSE coalesce(
    score / nullif(sum(score) OVER (PARTITION BY track_id, taxonomy, category), 0), 0
) END AS weight FROM best
"""
HEARD = """
SELECT taxonomy, track_id FROM tags SEMI JOIN recap_wanted USING (track_id)
WHERE rank = 1 AND taxonomy IN ({chosen})
"""


def _load(connection: DuckDBPyConnection, name: str, reader: pa.RecordBatchReader) -> None:
    connection.register("incoming", reader)
    connection.execute(f"CREATE TABLE {name} AS FROM incoming")
    connection.unregister("incoming")
