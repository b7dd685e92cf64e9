"""How much audio a run's tracks hold, in their order: what units of work are cut by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_STRIPES = 2**20
ASSUMED_BYTES_PER_S = 16_000
"""Where no header says a length: MP3 of 128 kbit/s."""


@dataclass(frozen=True)
class Workload:
    """Seconds of audio by stripes of tracks.

    Attributes:
        num_tracks: all of them.
        stripe: tracks in a stripe; the last one may hold fewer.
        work_s: of each stripe.
    """

    num_tracks: int
    stripe: int
    work_s: NDArray[np.float64]


class WorkloadBuilder:
    """Takes tracks in order; memory does not grow beyond a million stripes."""

    def __init__(self, most_stripes: int = MOST_STRIPES) -> None:
        self._most = most_stripes
        self._stripe = 1
        self._num_tracks = 0
        self._sums = np.zeros(most_stripes)

    def add(self, work_s: NDArray[np.floating]) -> None:
        """The next tracks' seconds."""
        while self._num_tracks + len(work_s) > self._most * self._stripe:
            pairs = self._sums.reshape(-1, 2).sum(axis=1)
            self._sums = np.concatenate((pairs, np.zeros(len(pairs))))
            self._stripe *= 2
        places = (self._num_tracks + np.arange(len(work_s))) // self._stripe
        np.add.at(self._sums, places, work_s)
        self._num_tracks += len(work_s)

    def built(self) -> Workload:
        """What was added."""
        num_stripes = -(-self._num_tracks // self._stripe)
        return Workload(self._num_tracks, self._stripe, self._sums[:num_stripes].copy())
