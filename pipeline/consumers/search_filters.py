"""Which tracks a search leaves in by ranges and names; what contradicts itself.

Shapes: N tracks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.search_request import Search, bounds
from pipeline.consumers.search_tags import find_tag, nearest_names
from pipeline.consumers.track_columns import NAMES, NUMBERS, TRACK_NAMES, TrackColumns
from pipeline.errors import ConfigError
from pipeline.taxonomy import Taxonomy


def described(columns: TrackColumns, search: Search) -> NDArray[np.bool_]:
    """Tracks in all ranges and with the names that are asked for (N,).

    Raises:
        ConfigError: a column, artist or data set that is not there, or a column without values.
    """
    keep_N = np.ones(len(columns), np.bool_)
    for column in dict.fromkeys(one.column for one in search.ranges):
        values_N = _numbers(columns, column)
        low, high = bounds(search.ranges, column=column)
        keep_N &= (values_N >= low) & (values_N <= high)
    modes = () if search.mode is None else (search.mode,)
    names = (search.artists, search.datasets, search.keys, modes)
    for column, wanted in zip(NAMES, names, strict=True):
        if wanted:
            keep_N &= _named(columns, column, wanted=wanted)
    return keep_N


def _numbers(columns: TrackColumns, column: str) -> NDArray[np.float64]:
    if column not in NUMBERS:
        raise ConfigError(
            f"no range can be asked of {column!r}; {nearest_names(column, known=NUMBERS)}"
        )
    values_N = columns.numbers(column)
    if len(values_N) and np.isnan(values_N).all():
        raise ConfigError(
            f"no track has {column}: it is read by earmark catalog (year, duration_s) or "
            "earmark describe (all others)"
        )
    return values_N


def _named(columns: TrackColumns, column: str, *, wanted: Sequence[str]) -> NDArray[np.bool_]:
    """Which tracks have one of the names (N,)."""
    found = columns.names(column)
    codes = {name: code for code, name in enumerate(found.names)}
    folded = [name.strip().lower() for name in wanted]
    unknown = [name for name, key in zip(wanted, folded, strict=True) if key not in codes]
    if unknown and column in TRACK_NAMES:
        near = (
            f"no {column} {name!r}; {nearest_names(name, known=found.names)}" for name in unknown
        )
        raise ConfigError("\n".join(near))
    mine = [codes[key] for key in folded if key in codes]
    kept_N: NDArray[np.bool_] = np.isin(found.codes_N, np.array(mine, np.int32))
    return kept_N


def refuse_contradictions(search: Search, *, taxonomy: Taxonomy) -> None:
    """One tag wanted and not wanted, or wanted twice.

    Raises:
        ConfigError: which.
    """
    wanted = {find_tag(taxonomy, one.tag): one for one in search.like}
    faults = []
    if len(wanted) < len(search.like):
        faults.append("a tag is wanted twice: give it once, with a weight")
    for unwanted in search.unlike:
        like = wanted.get(find_tag(taxonomy, unwanted.tag))
        if like is None:
            continue
        if unwanted.maximum is None:
            faults.append(f"{unwanted.tag} is wanted and not wanted")
        elif (like.minimum or 0.0) > unwanted.maximum:
            faults.append(
                f"{like.tag} cannot be {like.minimum:g} or more and {unwanted.maximum:g} or less"
            )
    if faults:
        raise ConfigError("the search contradicts itself: " + "; ".join(faults))
