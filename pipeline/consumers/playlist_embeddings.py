"""Embeddings of a playlist's candidates: whose are compared, the mean of the seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.errors import ConfigError

# Shape letters: N candidates, E values of an embedding.

TINY = 1e-12


def seed_vector(
    connection: DuckDBPyConnection, *, scoring_id: str, track_ids: Sequence[str]
) -> NDArray[np.float32]:
    """(E,) the mean of the seeds' embeddings, each of length 1.

    Raises:
        ConfigError: a seed has no embedding.
    """
    rows = connection.execute(
        "SELECT track_id, embedding FROM source.shown WHERE scoring_id = ? "
        "AND list_contains(?, track_id) AND len(embedding) > 0 ORDER BY 1",
        [scoring_id, list(track_ids)],
    ).fetchall()
    missing = sorted(set(track_ids) - {row[0] for row in rows})
    if missing:
        raise ConfigError(
            f"ask.seed_tracks: {', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no "
            "embedding. Tag it first, or give another track"
        )
    vectors = np.array([row[1] for row in rows], np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    mean: NDArray[np.float32] = (vectors / np.maximum(lengths, TINY)).mean(axis=0)
    return mean


def embedding_scoring(connection: DuckDBPyConnection, *, taxonomy: str | None) -> str | None:
    """The scoring whose embeddings are compared; None if there are none.

    Args:
        connection: from `open_views`.
        taxonomy: whose; None: of the widest embedding, the first taxonomy of these by name.

    Raises:
        ConfigError: the taxonomy has no embeddings.
    """
    widths = []
    current = connection.sql("SELECT taxonomy, scoring_id FROM source.current").fetchall()
    for name, scoring_id in sorted(current):
        rows = connection.execute(
            "SELECT len(embedding) FROM source.shown WHERE scoring_id = ? AND len(embedding) > 0 "
            "LIMIT 1",
            [scoring_id],
        ).fetchall()
        if rows:
            widths.append((-rows[0][0], name, scoring_id))
    if taxonomy is not None:
        widths = [width for width in widths if width[1] == taxonomy]
        if not widths:
            names = ", ".join(sorted(name for name, _ in current)) or "none"
            raise ConfigError(
                f"pool.embedding: {taxonomy!r} has no embeddings; the taxonomies are: {names}"
            )
    return min(widths)[2] if widths else None


def pool_vectors(
    connection: DuckDBPyConnection, *, scoring_id: str | None, track_ids: Sequence[str]
) -> NDArray[np.float32]:
    """(N, E) embeddings of the candidates of `pool`, centred and of length 1.

    They are centred because the layers that taggers give are positive: without it all tracks of
    a catalog are alike. A track without an embedding has zeros; without a scoring E is 0.

    Args:
        connection: a session with the temporary table `pool`.
        scoring_id: whose embeddings.
        track_ids: the rows' order.
    """
    rows = connection.sql(
        "SELECT track_id, embedding FROM source.shown SEMI JOIN pool USING (track_id) "
        "WHERE scoring_id = ? AND len(embedding) > 0",
        params=[scoring_id],
    ).to_arrow_table()
    if not rows.num_rows:
        return np.zeros((len(track_ids), 0), np.float32)
    flat = rows["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    found = np.asarray(flat, np.float32).reshape(rows.num_rows, -1)
    found = found - found.mean(axis=0)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), TINY)
    places = {track_id: i for i, track_id in enumerate(track_ids)}
    vectors_NE = np.zeros((len(track_ids), found.shape[1]), np.float32)
    vectors_NE[[places[name] for name in rows["track_id"].to_pylist()]] = found
    return vectors_NE
