"""The lists of a recap from its tables: artists, tracks, tags, periods; small cells left out."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from duckdb import DuckDBPyConnection

from pipeline.consumers.recap_facts import MOOD, Entry, Period, TagGrid, TagRow, TagShare
from pipeline.consumers.recap_suppression import shown_cells

SMALLEST_SHARE = 0.005
"""Of the tags that are listed."""
AGGREGATES = """
CREATE TABLE by_track AS
SELECT user_key, track_key, count(*) AS plays, sum(ms) AS ms FROM plays GROUP BY ALL;
CREATE TABLE by_month AS
SELECT user_key, artist_key, month, count(*) AS plays, sum(ms) AS ms FROM plays GROUP BY ALL;
CREATE TABLE by_slot AS
SELECT user_key, slot, count(*) AS plays, sum(ms) AS ms FROM plays GROUP BY ALL;
CREATE TABLE by_artist AS
SELECT user_key, artist_key, sum(plays) AS plays, sum(ms) AS ms, min(month) AS first_month
FROM by_month GROUP BY ALL;
CREATE TABLE heard AS
SELECT track_key, track_id, title, coalesce(artist, '') AS artist, plays, ms, users
FROM (
    SELECT track_key, sum(plays)::BIGINT AS plays, sum(ms)::BIGINT AS ms, count(*) AS users
    FROM by_track GROUP BY 1
) JOIN (
    SELECT track_key, any_value(track_id) AS track_id, arg_max(title, listens) AS title,
        arg_max(artist, listens) AS artist
    FROM songs GROUP BY 1
) USING (track_key);
"""
TOTALS = "sum(plays)::BIGINT, sum(ms)::DOUBLE / 1000, count(DISTINCT user_key)"
ARTISTS = """
SELECT artist, '', plays, ms / 1000, users
FROM (
    SELECT artist_key, sum(plays)::BIGINT AS plays, sum(ms)::DOUBLE AS ms, count(*) AS users
    FROM by_artist GROUP BY 1
) JOIN (
    SELECT artist_key, arg_max(artist, listens) AS artist FROM songs WHERE artist IS NOT NULL
    GROUP BY 1
) USING (artist_key)
ORDER BY ms DESC, artist
"""
TRACKS = """
SELECT title, artist, plays, ms::DOUBLE / 1000, users FROM heard
ORDER BY plays DESC, ms DESC, title, artist
"""
# Who heard a tag is counted over numbers: ten million plays have 25 million tags.
TAGS = """
WITH whole AS (
    SELECT taxonomy, sum(ms) AS ms FROM heard JOIN tagged USING (track_key) GROUP BY 1
), shares AS (
    SELECT tag_key, sum(heard.ms * weight) AS ms FROM heard JOIN track_tags USING (track_key)
    GROUP BY 1
), audience AS (
    SELECT tag_key, count(DISTINCT user_key) AS users FROM by_track
    JOIN track_tags USING (track_key) GROUP BY 1
)
SELECT taxonomy, category, tag, shares.ms / whole.ms AS share, users
FROM tag_names JOIN shares USING (tag_key) JOIN audience USING (tag_key)
JOIN whole USING (taxonomy)
WHERE whole.ms > 0
ORDER BY share DESC, taxonomy, category, tag
"""
PERIODS = {
    "months": f"SELECT month, {TOTALS} FROM by_month GROUP BY 1 ORDER BY 1",
    "weekdays": f"SELECT slot // 24, {TOTALS} FROM by_slot GROUP BY 1 ORDER BY 1",
    "hours": f"SELECT slot % 24, {TOTALS} FROM by_slot GROUP BY 1 ORDER BY 1",
    "slots": f"SELECT slot, {TOTALS} FROM by_slot GROUP BY 1 ORDER BY 1",
}
GRID = """
WITH timed AS (SELECT {period} AS period, track_key, sum(ms) AS ms FROM plays GROUP BY ALL),
whole AS (
    SELECT period, sum(ms) AS ms FROM timed JOIN tagged USING (track_key)
    WHERE taxonomy = $1 GROUP BY 1
)
SELECT period, tag, sum(timed.ms * weight) / any_value(whole.ms)
FROM timed JOIN track_tags USING (track_key) JOIN whole USING (period)
JOIN (FROM tag_names WHERE taxonomy = $1 AND category = $2) USING (tag_key)
WHERE whole.ms > 0
GROUP BY ALL
"""


@dataclass
class Cells:
    """Reads tables of cells, and leaves out those that few users make.

    Attributes:
        connection: with the table `plays` and what stands beside it.
        min_users: of a population; None for a person, whose cells are all shown.
        suppressed: cells that were left out, by table.
    """

    connection: DuckDBPyConnection
    min_users: int | None
    suppressed: dict[str, int] = field(default_factory=dict)

    def read(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        """The cells that may be shown; the last column counts users."""
        rows: list[tuple[Any, ...]] = self.connection.sql(sql).fetchall()
        return self.keep(name, rows)

    def keep(self, name: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Those of the rows that may be shown."""
        if self.min_users is None:
            return list(rows)
        shown = shown_cells([row[-1] for row in rows], min_users=self.min_users)
        self.suppressed[name] = self.suppressed.get(name, 0) + shown.count(False)
        return [row for row, is_shown in zip(rows, shown, strict=True) if is_shown]

    def users(self, count: int) -> int | None:
        """A cell's users, as they are written: a person's recap has none."""
        return None if self.min_users is None else count


def entries(cells: Cells, *, top: int) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The artists with most listening time, and the tracks with most plays."""
    found = []
    for name, sql in (("artists", ARTISTS), ("tracks", TRACKS)):
        rows = cells.read(name, sql)[:top]
        found.append(
            tuple(
                Entry(title, artist, plays, seconds, cells.users(users))
                for title, artist, plays, seconds, users in rows
            )
        )
    return found[0], found[1]


def tag_shares(cells: Cells, *, top: int) -> tuple[tuple[TagShare, ...], tuple[TagShare, ...]]:
    """The tags, and the moods, with the largest shares: `top` of each taxonomy."""
    counts: dict[tuple[str, bool], int] = {}
    tags: list[TagShare] = []
    for taxonomy, category, tag, share, users in cells.read("tags", TAGS):
        if share < SMALLEST_SHARE:
            continue
        group = (taxonomy, category == MOOD)
        counts[group] = counts.get(group, 0) + 1
        if counts[group] <= top:
            tags.append(TagShare(taxonomy, category, tag, min(share, 1.0), cells.users(users)))
    others = (tag for tag in tags if tag.category != MOOD)
    return tuple(others), tuple(tag for tag in tags if tag.category == MOOD)


def periods(cells: Cells, *, name: str) -> tuple[Period, ...]:
    """Months, weekdays, hours, or slots (an hour of a weekday).

    Slots are hours and weekdays at once: where one must be left out of a population, its row and
    column would give it away, so all are.
    """
    rows = cells.connection.sql(PERIODS[name]).fetchall()
    if (
        cells.min_users is not None
        and name == "slots"
        and len(cells.keep("slots", rows)) < len(rows)
    ):
        cells.suppressed["slots"] = len(rows)
        return ()
    kept = rows if name == "slots" else cells.keep(name, rows)
    return tuple(
        Period(_label(name, key), plays, seconds, cells.users(users))
        for key, plays, seconds, users in kept
    )


def _label(name: str, key: int) -> str:
    if name == "months":
        return f"{key // 12:04d}-{key % 12 + 1:02d}"
    if name == "weekdays":
        return calendar.day_name[key]
    if name == "slots":
        return f"{calendar.day_name[key // 24]} {key % 24:02d}"
    return f"{key:02d}"


def tag_grid(
    connection: DuckDBPyConnection, *, moods: Sequence[TagShare], name: str, top: int
) -> TagGrid:
    """The moods over months or hours, of the taxonomy that names most of them."""
    if not moods:
        return TagGrid((), ())
    taxonomies = [mood.taxonomy for mood in moods]
    taxonomy = max(dict.fromkeys(taxonomies), key=taxonomies.count)
    tags = [mood.tag for mood in moods if mood.taxonomy == taxonomy][:top]
    period = "month" if name == "months" else "slot % 24"
    rows = connection.execute(GRID.format(period=period), [taxonomy, MOOD]).fetchall()
    there = {key for key, _, _ in rows}
    keys = sorted(there)
    if keys and name == "months":
        keys = list(range(keys[0], keys[-1] + 1))
    shares = {(key, tag): min(share, 1.0) for key, tag, share in rows}
    return TagGrid(
        tuple(_label(name, key) for key in keys),
        tuple(
            TagRow(
                tag, tuple(shares.get((key, tag), 0.0) if key in there else None for key in keys)
            )
            for tag in tags
        ),
    )
