"""Groups of tracks, and what is drawn whole when they are judged: read from a session's views."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from duckdb import DuckDBPyConnection

from pipeline.consumers.study_attributes import TRACK, Attributes
from pipeline.consumers.study_formulas import Flags, Floats, Ints

AUTO = "auto"
KNOWN_SHARE = 0.5
"""Of the grouped tracks: an attribute that fewer have is not chosen by `auto`."""
CHOICES = {
    "artist": ("album", "title"),
    "composer": ("album", "title"),
    "album": ("title",),
}
OTHERWISE = ("artist", "album", "title")
NAMES = "SELECT name FROM source.study_groups ORDER BY code"


class Standing(StrEnum):
    """What is done with a group, or with a figure of it."""

    JUDGED = "judged"
    TOO_SMALL = "too small"
    TOO_FEW_CLUSTERS = "too few clusters"
    NOT_AMONG_LARGEST = "not among the largest"
    NO_REST = "nothing to compare with"


@dataclass(frozen=True)
class Group:
    """Tracks with one value of the attribute.

    Attributes:
        name: as it is shown.
        tracks: of the catalog.
        clusters: that they belong to.
        standing: whether it is judged, or why not.
    """

    name: str
    tracks: int
    clusters: int
    standing: Standing


@dataclass(frozen=True)
class Grouping:
    """The catalog's tracks in groups and clusters.

    Attributes:
        by: the attribute.
        resample: the attribute whose values are clusters.
        groups: in the order of the attribute.
        members: for each group that is judged its position and its tracks' numbers.
        grouped_N: which tracks have the attribute.
        clusters_N: each track's cluster; of its own where the attribute is not known.
        alone: grouped tracks whose cluster is not known.
    """

    by: str
    resample: str
    groups: tuple[Group, ...]
    members: tuple[tuple[int, Ints], ...]
    grouped_N: Flags
    clusters_N: Ints
    alone: int


@dataclass(frozen=True)
class Members:
    """Tracks and their values of an attribute: M pairs.

    Attributes:
        num_values: how many there are.
        numbers_M: of the tracks, rising in each value.
        codes_M: positions of the values in their order, rising.
    """

    num_values: int
    numbers_M: Ints
    codes_M: Ints


def read_grouping(
    connection: DuckDBPyConnection,
    *,
    attributes: Attributes,
    by: str,
    resample: str,
    num_tracks: int,
    limits: Limits,
) -> Grouping:
    """The groups of an attribute.

    Args:
        connection: of `open_views`, with `source.numbers`.
        attributes: what there is.
        by: of the groups.
        resample: of the clusters, or `auto`.
        num_tracks: of the catalog.
        limits: which groups are judged.

    Raises:
        ConfigError: no such attribute.
    """
    found = read_members(connection, attributes.sql(by))
    names = [name for (name,) in connection.sql(NAMES).fetchall()]
    grouped_N = np.zeros(num_tracks, np.bool_)
    grouped_N[found.numbers_M] = True
    chosen = resample
    if resample == AUTO:
        chosen = _choice(connection, attributes=attributes, by=by, grouped_N=grouped_N)
    clusters_N, known_N = _clusters(
        read_members(connection, attributes.sql(chosen)), num_tracks=num_tracks
    )
    starts = np.searchsorted(found.codes_M, np.arange(found.num_values + 1))
    parts = [found.numbers_M[a:b] for a, b in itertools.pairwise(starts)]
    sizes = [(len(part), len(np.unique(clusters_N[part]))) for part in parts]
    standings = limits.standings(sizes)
    groups = tuple(
        Group(name, tracks, clusters, standing)
        for name, (tracks, clusters), standing in zip(names, sizes, standings, strict=True)
    )
    judged = (Standing.JUDGED, Standing.TOO_FEW_CLUSTERS)
    members = tuple((i, part) for i, part in enumerate(parts) if standings[i] in judged)
    alone = int((grouped_N & ~known_N).sum())
    return Grouping(by, chosen, groups, members, grouped_N, clusters_N, alone)


@dataclass(frozen=True)
class Limits:
    """Which groups are judged.

    Attributes:
        min_tracks: a smaller one is not.
        min_clusters: one of fewer has no interval and no test.
        groups: the largest so many are.
    """

    min_tracks: int
    min_clusters: int
    groups: int

    def standings(self, sizes: list[tuple[int, int]]) -> list[Standing]:
        """Of groups with so many tracks and clusters."""
        order = sorted(range(len(sizes)), key=lambda i: (-sizes[i][0], i))
        largest = set(order[: self.groups])
        found = []
        for i, (tracks, clusters) in enumerate(sizes):
            standing = self.standing(tracks, clusters=clusters)
            if standing is not Standing.TOO_SMALL and i not in largest:
                standing = Standing.NOT_AMONG_LARGEST
            found.append(standing)
        return found

    def standing(self, tracks: int, *, clusters: int) -> Standing:
        """Of one group, whatever the others are."""
        if tracks < self.min_tracks:
            return Standing.TOO_SMALL
        return Standing.TOO_FEW_CLUSTERS if clusters < self.min_clusters else Standing.JUDGED


def read_members(connection: DuckDBPyConnection, sql: str) -> Members:
    """Tracks by value of an attribute, in an order that does not depend on the rows'."""
    connection.execute(f"CREATE OR REPLACE TABLE source.study_members AS {sql}")
    connection.execute(
        "CREATE OR REPLACE TABLE source.study_groups AS "
        "SELECT row_number() OVER (ORDER BY min(place) NULLS LAST, key) - 1 AS code, key, "
        "arg_max(name, (times, name)) AS name FROM (SELECT key, name, min(place) AS place, "
        "count(*) AS times FROM source.study_members GROUP BY key, name) GROUP BY key"
    )
    ((num_values,),) = connection.sql("SELECT count(*) FROM source.study_groups").fetchall()
    rows = connection.sql(
        "SELECT DISTINCT code, number FROM source.study_members "
        "JOIN source.study_groups USING (key) ORDER BY code, number"
    ).to_arrow_table()
    return Members(
        num_values,
        rows["number"].to_numpy().astype(np.intp),
        rows["code"].to_numpy().astype(np.intp),
    )


def read_years(
    connection: DuckDBPyConnection, *, attributes: Attributes, num_tracks: int
) -> Floats:
    """The year of each track (N,); NaN where it is not known."""
    rows = connection.sql(attributes.year_sql()).to_arrow_table()
    years_N = np.full(num_tracks, np.nan)
    years_N[rows["number"].to_numpy()] = rows["year"].to_numpy()
    return years_N


def _clusters(found: Members, *, num_tracks: int) -> tuple[Ints, Flags]:
    """Each track's cluster, and which are known; of several values the first counts."""
    clusters_N = np.full(num_tracks, -1, np.intp)
    clusters_N[found.numbers_M[::-1]] = found.codes_M[::-1]
    known_N = clusters_N >= 0
    clusters_N[~known_N] = found.num_values + np.arange(int((~known_N).sum()))
    return clusters_N, known_N


def _choice(
    connection: DuckDBPyConnection,
    *,
    attributes: Attributes,
    by: str,
    grouped_N: Flags,
) -> str:
    """What `auto` draws: the first that at least half of the grouped tracks have."""
    for name in CHOICES.get(by, OTHERWISE):
        found = read_members(connection, attributes.sql(name))
        known = int(grouped_N[np.unique(found.numbers_M)].sum())
        if known and known >= KNOWN_SHARE * grouped_N.sum():
            return name
    return TRACK
