"""Attributes by which tracks are grouped: what each means, as SQL over a session's views.

Each gives rows `number` (of the track), `key` (what makes two tracks one group), `name` (as it is
shown) and `place` (what groups are ordered by). Periods of Western music and their borders are
those of most textbooks (for instance J. P. Burkholder, D. J. Grout and C. V. Palisca, "A History of
Western Music"); they are approximate, and a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from pipeline.consumers.search_tags import nearest_names
from pipeline.consumers.study_facts import Facts
from pipeline.errors import ConfigError
from pipeline.taxonomy import SEPARATOR

OF_CATALOG = ("artist", "dataset", "split", "license", "codec", "track_id")
OF_TIME = ("year", "decade", "century", "period")
OF_SOUND = ("key", "mode", "beats_per_bar", "chord")
TRACK = "track"
TAG = "tag:"
NAMED = (*OF_CATALOG, "album", "title", *OF_TIME, *OF_SOUND)

JOINED = "FROM tracks JOIN source.numbers USING (track_id)"


@dataclass(frozen=True)
class Attributes:
    """What the tracks of a session can be grouped by.

    Attributes:
        labels: categories of the catalog's labels.
        tag_categories: categories of the current models' tags.
        facts: a table that a person brought, or None.
        periods: names and first years.
    """

    labels: tuple[str, ...]
    tag_categories: tuple[str, ...]
    facts: Facts | None
    periods: Mapping[str, int]

    def sql(self, name: str) -> str:
        """SELECT of number, key, name and place; see the head of this file.

        Raises:
            ConfigError: there is no such attribute; the nearest are offered.
        """
        if self.facts is not None and name in self.facts.columns:
            return _named(f"{quoted(name)} AS name", source="FROM source.study_facts")
        if name in OF_TIME:
            return self._time(name)
        if name == TRACK:
            return f"SELECT number, track_id AS key, track_id AS name, NULL AS place {JOINED}"
        if name in OF_CATALOG:
            return _named(f"{name} AS name", source=JOINED)
        if name in ("album", "title"):  # two artists' "Greatest Hits" are two albums
            return _named(
                f"{name} || coalesce(' (' || trim(artist) || ')', '') AS name", source=JOINED
            )
        if name in OF_SOUND:
            sound = "FROM descriptors JOIN source.numbers USING (track_id)"
            return _named(f"{name}::VARCHAR AS name", source=sound)
        if name.startswith(TAG) and name.removeprefix(TAG) in self.tag_categories:
            return _best_tag(name.removeprefix(TAG))
        if name in self.labels:
            return _labelled(name)
        raise ConfigError(self._unknown(name))

    def year_sql(self) -> str:
        """SELECT of number and year, where known: that of the facts, else the catalog's."""
        if self.facts is None or not self.facts.has_year:
            return f"SELECT number, year {JOINED} WHERE year > 0"
        return (
            "SELECT number, coalesce(f.year, t.year) AS year FROM (SELECT number, year "
            f"{JOINED}) t LEFT JOIN source.study_facts f USING (number) "
            "WHERE coalesce(f.year, t.year) > 0"
        )

    def _time(self, name: str) -> str:
        first = {
            "year": "year",
            "decade": "year // 10 * 10",
            "century": "(year + 99) // 100",
            "period": self._period(),
        }[name]
        shown = {
            "year": "place::VARCHAR",
            "decade": "place::VARCHAR || 's'",
            "century": _ordinal("place") + " || ' century'",
            "period": self._period_names(),
        }[name]
        return (
            f"SELECT number, place::VARCHAR AS key, {shown} AS name, place FROM "
            f"(SELECT number, {first} AS place FROM ({self.year_sql()})) WHERE place IS NOT NULL"
        )

    def _period(self) -> str:
        latest_first = sorted(self.periods.values(), reverse=True)
        cases = " ".join(f"WHEN year >= {year} THEN {year}" for year in latest_first)
        return f"CASE {cases} END"

    def _period_names(self) -> str:
        starts = list(self.periods.items())
        ends = [year - 1 for _, year in starts[1:]]
        shown = [f"{name} ({year}-{end})" for (name, year), end in zip(starts, ends, strict=False)]
        shown.append(f"{starts[-1][0]} (from {starts[-1][1]})")
        cases = zip(self.periods.values(), shown, strict=True)
        whens = " ".join(f"WHEN {year} THEN {literal(name)}" for year, name in cases)
        return f"CASE place {whens} END"

    def _unknown(self, name: str) -> str:
        known = {*NAMED, *self.labels, *(TAG + one for one in self.tag_categories)}
        known |= set(self.facts.columns if self.facts else ())
        hint = ""
        if name in ("composer", "genre"):
            hint = (
                f"; no label of the catalog is {name}---...: give a table with a column {name} "
                "(--facts)" + (", or --by tag:genre" if TAG + "genre" in known else "")
            )
        return f"tracks have no attribute {name!r}; {nearest_names(name, known=known)}{hint}"


def find_attributes(
    connection: DuckDBPyConnection, *, facts: Facts | None, periods: Mapping[str, int]
) -> Attributes:
    """What a session of `open_views` offers."""
    labels = connection.sql(
        f"SELECT DISTINCT split_part(label, '{SEPARATOR}', 1) FROM "
        f"(SELECT unnest(labels) AS label FROM tracks) WHERE contains(label, '{SEPARATOR}') "
        "ORDER BY 1"
    ).fetchall()
    tags = connection.sql(
        f"SELECT DISTINCT split_part(tag, '{SEPARATOR}', 1) FROM "
        "(SELECT unnest(tags) AS tag FROM source.current) ORDER BY 1"
    ).fetchall()
    return Attributes(
        tuple(one for (one,) in labels), tuple(one for (one,) in tags), facts, periods
    )


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _named(column: str, *, source: str) -> str:
    """Names that differ in case or outer spaces alone are one."""
    return (
        "SELECT number, lower(trim(name)) AS key, trim(name) AS name, NULL AS place FROM "
        f"(SELECT number, {column} {source}) WHERE trim(name) <> ''"
    )


def _labelled(category: str) -> str:
    start = category + SEPARATOR
    labels = (
        f"FROM (SELECT number, unnest(labels) AS label {JOINED}) "
        f"WHERE starts_with(label, {literal(start)})"
    )
    return _named(f"substr(label, {len(start) + 1}) AS name", source=labels)


def _best_tag(category: str) -> str:
    """A track's highest score of the category, of all current models."""
    best = (
        "FROM (SELECT track_id, arg_max(tag, (score, tag)) AS tag FROM tags "
        f"WHERE category = {literal(category)} GROUP BY track_id) "
        "JOIN source.numbers USING (track_id)"
    )
    return _named("tag AS name", source=best)


def _ordinal(number: str) -> str:
    return (
        f"{number}::VARCHAR || CASE WHEN {number} % 100 BETWEEN 11 AND 13 THEN 'th' "
        f"WHEN {number} % 10 = 1 THEN 'st' WHEN {number} % 10 = 2 THEN 'nd' "
        f"WHEN {number} % 10 = 3 THEN 'rd' ELSE 'th' END"
    )
