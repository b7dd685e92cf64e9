"""How long a playlist of these candidates can be, and which rule makes it shorter. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pipeline.consumers.playlist_rules import Candidate, NeighbourRule, Rules
from pipeline.errors import ConfigError

ROUNDING_S = 1e-6


def artist_of(track: Candidate) -> str:
    """The artist without regard to case and spaces; empty if unknown."""
    return _folded(track.artist)


def _folded(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


def without_repeats(tracks: Sequence[Candidate], *, rules: Rules) -> tuple[list[int], str]:
    """Indices of the closest track of each id, and of each artist and title; and a sentence.

    A track whose artist or title is unknown repeats nothing but its own id.
    """
    del rules
    order = sorted(range(len(tracks)), key=lambda i: (-tracks[i].closeness, i))
    seen: set[tuple[str, ...]] = set()
    kept = []
    for i in order:
        track = tracks[i]
        names: set[tuple[str, ...]] = {(track.track_id,)}
        if _folded(track.artist) and _folded(track.title):
            names.add((_folded(track.artist), _folded(track.title)))
        if not names & seen:
            kept.append(i)
        seen |= names
    lost = len(tracks) - len(kept)
    note = f"no repeats: {lost:,} of {len(tracks):,} have the artist and title of another"
    return sorted(kept), note if lost else ""


def without_unknown_lengths(tracks: Sequence[Candidate], *, rules: Rules) -> tuple[list[int], str]:
    """Indices of the tracks whose length is known, where minutes count; and a sentence."""
    if rules.total_s is None:
        return list(range(len(tracks))), ""
    kept = [i for i, track in enumerate(tracks) if track.duration_s and track.duration_s > 0]
    lost = len(tracks) - len(kept)
    note = f"minutes: {lost:,} of {len(tracks):,} are of unknown length and were left out"
    return kept, note if lost else ""


def refuse_contradictions(tracks: Sequence[Candidate], *, rules: Rules) -> int:
    """How many tracks the playlist can have at most.

    Raises:
        ConfigError: the candidates would do, and the rule on artists or the minutes take too many.
    """
    fitting = [t for t in tracks if rules.total_s is None or (t.duration_s or 0) <= rules.total_s]
    if tracks and not fitting:
        shortest_s = min(track.duration_s or 0.0 for track in tracks)
        raise ConfigError(
            f"length.minutes: {_minutes(rules.total_s)} cannot hold: the shortest of "
            f"{len(tracks):,} candidates takes {_minutes(shortest_s)}. Ask for more minutes"
        )
    capped = _capped(fitting, per_artist=rules.per_artist)
    if rules.total_s is not None:
        _refuse_too_few_minutes(fitting, capped, rules=rules)
        return len(capped)
    wanted = rules.num_tracks or 0
    if len(fitting) >= wanted > len(capped):
        raise ConfigError(
            f"rules.per_artist: {wanted} tracks at {rules.per_artist} an artist cannot hold: the "
            f"{len(fitting):,} candidates have {_artists(fitting)}, which gives {len(capped)} "
            f"tracks. Ask for at most {len(capped)} tracks, allow more of an artist, or ask for "
            "tags that more artists have"
        )
    return min(wanted, len(capped))


def _refuse_too_few_minutes(
    fitting: Sequence[Candidate], capped: Sequence[Candidate], *, rules: Rules
) -> None:
    wanted_s = rules.total_s or 0.0
    all_s, capped_s = (sum(t.duration_s or 0.0 for t in some) for some in (fitting, capped))
    if all_s + ROUNDING_S >= wanted_s > capped_s + ROUNDING_S:
        raise ConfigError(
            f"rules.per_artist: {_minutes(wanted_s)} at {rules.per_artist} an artist cannot hold: "
            f"the {len(fitting):,} candidates have {_artists(fitting)}, which gives at most "
            f"{_minutes(capped_s)}. Ask for fewer minutes, or allow more of an artist"
        )


def _capped(tracks: Sequence[Candidate], *, per_artist: int | None) -> list[Candidate]:
    """The most that can stand together: of each artist the longest."""
    if per_artist is None:
        return list(tracks)
    by_artist: defaultdict[str, list[Candidate]] = defaultdict(list)
    for track in sorted(tracks, key=lambda track: -(track.duration_s or 0.0)):
        by_artist[artist_of(track)].append(track)
    nameless = by_artist.pop("", [])
    return nameless + [track for group in by_artist.values() for track in group[:per_artist]]


def shortfall(
    tracks: Sequence[Candidate], *, chosen: Sequence[int], rules: Rules, reachable: int
) -> list[str]:
    """Sentences on why the playlist is not as long as asked; none if it is."""
    if rules.total_s is not None:
        return _short_of_minutes(tracks, chosen=chosen, rules=rules)
    if len(chosen) < reachable:
        return [_no_neighbour(tracks[chosen[-1]], len(chosen), f"{reachable} tracks")]
    if reachable < (rules.num_tracks or 0):
        return [
            f"shorter than asked: {reachable} of {rules.num_tracks} tracks, all that answer"
            + ("" if reachable == len(tracks) else f" at {rules.per_artist} an artist")
        ]
    return []


def _short_of_minutes(
    tracks: Sequence[Candidate], *, chosen: Sequence[int], rules: Rules
) -> list[str]:
    taken = set(chosen)
    total_s, counts = sum(tracks[i].duration_s or 0.0 for i in chosen), defaultdict[str, int](int)
    for i in chosen:
        counts[artist_of(tracks[i])] += 1
    left_s = (rules.total_s or 0.0) - total_s
    cap = rules.per_artist
    rest = [track for i, track in enumerate(tracks) if i not in taken]
    fitting = [track for track in rest if (track.duration_s or 0.0) <= left_s + ROUNDING_S]
    free = [t for t in fitting if cap is None or not artist_of(t) or counts[artist_of(t)] < cap]
    if free and rules.neighbours is NeighbourRule.REQUIRE and chosen:
        return [_no_neighbour(tracks[chosen[-1]], len(chosen), _minutes(rules.total_s))]
    if fitting:
        return [
            f"per_artist: {len(fitting):,} tracks that would fit the last {left_s:.0f} s are "
            f"by artists that have {cap} already"
        ]
    if left_s > ROUNDING_S and not rest:
        return [f"shorter than asked: {_minutes(total_s)}, all that answer"]
    if left_s > ROUNDING_S:
        return [f"minutes: {left_s:.0f} s stay empty, every track left is longer"]
    return []


def _no_neighbour(last: Candidate, count: int, wanted: str) -> str:
    return (
        f"neighbours: the list ends after {count} tracks of {wanted}, no track left is a neighbour "
        f"of {last.title or last.track_id} in tempo and key (neighbours.rule: prefer allows leaps)"
    )


def _artists(tracks: Sequence[Candidate]) -> str:
    names = {artist_of(track) for track in tracks}
    known = len(names - {""})
    nameless = sum(not artist_of(track) for track in tracks)
    words = f"{known:,} artist{'' if known == 1 else 's'}"
    return words + (f" and {nameless:,} tracks of unknown artists" if nameless else "")


def _minutes(seconds: float | None) -> str:
    return f"{(seconds or 0.0) / 60:.1f} minutes"
