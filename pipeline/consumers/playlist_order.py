"""Improves the order of a playlist's tracks by exchanges, where places and neighbours have a cost.

Picking one place after the other leaves the misfits for the end. The set stays as it was picked;
two tracks change places as long as that lowers what the energy curve and the leaps cost. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.playlist_energy import target_energy
from pipeline.consumers.playlist_neighbours import leaps_in_key, leaps_in_tempo
from pipeline.consumers.playlist_rules import Candidate, NeighbourRule, Rules

# Shape letters: L tracks of the playlist.

MAX_TRACKS = 200
"""A longer list stays as it was picked: exchanges take the square of its length."""
MAX_ROUNDS = 20
UNKNOWN_ENERGY_COST = 0.5
FORBIDDEN = 1e6
TINY = 1e-9


def targets(length: int, *, rules: Rules) -> list[float | None]:
    """What the curve asks for at each place; None without a curve."""
    return [target_energy(rules.curve, progress=i / max(1, length - 1)) for i in range(length)]


def off_curve(track: Candidate, *, target: float | None) -> float:
    """How far a track's energy is off what is asked, 0 to 1; 0 without a curve."""
    if target is None:
        return 0.0
    return UNKNOWN_ENERGY_COST if track.energy is None else abs(track.energy - target)


def improved_order(tracks: Sequence[Candidate], *, rules: Rules) -> list[int]:
    """Places of the tracks in a better order, or in theirs if none was found.

    Args:
        tracks: in the order of picking.
        rules: what departures cost; required neighbours stay neighbours.
    """
    order = list(range(len(tracks)))
    if not 2 < len(tracks) <= MAX_TRACKS:
        return order
    places_LL = rules.weights.curve * np.array(
        [
            [off_curve(track, target=target) for target in targets(len(tracks), rules=rules)]
            for track in tracks
        ]
    )
    steps_LL = _steps(tracks, rules=rules)
    best = _cost(order, places_LL=places_LL, steps_LL=steps_LL)
    for _ in range(MAX_ROUNDS):
        before = best
        for a in range(len(order)):
            for b in range(a + 1, len(order)):
                order[a], order[b] = order[b], order[a]
                cost = _cost(order, places_LL=places_LL, steps_LL=steps_LL)
                if cost < best - TINY:
                    best = cost
                else:
                    order[a], order[b] = order[b], order[a]
        if best >= before - TINY:
            break
    return order


def _steps(tracks: Sequence[Candidate], *, rules: Rules) -> NDArray[np.float64]:
    """(L, L) what it costs that the second follows the first."""
    require = rules.neighbours is NeighbourRule.REQUIRE
    tempo, key = (FORBIDDEN,) * 2 if require else (rules.weights.tempo, rules.weights.key)
    return np.stack(
        [
            tempo * leaps_in_tempo(tracks, before=before, rules=rules)
            + key * leaps_in_key(tracks, before=before, rules=rules)
            for before in tracks
        ]
    )


def _cost(
    order: Sequence[int], *, places_LL: NDArray[np.float64], steps_LL: NDArray[np.float64]
) -> float:
    rows = np.array(order)
    on_places = places_LL[rows, np.arange(len(rows))].sum()
    return float(on_places + steps_LL[rows[:-1], rows[1:]].sum())
