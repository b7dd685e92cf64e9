"""A sample of the catalog that stands for all of it, and the totals that it is scaled to."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.errors import ConfigError
from pipeline.tables.workload import ASSUMED_BYTES_PER_S


@dataclass(frozen=True)
class Totals:
    """The whole catalog.

    Attributes:
        num_tracks: all of them.
        num_unknown: those whose header says no length.
        weight_s: lengths that headers say; for the others from their sizes.
        size_bytes: of all files.
    """

    num_tracks: int
    num_unknown: int
    weight_s: float
    size_bytes: int


@dataclass(frozen=True)
class Sample:
    """Tracks in random order (track_id, audio_version, uri, weight_s), and what they stand for."""

    totals: Totals
    tracks: tuple[dict[str, Any], ...]


def draw_sample(
    connection: duckdb.DuckDBPyConnection, *, where: str, num_tracks: int, seed: int
) -> Sample:
    """Every so-manieth track in the order of codec and size, from a random first one.

    Each track has the same chance, and each codec and size its share.

    Args:
        connection: has the view `catalog`.
        where: SQL over it: these tracks only.
        num_tracks: of the sample.
        seed: of the choice.

    Raises:
        ConfigError: there is no track.
    """
    connection.execute(
        "CREATE TEMP TABLE weighed AS SELECT track_id, audio_version, uri, codec, size_bytes, "
        "duration_s, coalesce(duration_s, size_bytes / coalesce("
        "sum(size_bytes) FILTER (duration_s > 0) OVER () / "
        "nullif(sum(duration_s) FILTER (duration_s > 0) OVER (), 0), "
        f"{ASSUMED_BYTES_PER_S}), 0) AS weight_s FROM catalog WHERE {where}"
    )
    totals = Totals(
        *connection.sql(
            "SELECT count(*), count(*) FILTER (duration_s IS NULL), "
            "coalesce(sum(weight_s), 0)::DOUBLE, coalesce(sum(size_bytes), 0)::BIGINT FROM weighed"
        ).fetchall()[0]
    )
    if not totals.num_tracks:
        raise ConfigError("there is no track to plan for: the catalog is empty")
    choice = random.Random(seed)
    step = max(1.0, totals.num_tracks / num_tracks)
    first = choice.random() * step
    wanted = [int(first + i * step) for i in range(num_tracks)]
    numbers = [number for number in wanted if number < totals.num_tracks]
    rows = connection.sql(
        "SELECT track_id, audio_version, uri, weight_s::DOUBLE AS weight_s FROM ("
        "SELECT *, row_number() OVER (ORDER BY codec, size_bytes, track_id) - 1 AS number "
        "FROM weighed) WHERE list_contains(?, number) ORDER BY number",
        params=[numbers],
    ).to_arrow_table()
    tracks: list[dict[str, Any]] = rows.to_pylist()
    choice.shuffle(tracks)
    return Sample(totals, tuple(tracks))
