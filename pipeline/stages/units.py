"""Units of work: slices of the pending tracks, large at first and small at the end.

A unit holds a share of what is left (guided self-scheduling, Polychronopoulos and Kuck 1987), by
seconds of audio: the last units are single tracks, so that no worker waits for another longer than
a track takes, whatever lengths are mixed. The longest tracks come first (pending.py).
"""

from __future__ import annotations

from pipeline.tables.workload import Workload

SHARES = 4
"""A unit is at most 1 / SHARES of what is left for each actor."""
MAX_UNITS = 10_000


def units(
    workload: Workload, *, num_actors: int, unit_tracks: int, max_units: int = MAX_UNITS
) -> list[tuple[int, int]]:
    """Slices [start, stop) of the pending tracks, at most `max_units`.

    Args:
        workload: seconds of audio of the tracks, in their order.
        num_actors: that share the work.
        unit_tracks: most tracks in a unit, if that gives no more than half of `max_units`.
        max_units: Ray holds an object for each.
    """
    num_tracks, stripe = workload.num_tracks, workload.stripe
    most_tracks = max(unit_tracks, -(-2 * num_tracks // max_units))
    left_s = float(workload.work_s.sum())
    least_s = 2 * left_s / max_units
    slices: list[tuple[int, int]] = []
    start, unit_s = 0, 0.0
    enough_s = max(left_s / (SHARES * num_actors), least_s)
    for i, work_s in enumerate(workload.work_s.tolist()):
        stop = min((i + 1) * stripe, num_tracks)
        unit_s += work_s
        if unit_s >= enough_s or stop - start >= most_tracks or stop == num_tracks:
            slices.append((start, stop))
            left_s -= unit_s
            enough_s = max(left_s / (SHARES * num_actors), least_s)
            start, unit_s = stop, 0.0
    return slices
