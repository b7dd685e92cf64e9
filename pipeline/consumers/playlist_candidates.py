"""Candidates of a playlist from the views, by SQL: the best few thousand are held.

A tag counts where it is `positive`, that is at or over its calibrated threshold; of a scoring
without thresholds, from a percentile of its scores and a share of the best one on; a refused one
from a small share of the best on. A tag's closeness is 0 at that floor and 1 at the catalog's best
score; likeness to the seeds is 0 at the median track's cosine and 1 at the best. A track's
closeness is the mean of the two, its tags weighed by their wishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.consumers.playlist_rules import Match
from pipeline.consumers.playlist_wishes import KnownTag, Role, Wish

# Shape letters: E values of an embedding.

ARTIST_ROOM = 20
"""Candidates of an artist, for each of its tracks that the playlist may hold."""


class FloorKind(StrEnum):
    """What the score from where on a tag counts comes from."""

    CALIBRATED = "calibrated"
    PERCENTILE = "percentile"
    BEST_FRACTION = "share of the best score"


@dataclass(frozen=True)
class Floor:
    """From where on a tag counts.

    Attributes:
        tag: which one.
        score: it counts from here on.
        best: the catalog's best score.
        kind: what `score` is.
    """

    tag: KnownTag
    score: float
    best: float
    kind: FloorKind


@dataclass(frozen=True)
class Counts:
    """How many tracks of the catalog stood each step.

    Attributes:
        by_wish: tracks that have each liked or leaning tag.
        answering: tracks that answer what was liked, or are like the seeds.
        refused: of these, tracks that have a refused tag.
        kept: candidates that were read.
    """

    by_wish: tuple[int, ...]
    answering: int
    refused: int
    kept: int


def known_tags(connection: DuckDBPyConnection) -> list[KnownTag]:
    """Tags of the current scorings that have been published."""
    tags = []
    current = connection.sql("SELECT taxonomy, scoring_id, tags FROM source.current ORDER BY 1, 2")
    for taxonomy, scoring_id, names in current.fetchall():
        rows = connection.execute(
            "SELECT threshold IS NOT NULL FROM source.tags WHERE scoring_id = ? LIMIT 1",
            [scoring_id],
        ).fetchall()
        if rows:
            parts = [name.partition("---") for name in names]
            tags += [KnownTag(taxonomy, part[0], part[2], bool(rows[0][0])) for part in parts]
    return tags


def find_floor(
    connection: DuckDBPyConnection,
    tag: KnownTag,
    *,
    percentile: float | None,
    best_fraction: float,
) -> Floor:
    """From where on a tag counts: its threshold, else the higher of the two that are given.

    Args:
        connection: from `open_views`.
        tag: a tag of the views.
        percentile: 0 to 100, of its scores over the catalog; None: the fraction alone.
        best_fraction: 0 to 1, of its best score: the 90th percentile of a tag that few tracks
            have lies among those that do not have it.
    """
    threshold, quantile, best = connection.execute(
        "SELECT any_value(threshold), quantile_cont(score, ?), max(score) FROM tags "
        "WHERE taxonomy = ? AND category = ? AND tag = ?",
        [(percentile or 0.0) / 100, *_names(tag)],
    ).fetchall()[0]
    if threshold is not None:
        return Floor(tag, threshold, best, FloorKind.CALIBRATED)
    share = best_fraction * (best or 0.0)
    if percentile is None or quantile is None or share > quantile:
        return Floor(tag, share, best or 0.0, FloorKind.BEST_FRACTION)
    return Floor(tag, quantile, best, FloorKind.PERCENTILE)


def _names(tag: KnownTag) -> tuple[str, str, str]:
    return tag.taxonomy, tag.category, tag.name


def fill_pool(
    connection: DuckDBPyConnection,
    *,
    wishes: Sequence[Wish],
    floors: Sequence[Sequence[Floor]],
    match: Match,
    seeds: tuple[str, ...],
    seed: tuple[str, NDArray[np.float32]] | None,
    per_artist: int | None,
    max_candidates: int,
) -> Counts:
    """Makes the temporary table `pool` (track_id, closeness, similarity) of the best candidates.

    Args:
        connection: from `open_views`.
        wishes: what was asked.
        floors: of each wish's tags.
        match: whether a track must have all liked tags.
        seeds: ids of the seed tracks, which are no candidates.
        seed: scoring and (E,) mean vector of the seeds, if there are any.
        per_artist: tracks of an artist in the playlist.
        max_candidates: tracks in the table.
    """
    counts = _fill_met(connection, wishes=wishes, floors=floors)
    answering = _by_tags(wishes, match=match)
    parameters: list[object] = []
    near = "SELECT NULL::VARCHAR AS track_id, NULL::DOUBLE AS similarity WHERE false"
    if seed is not None:
        kind = f"FLOAT[{len(seed[1])}]"  # lists fail on files that also hold rows without one
        near = (
            f"SELECT track_id, array_cosine_similarity(TRY_CAST(embedding AS {kind}), ?::{kind})"
            "::DOUBLE AS similarity FROM source.shown WHERE scoring_id = ? "
            f"AND len(embedding) = {len(seed[1])}"
        )
        parameters += [seed[1].tolist(), seed[0]]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE answering AS WITH by_tag AS ({answering}), near AS ({near}) "
        "SELECT by_tag.*, similarity, track_id IN (SELECT track_id FROM met WHERE is_refused) "
        f"AS is_refused FROM by_tag {'JOIN' if seed else 'LEFT JOIN'} near USING (track_id) "
        f"SEMI JOIN tracks USING (track_id) WHERE {'isfinite(similarity)' if seed else 'true'} "
        "AND NOT list_contains(?, track_id)",
        [*parameters, list(seeds)],
    )
    kept = _cut(connection, per_artist=per_artist, max_candidates=max_candidates)
    found, bad = connection.sql(
        "SELECT count(*), count(*) FILTER (is_refused) FROM answering"
    ).fetchall()[0]
    return Counts(counts, found, bad, kept)


def _by_tags(wishes: Sequence[Wish], *, match: Match) -> str:
    """SQL: tracks that have the liked tags, with their closeness; all, if nothing is wished."""
    wanted = [wish for wish in wishes if wish.role is not Role.REFUSED]
    if not wanted:
        return "SELECT track_id, NULL::DOUBLE AS by_tags FROM tracks"
    num_liked = sum(wish.role is Role.LIKED for wish in wishes)
    needed = num_liked if match is Match.ALL else min(num_liked, 1)
    return (
        f"SELECT track_id, sum(closeness) / {sum(wish.weight for wish in wanted)} AS by_tags "
        "FROM met WHERE NOT is_refused "
        f"GROUP BY 1 HAVING count(*) FILTER (is_liked) >= {needed}"
    )


def _fill_met(
    connection: DuckDBPyConnection, *, wishes: Sequence[Wish], floors: Sequence[Sequence[Floor]]
) -> tuple[int, ...]:
    """The temporary table `met`: which track has which tag. Returns tracks by wish."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE met (wish INT, track_id VARCHAR, closeness DOUBLE, "
        "is_liked BOOL, is_refused BOOL)"
    )
    for i, wish in enumerate(wishes):
        for floor in floors[i]:
            span = max(floor.best - floor.score, 1e-9)
            share = 1.0 if floor.best <= floor.score else None
            connection.execute(
                f"INSERT INTO met SELECT {i}, track_id, {wish.weight} * coalesce(?, (score - ?) / "
                f"?), {wish.role is Role.LIKED}, {wish.role is Role.REFUSED} FROM tags "
                "WHERE taxonomy = ? AND category = ? AND tag = ? AND score >= ?",
                [share, floor.score, span, *_names(floor.tag), floor.score],
            )
    found = connection.sql("SELECT wish, count(DISTINCT track_id) FROM met GROUP BY 1").fetchall()
    by_wish = dict(found)
    return tuple(by_wish.get(i, 0) for i in range(len(wishes)))


def _cut(connection: DuckDBPyConnection, *, per_artist: int | None, max_candidates: int) -> int:
    room = max_candidates if per_artist is None else per_artist * ARTIST_ROOM
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE pool AS WITH scaled AS (SELECT *, greatest(0, (similarity - "
        "median(similarity) OVER ()) / nullif(max(similarity) OVER () - median(similarity) OVER (),"
        " 0)) AS by_seed FROM answering WHERE NOT is_refused), close AS (SELECT track_id, "
        "similarity, list_avg([by_tags, CASE WHEN similarity IS NOT NULL THEN coalesce(by_seed, 1) "
        "END]) AS closeness FROM scaled) SELECT track_id, similarity, coalesce(closeness, 0) AS "
        "closeness FROM close JOIN tracks USING (track_id) QUALIFY row_number() OVER (PARTITION BY "
        "coalesce(lower(artist), track_id) ORDER BY closeness DESC, track_id) <= ? "
        "ORDER BY closeness DESC, track_id LIMIT ?",
        [room, max_candidates],
    )
    return int(connection.sql("SELECT count(*) FROM pool").fetchall()[0][0])


def read_pool(connection: DuckDBPyConnection) -> pa.Table:
    """The candidates of `pool` with what the catalog and the descriptors know, sorted by id."""
    return connection.sql(
        "SELECT p.*, t.uri, t.title, t.artist, t.album, t.duration_s, d.tempo_bpm, d.key, d.mode, "
        "d.loudness_lufs, d.onset_density_hz, d.spectral_centroid_hz_mean FROM pool p "
        "JOIN tracks t USING (track_id) LEFT JOIN descriptors d USING (track_id) ORDER BY track_id"
    ).to_arrow_table()
