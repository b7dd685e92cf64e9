"""Picks and orders a playlist's tracks: rules that hold, and a score for the rest. Pure.

One place after the other takes the track of the highest value among those that the rules allow:
maximal marginal relevance (Carbonell and Goldstein, "The use of MMR, diversity-based reranking",
SIGIR 1998), `(1 - diversity) * closeness - diversity * likeness to the likest track picked`, less
what it costs to be off the energy curve or to leap in tempo or key. Then tracks change places
while that lowers these costs (playlist_order.py). Closeness and likeness (cosine
of centred embeddings, 0 where it is negative) are both 0 to 1. The seed adds up to
`weights.near_tie` to a track's value: one seed always gives one playlist, whatever the order of
the candidates, and another seed another order of tracks that are about as good.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.playlist_capacity import (
    artist_of,
    refuse_contradictions,
    shortfall,
    without_repeats,
    without_unknown_lengths,
)
from pipeline.consumers.playlist_energy import target_energy
from pipeline.consumers.playlist_neighbours import leaps_in_key, leaps_in_tempo
from pipeline.consumers.playlist_order import improved_order, off_curve, targets
from pipeline.consumers.playlist_rules import (
    Candidate,
    NeighbourRule,
    Pick,
    Pool,
    Rules,
    Selection,
)

# Shape letters: N candidates, E values of an embedding.

STARTS = 8
"""First tracks that are tried where neighbours are required, until a list is as long as asked."""
ROUNDING_S = 1e-6


@dataclass
class _Walk:
    """A playlist that grows.

    Attributes:
        chosen: indices of the candidates, in order.
        likeness_N: (N,) of each candidate to the likest chosen one.
        artists: tracks of each artist.
        elapsed_s: of the chosen ones.
    """

    chosen: list[int]
    likeness_N: NDArray[np.float64]
    artists: Counter[str]
    elapsed_s: float = 0.0


def select(pool: Pool, *, rules: Rules) -> Selection:
    """The playlist.

    Args:
        pool: candidates in any order.
        rules: what must and should hold.

    Raises:
        ConfigError: rules that contradict each other for these candidates.
    """
    pool = _sorted(pool)
    notes: list[str] = []
    for clean in (without_repeats, without_unknown_lengths):
        kept, note = clean(pool.tracks, rules=rules)
        pool = _only(pool, kept)
        notes += [note] if note else []
    reachable = refuse_contradictions(pool.tracks, rules=rules)
    walks = _walks(pool, rules=rules, reachable=reachable)
    best = max(walks, key=lambda walk: (len(walk.chosen), walk.elapsed_s))
    notes += shortfall(pool.tracks, chosen=best.chosen, rules=rules, reachable=reachable)
    chosen = [pool.tracks[i] for i in best.chosen]
    ordered = [chosen[i] for i in improved_order(chosen, rules=rules)]
    return Selection(_picks(ordered, rules=rules), tuple(notes))


def _sorted(pool: Pool) -> Pool:
    order = sorted(range(len(pool.tracks)), key=lambda i: pool.tracks[i].track_id)
    return _only(pool, order)


def _only(pool: Pool, kept: Sequence[int]) -> Pool:
    rows = np.array(kept, np.int64)
    return Pool(tuple(pool.tracks[i] for i in kept), pool.vectors_NE[rows])


def _walks(pool: Pool, *, rules: Rules, reachable: int) -> list[_Walk]:
    values_N = _standing_values(pool.tracks, rules=rules)
    walks = [_walk(pool, values_N=values_N, rules=rules, reachable=reachable, start=None)]
    if rules.neighbours is not NeighbourRule.REQUIRE:
        return walks
    for start in np.argsort(-values_N, kind="stable")[:STARTS].tolist():
        if len(walks[-1].chosen) >= reachable:
            break
        walks.append(_walk(pool, values_N=values_N, rules=rules, reachable=reachable, start=start))
    return walks


def _standing_values(tracks: Sequence[Candidate], *, rules: Rules) -> NDArray[np.float64]:
    """(N,) what does not depend on the place: closeness, and the seed's share."""
    closeness_N = np.array([track.closeness for track in tracks], np.float64)
    lots_N = np.array([_lot(track.track_id, seed=rules.seed) for track in tracks], np.float64)
    return (1.0 - rules.diversity) * closeness_N + rules.weights.near_tie * lots_N


def _lot(track_id: str, *, seed: int) -> float:
    """0 to 1, from the seed and the id alone."""
    digest = hashlib.blake2b(f"{seed}:{track_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _walk(
    pool: Pool, *, values_N: NDArray[np.float64], rules: Rules, reachable: int, start: int | None
) -> _Walk:
    walk = _Walk([], np.zeros(len(pool.tracks)), Counter())
    while rules.num_tracks is None or len(walk.chosen) < rules.num_tracks:
        allowed_N = _allowed(pool.tracks, walk=walk, rules=rules)
        if not walk.chosen and start is not None:
            allowed_N &= np.arange(len(pool.tracks)) == start
        leaps_tempo_N, leaps_key_N = _leaps(pool.tracks, walk=walk, rules=rules)
        if rules.neighbours is NeighbourRule.REQUIRE:
            allowed_N &= ~(leaps_tempo_N | leaps_key_N)
        if not allowed_N.any():
            break
        now_N = values_N - rules.diversity * walk.likeness_N
        now_N = now_N - rules.weights.tempo * leaps_tempo_N - rules.weights.key * leaps_key_N
        target = target_energy(rules.curve, progress=_progress(walk, rules, reachable))
        if target is not None:
            off_N = np.array([off_curve(track, target=target) for track in pool.tracks])
            now_N = now_N - rules.weights.curve * off_N
        _take(walk, int(np.argmax(np.where(allowed_N, now_N, -np.inf))), pool=pool)
    return walk


def _allowed(tracks: Sequence[Candidate], *, walk: _Walk, rules: Rules) -> NDArray[np.bool_]:
    allowed_N = np.ones(len(tracks), bool)
    allowed_N[walk.chosen] = False
    if rules.per_artist is not None:
        full = {name for name, count in walk.artists.items() if count >= rules.per_artist}
        allowed_N &= np.array([artist_of(track) not in full for track in tracks], bool)
    if rules.total_s is not None:
        left_s = rules.total_s - walk.elapsed_s + ROUNDING_S
        allowed_N &= np.array([(track.duration_s or 0.0) <= left_s for track in tracks], bool)
    return allowed_N


def _leaps(
    tracks: Sequence[Candidate], *, walk: _Walk, rules: Rules
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if not walk.chosen:
        return np.zeros(len(tracks), bool), np.zeros(len(tracks), bool)
    before = tracks[walk.chosen[-1]]
    in_tempo = leaps_in_tempo(tracks, before=before, rules=rules)
    return in_tempo, leaps_in_key(tracks, before=before, rules=rules)


def _progress(walk: _Walk, rules: Rules, reachable: int) -> float:
    if rules.total_s is not None:
        return min(1.0, walk.elapsed_s / rules.total_s)
    return len(walk.chosen) / max(1, reachable - 1)


def _take(walk: _Walk, index: int, *, pool: Pool) -> None:
    track = pool.tracks[index]
    walk.chosen.append(index)
    if artist := artist_of(track):
        walk.artists[artist] += 1
    walk.elapsed_s += track.duration_s or 0.0
    if pool.vectors_NE.shape[1]:
        likeness_N = pool.vectors_NE @ pool.vectors_NE[index]
        walk.likeness_N = np.maximum(walk.likeness_N, likeness_N)


def _picks(tracks: Sequence[Candidate], *, rules: Rules) -> tuple[Pick, ...]:
    picks: list[Pick] = []
    for track, target in zip(tracks, targets(len(tracks), rules=rules), strict=True):
        before = picks[-1].track if picks else None
        leaps: list[str] = []
        if before is not None:
            leaps += ["tempo"] if leaps_in_tempo([track], before=before, rules=rules)[0] else []
            leaps += ["key"] if leaps_in_key([track], before=before, rules=rules)[0] else []
        picks.append(Pick(track, before, target, tuple(leaps)))
    return tuple(picks)
