"""Why each track is in a playlist, in words. Pure."""

from __future__ import annotations

from pipeline.consumers.playlist_neighbours import key_distance
from pipeline.consumers.playlist_rules import Candidate, Curve, Pick, Rules

SHOWN_SCORES = 4
SHAPES = {
    Curve.FLAT: "a flat curve",
    Curve.RISING: "a rising curve",
    Curve.FALLING: "a falling curve",
    Curve.ARC: "an arc",
}


def reason(pick: Pick, *, rules: Rules) -> str:
    """What speaks for a track: `slow 0.91, piano 0.88; 96 bpm after 92; A minor next to C major`.

    Args:
        pick: the track in its place.
        rules: what the playlist was made by.
    """
    track = pick.track
    parts = [", ".join(f"{name} {score:.2f}" for name, score in track.scores[:SHOWN_SCORES])]
    parts += [", ".join(f"no {name} ({score:.2f})" for name, score in track.refused)]
    if track.similarity is not None:
        parts.append(f"{track.similarity:.2f} like the seeds")
    parts += [_tempo(pick), _key(pick)]
    if pick.target_energy is not None:
        known = "unknown" if track.energy is None else f"{track.energy:.2f}"
        parts.append(f"energy {known}, {SHAPES[rules.curve]} asks {pick.target_energy:.2f}")
    return "; ".join(part for part in parts if part)


def _tempo(pick: Pick) -> str:
    now, before = pick.track.tempo_bpm, _of(pick.before, "tempo_bpm")
    if not now:
        return ""
    if not before:
        return f"{now:.0f} bpm"
    leap = " (a leap)" if "tempo" in pick.leaps else ""
    return f"{now:.0f} bpm after {before:.0f}{leap}"


def _key(pick: Pick) -> str:
    key = pick.track.key
    if key is None:
        return ""
    before = None if pick.before is None else pick.before.key
    if before is None:
        return str(key)
    if "key" in pick.leaps:
        return f"{key} after {before} (a leap)"
    return f"{key} {'next to' if key_distance(key, before) == 1 else 'after'} {before}"


def _of(track: Candidate | None, name: str) -> float | None:
    value: float | None = None if track is None else getattr(track, name)
    return value
