"""Example tracks of a new tag: found by name, with their embeddings, and tracks to compare.

Shapes: N tracks, E embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.errors import ConfigError, UserError
from pipeline.tables.show import find_track

SHOWN_FAULTS = 5
ASKED_BEFORE = 20
"""Candidates fetched for each suggestion, of which one an artist is taken."""


@dataclass(frozen=True)
class Embedded:
    """Tracks that a scoring has embeddings of, by track_id.

    Attributes:
        track_ids: N of them.
        artists: of each; a track without one stands for itself.
        embeddings_NE: float32.
    """

    track_ids: tuple[str, ...]
    artists: tuple[str, ...]
    embeddings_NE: NDArray[np.float32]


@dataclass(frozen=True)
class Scored:
    """A track under the new tag."""

    track_id: str
    artist: str
    title: str
    score: float


def find_tracks(connection: DuckDBPyConnection, names: Sequence[str]) -> tuple[str, ...]:
    """The ids of tracks given by id, title or the end of their URI; each once.

    Raises:
        ConfigError: names that are no track, or several; the first are said.
    """
    connection.register("named", pa.table({"track_id": pa.array(list(names), pa.string())}))
    known = connection.sql("SELECT track_id FROM tracks SEMI JOIN named USING (track_id)")
    exact = {row[0] for row in known.fetchall()}
    found, faults = [], []
    for name in names:
        try:
            found.append(name if name in exact else find_track(connection, track=name))
        except UserError as error:
            faults.append(str(error))
    if faults:
        more = f"\nand {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise ConfigError("\n".join(faults[:SHOWN_FAULTS]) + more)
    return tuple(dict.fromkeys(found))


def embedded(
    connection: DuckDBPyConnection, track_ids: Sequence[str], *, scoring_id: str
) -> Embedded:
    """Those of the tracks that the scoring has, as the views show them."""
    connection.register("wanted", pa.table({"track_id": pa.array(list(track_ids), pa.string())}))
    rows = connection.sql(
        "SELECT track_id, coalesce(artist, track_id) AS artist, embedding FROM source.shown "
        "SEMI JOIN wanted USING (track_id) LEFT JOIN (SELECT track_id, artist FROM tracks) "
        "USING (track_id) WHERE scoring_id = $1 AND embedding IS NOT NULL ORDER BY track_id",
        params=[scoring_id],
    ).to_arrow_table()
    flat = rows["embedding"].combine_chunks().flatten().to_numpy()
    return Embedded(
        tuple(rows["track_id"].to_pylist()),
        tuple(rows["artist"].to_pylist()),
        flat.reshape(rows.num_rows, -1 if rows.num_rows else 0),
    )


def drawn(
    connection: DuckDBPyConnection,
    *,
    scoring_id: str,
    number: int,
    seed: int,
    without: Sequence[str],
) -> Embedded:
    """Tracks of the scoring by the order of a hash: the same for the same catalog and seed."""
    connection.register("left_out", pa.table({"track_id": pa.array(list(without), pa.string())}))
    ids = connection.execute(
        "SELECT track_id FROM source.shown ANTI JOIN left_out USING (track_id) "
        "WHERE scoring_id = $1 ORDER BY md5($2 || track_id), track_id LIMIT $3",
        [scoring_id, f"{seed}:", number],
    ).fetchall()
    return embedded(connection, [row[0] for row in ids], scoring_id=scoring_id)


def strongest(
    connection: DuckDBPyConnection, *, scoring_id: str, number: int, without: Sequence[str]
) -> list[Scored]:
    """The tracks with the highest scores that are no examples."""
    return _scored(connection, "score DESC", scoring_id, number, without)


def nearest(
    connection: DuckDBPyConnection,
    *,
    scoring_id: str,
    threshold: float,
    number: int,
    without: Sequence[str],
) -> list[Scored]:
    """Tracks around the threshold, many for each one that is wanted."""
    edge = min(max(threshold, 1e-6), 1 - 1e-6)
    sure = "least(greatest(score, 1e-6), 1 - 1e-6)"
    order = f"abs(ln({sure} / (1 - {sure})) - ln({edge} / (1 - {edge})))"
    return _scored(connection, order, scoring_id, ASKED_BEFORE * number, without)


def _scored(
    connection: DuckDBPyConnection,
    order: str,
    scoring_id: str,
    number: int,
    without: Sequence[str],
) -> list[Scored]:
    connection.register("left_out", pa.table({"track_id": pa.array(list(without), pa.string())}))
    rows = connection.execute(
        "SELECT track_id, coalesce(artist, track_id), coalesce(title, track_id), score FROM "
        "(SELECT track_id, scores[1]::DOUBLE AS score FROM source.shown ANTI JOIN left_out "
        "USING (track_id) WHERE scoring_id = $1) LEFT JOIN (SELECT track_id, artist, title FROM "
        f"tracks) USING (track_id) ORDER BY {order}, track_id LIMIT $2",
        [scoring_id, number],
    ).fetchall()
    return [Scored(*row) for row in rows]
