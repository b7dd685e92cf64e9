"""From the temporary table `pool` to candidates with their scores, keys and energy."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.consumers.playlist_candidates import read_pool
from pipeline.consumers.playlist_embeddings import pool_vectors
from pipeline.consumers.playlist_energy import CALM_TAGS, ENERGY_COLUMNS, LIVELY_TAGS, energy
from pipeline.consumers.playlist_rules import Candidate, Curve, Key, Pool
from pipeline.consumers.playlist_wishes import Role, Wish

# Shape letters: N candidates, D properties.

Scores = dict[str, tuple[tuple[str, float], ...]]


def load_pool(
    connection: DuckDBPyConnection,
    *,
    wishes: Sequence[Wish],
    scoring_id: str | None,
    curve: Curve,
) -> tuple[Pool, str]:
    """The candidates, and what their energy is made of: `descriptors`, `tags` or nothing.

    Args:
        connection: a session with the temporary table `pool`.
        wishes: whose scores are kept.
        scoring_id: whose embeddings; None: none are there.
        curve: without one no tags are read for the energy.
    """
    table = read_pool(connection)
    track_ids = table["track_id"].to_pylist()
    energy_N, source = _energy(connection, table=table, curve=curve)
    wanted = [wish for wish in wishes if wish.role is not Role.REFUSED]
    unwanted = [wish for wish in wishes if wish.role is Role.REFUSED]
    scores, refused = (_scores(connection, wishes=some) for some in (wanted, unwanted))
    columns = [*Candidate.__dataclass_fields__]
    tracks = []
    for row, value in zip(table.to_pylist(), energy_N.tolist(), strict=True):
        facts = {name: row[name] for name in columns if name in row}
        facts |= {"key": _key(row), "energy": None if math.isnan(value) else value}
        facts |= {"scores": scores.get(row["track_id"], ())}
        tracks.append(Candidate(**facts | {"refused": refused.get(row["track_id"], ())}))
    vectors_NE = pool_vectors(connection, scoring_id=scoring_id, track_ids=track_ids)
    return Pool(tuple(tracks), vectors_NE), source


def _key(row: dict[str, Any]) -> Key | None:
    return Key(row["key"], row["mode"]) if row["key"] and row["mode"] else None


def _scores(connection: DuckDBPyConnection, *, wishes: Sequence[Wish]) -> Scores:
    """By track the best score of each wish's tags, under the tag's name."""
    found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for wish in wishes:
        best: dict[str, tuple[str, float]] = {}
        for tag in wish.tags:
            rows = connection.execute(
                "SELECT track_id, score FROM tags SEMI JOIN pool USING (track_id) "
                "WHERE taxonomy = ? AND category = ? AND tag = ?",
                [tag.taxonomy, tag.category, tag.name],
            ).fetchall()
            for track_id, score in rows:
                if track_id not in best or score > best[track_id][1]:
                    best[track_id] = (tag.name, score)
        for track_id, pair in best.items():
            found[track_id].append(pair)
    return {track_id: tuple(pairs) for track_id, pairs in found.items()}


def _energy(
    connection: DuckDBPyConnection, *, table: pa.Table, curve: Curve
) -> tuple[NDArray[np.float64], str]:
    described_ND = np.stack(
        [np.array(table[name].to_pylist(), np.float64) for name in ENERGY_COLUMNS], axis=1
    )
    nothing_N0 = np.zeros((table.num_rows, 0))
    if np.isfinite(described_ND).any():
        return energy(described_ND, nothing_N0), "descriptors"
    if curve is Curve.NONE:
        return energy(nothing_N0, nothing_N0), ""
    lively_ND, calm_ND = (
        _tag_columns(connection, names=names, track_ids=table["track_id"].to_pylist())
        for names in (LIVELY_TAGS, CALM_TAGS)
    )
    values_N = energy(lively_ND, calm_ND)
    return values_N, "tags" if np.isfinite(values_N).any() else ""


def _tag_columns(
    connection: DuckDBPyConnection, *, names: Sequence[str], track_ids: Sequence[str]
) -> NDArray[np.float64]:
    """(N, D) scores of tags by these names, of whatever taxonomy; NaN where there is none."""
    rows = connection.execute(
        "SELECT track_id, taxonomy || ':' || tag, max(score) FROM tags SEMI JOIN pool "
        "USING (track_id) WHERE list_contains(?, lower(tag)) GROUP BY ALL",
        [list(names)],
    ).fetchall()
    places = {track_id: i for i, track_id in enumerate(track_ids)}
    tags = {tag: i for i, tag in enumerate(sorted({row[1] for row in rows}))}
    scores_ND = np.full((len(track_ids), len(tags)), np.nan)
    for track_id, tag, score in rows:
        scores_ND[places[track_id], tags[tag]] = score
    return scores_ND
