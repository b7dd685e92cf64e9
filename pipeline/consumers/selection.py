"""The best rows by a key, at most so many of a group: exact, and quick among millions.

Shapes: N rows, T tags.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FIRST_CANDIDATES = 1_000
GROWTH = 4


def ranking_keys(
    scores: Sequence[NDArray[np.float32]], *, weights: Sequence[float]
) -> NDArray[np.floating]:
    """Keys that order rows as `geometric_mean` does, without its roots where weights are equal.

    Args:
        scores: of each of T tags, (N,) 0 to 1.
        weights: of each tag, above 0.
    """
    if len(scores) == 1:
        return scores[0]
    equal = len(set(weights)) == 1
    keys_N = np.ones(len(scores[0]))
    for scores_N, weight in zip(scores, weights, strict=True):
        wide_N = scores_N.astype(np.float64)
        keys_N *= wide_N if equal else wide_N ** (weight / sum(weights))
    return keys_N


def geometric_mean(
    scores: Sequence[NDArray[np.float32]], *, weights: Sequence[float]
) -> NDArray[np.float64]:
    """The weighted geometric mean of the tags' scores, (N,) 0 to 1.

    Of one tag it is the tag's score.
    """
    mean_N = np.ones(len(scores[0]))
    for scores_N, weight in zip(scores, weights, strict=True):
        mean_N *= scores_N.astype(np.float64) ** (weight / sum(weights))
    return mean_N


def best_rows(
    keys_N: NDArray[np.floating],
    *,
    limit: int,
    groups_N: NDArray[np.int32] | None = None,
    per_group: int | None = None,
) -> NDArray[np.int64]:
    """Rows with the largest keys, best first; of equal keys the lower row comes first.

    The limit a group is applied to the best thousand; while too few are left, to four times as
    many. So the whole is sorted only where it must be.

    Args:
        keys_N: no NaN among them.
        limit: rows wanted.
        groups_N: a row's group; below 0 it belongs to none, and none is counted.
        per_group: rows of one group at most; None: no limit.
    """
    if groups_N is None or per_group is None:
        return _best(keys_N, limit)[:limit]
    wanted = max(FIRST_CANDIDATES, 2 * limit)
    while True:
        ranked = _best(keys_N, wanted)
        kept = ranked[within_limit(groups_N[ranked], per_group=per_group)]
        if len(kept) >= limit or len(ranked) == len(keys_N):
            return kept[:limit]
        wanted *= GROWTH


def within_limit(groups_N: NDArray[np.int32], *, per_group: int) -> NDArray[np.bool_]:
    """Which rows are among the first `per_group` of their group; those below 0 always are."""
    order_N = np.argsort(groups_N, kind="stable")
    sorted_N = groups_N[order_N]
    starts = np.flatnonzero(np.diff(sorted_N, prepend=sorted_N[:1] - 1))
    lengths = np.diff(starts, append=len(sorted_N))
    place_N = np.arange(len(sorted_N)) - np.repeat(starts, lengths)
    kept_N = np.empty(len(sorted_N), np.bool_)
    kept_N[order_N] = (place_N < per_group) | (sorted_N < 0)
    return kept_N


def _best(keys_N: NDArray[np.floating], wanted: int) -> NDArray[np.int64]:
    """At least `wanted` rows where there are so many: all down to a key, none below it."""
    num = len(keys_N)
    if wanted < num:
        edge = np.partition(keys_N, num - wanted)[num - wanted]
        rows = np.flatnonzero(keys_N >= edge)
    else:
        rows = np.arange(num)
    return rows[np.argsort(-keys_N[rows], kind="stable")]
