"""What is said below a playlist: how words became tags, and what took tracks away."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.consumers.playlist_asked import Asked
from pipeline.consumers.playlist_candidates import (
    ARTIST_ROOM,
    Counts,
    Floor,
    FloorKind,
)
from pipeline.consumers.playlist_rules import Curve, Pick, Rules
from pipeline.consumers.playlist_wishes import Role, Wish

ENERGY = {
    "descriptors": "energy: ranks of loudness, onset density and spectral centroid",
    "tags": "energy: no descriptors here (earmark describe), so ranks of lively and calm tags",
    "": "energy: neither descriptors nor tags of energy are here, so the curve changes nothing",
}


def asked_notes(asked: Asked, *, floors: Sequence[Sequence[Floor]]) -> list[str]:
    """How words became tags, and from which score on each counts."""
    notes = []
    for wish, found in zip(asked.wishes, floors, strict=True):
        near = "" if wish.similarity is None else f" (nearest in meaning, {wish.similarity:.2f})"
        tags = ", ".join(f"{floor.tag}{_floor(floor)}" for floor in found)
        notes.append(f"{wish.role} {wish.words!r}{near}: {tags}")
    if asked.unused:
        advice = f"; {asked.advice}" if asked.advice else ""
        notes.append(f"no tag stands for: {', '.join(asked.unused)}{advice}")
    if any(floor.kind is not FloorKind.CALIBRATED for found in floors for floor in found):
        notes.append(
            "a percentile stands in where a model has no thresholds (earmark calibrate): such "
            "tags are the catalog's best, which is no promise of precision"
        )
    return notes


def _floor(floor: Floor) -> str:
    return f" from {floor.score:.3f} on ({floor.kind})"


def counts_notes(counts: Counts, *, wishes: Sequence[Wish]) -> list[str]:
    """How many tracks of the catalog answer, and how many were considered."""
    parts = [
        f"{count:,} with {'refused ' if wish.role is Role.REFUSED else ''}{wish.tags[0].name}"
        for wish, count in zip(wishes, counts.by_wish, strict=True)
    ]
    notes = [f"tracks: {', '.join([*parts, f'{counts.answering:,} answer'])}"]
    if counts.refused:
        notes.append(f"refused tags took {counts.refused:,} of {counts.answering:,}")
    left = counts.answering - counts.refused
    if counts.kept < left:
        notes.append(
            f"the closest {counts.kept:,} of {left:,} were considered: pool.max_candidates at most "
            f"and {ARTIST_ROOM} times rules.per_artist of an artist"
        )
    return notes


def energy_note(curve: Curve, *, source: str) -> list[str]:
    """What energy is made of, where it was asked for."""
    return [] if curve is Curve.NONE else [ENERGY[source]]


def leaps_note(picks: Sequence[Pick], *, rules: Rules) -> list[str]:
    """How many neighbours are none, and how far the energy is off its curve."""
    notes = []
    for name in ("tempo", "key"):
        if count := sum(name in pick.leaps for pick in picks):
            notes.append(f"{count} of {len(picks) - 1} steps leap in {name}")
    off = [
        abs(pick.track.energy - pick.target_energy)
        for pick in picks
        if pick.track.energy is not None and pick.target_energy is not None
    ]
    if off and rules.curve is not Curve.NONE:
        notes.append(f"energy is off its curve by {sum(off) / len(off):.2f} on average")
    return notes
