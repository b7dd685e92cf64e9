"""Playlists from tags, seed tracks or a sentence: reads the views, selects, says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.config_playlist import PlaylistJob
from pipeline.consumers.playlist_asked import Asked, read_ask
from pipeline.consumers.playlist_candidates import (
    Counts,
    Floor,
    fill_pool,
    find_floor,
    known_tags,
)
from pipeline.consumers.playlist_embeddings import embedding_scoring, seed_vector
from pipeline.consumers.playlist_files import Entry
from pipeline.consumers.playlist_notes import asked_notes, counts_notes, energy_note, leaps_note
from pipeline.consumers.playlist_pool import load_pool
from pipeline.consumers.playlist_reasons import reason
from pipeline.consumers.playlist_rules import Pick, Pool, Rules, Selection, Weights
from pipeline.consumers.playlist_selector import select
from pipeline.consumers.playlist_wishes import Role, Wish
from pipeline.errors import ConfigError
from pipeline.storage import absolute
from pipeline.tables.show import find_track
from pipeline.tables.views import open_views

SECONDS_A_MINUTE = 60.0


@dataclass(frozen=True)
class Playlist:
    """A playlist and how it came about.

    Attributes:
        title: what was asked.
        entries: the tracks in order.
        picks: the same with what the selector knows.
        notes: sentences for people.
    """

    title: str
    entries: tuple[Entry, ...]
    picks: tuple[Pick, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Seeds:
    """The seed tracks' ids, and the scoring and mean (E,) of their embeddings."""

    track_ids: tuple[str, ...]
    scoring_id: str | None
    mean_E: NDArray[np.float32] | None

    @property
    def vector(self) -> tuple[str, NDArray[np.float32]] | None:
        if self.scoring_id is None or self.mean_E is None:
            return None
        return self.scoring_id, self.mean_E


def make_playlist(job: PlaylistJob) -> Playlist:
    """A playlist from the workspace's tables.

    Raises:
        ConfigError: nothing was asked, a tag is unknown, or rules contradict each other.
        UserError: a seed track is unknown or several.
        TableError: there is no workspace.
    """
    rules = rules_of(job)
    place = job.workspace
    with open_views(
        absolute(place.root_url), storage=place.storage, memory_mb=job.query.memory_mb
    ) as connection:
        asked = read_ask(job.ask, tags=job.tags, known=known_tags(connection))
        seeds = _find_seeds(connection, job=job)
        floors = _floors(connection, wishes=asked.wishes, job=job)
        counts = fill_pool(
            connection,
            wishes=asked.wishes,
            floors=floors,
            match=job.tags.match,
            seeds=seeds.track_ids,
            seed=seeds.vector,
            per_artist=rules.per_artist,
            max_candidates=job.pool.max_candidates,
        )
        _refuse_none(counts, asked=asked)
        pool, energy_of = load_pool(
            connection, wishes=asked.wishes, scoring_id=seeds.scoring_id, curve=rules.curve
        )
    selection = select(pool, rules=rules)
    notes = asked_notes(asked, floors=floors)
    notes += counts_notes(counts, wishes=asked.wishes) + list(selection.notes)
    notes += energy_note(rules.curve, source=energy_of) + leaps_note(selection.picks, rules=rules)
    notes += _likeness_note(pool, rules=rules)
    return Playlist(
        _title(asked, seeds=job.ask.seed_tracks),
        _entries(selection, rules=rules),
        selection.picks,
        tuple(notes),
    )


def rules_of(job: PlaylistJob) -> Rules:
    """The selector's rules.

    Raises:
        ConfigError: the length is given twice or not at all.
    """
    length, rules, neighbours = job.length, job.rules, job.neighbours
    if (length.tracks is None) == (length.minutes is None):
        raise ConfigError(
            f"length.tracks ({length.tracks}) and length.minutes ({length.minutes}): give one of "
            "the two, and null for the other"
        )
    return Rules(
        num_tracks=length.tracks,
        total_s=None if length.minutes is None else length.minutes * SECONDS_A_MINUTE,
        per_artist=rules.per_artist,
        curve=rules.curve,
        diversity=rules.diversity,
        seed=rules.seed,
        neighbours=neighbours.rule,
        tempo_ratio=neighbours.tempo_ratio,
        key_distance=neighbours.key_distance,
        weights=Weights(**job.weights.model_dump()),
    )


def _find_seeds(connection: DuckDBPyConnection, *, job: PlaylistJob) -> _Seeds:
    named = job.ask.seed_tracks
    track_ids = tuple(dict.fromkeys(find_track(connection, track=name) for name in named))
    scoring_id = embedding_scoring(connection, taxonomy=job.pool.embedding)
    if not track_ids:
        return _Seeds((), scoring_id, None)
    if scoring_id is None:
        raise ConfigError("ask.seed_tracks: no track has an embedding; run earmark tag first")
    mean_E = seed_vector(connection, scoring_id=scoring_id, track_ids=track_ids)
    return _Seeds(track_ids, scoring_id, mean_E)


def _floors(
    connection: DuckDBPyConnection, *, wishes: Sequence[Wish], job: PlaylistJob
) -> list[list[Floor]]:
    tags = job.tags
    floors = []
    for wish in wishes:
        is_refused = wish.role is Role.REFUSED
        percentile = None if is_refused else tags.percentile
        share = tags.refused_fraction if is_refused else tags.best_fraction
        floors.append(
            [
                find_floor(connection, tag, percentile=percentile, best_fraction=share)
                for tag in wish.tags
            ]
        )
    return floors


def _refuse_none(counts: Counts, *, asked: Asked) -> None:
    if counts.kept:
        return
    found = "; ".join(counts_notes(counts, wishes=asked.wishes))
    raise ConfigError(
        f"no track answers: {found}. Ask for fewer tags, set tags.match=any, or lower "
        "tags.percentile"
    )


def _likeness_note(pool: Pool, *, rules: Rules) -> list[str]:
    if rules.diversity and not pool.vectors_NE.shape[1]:
        return ["diversity: no track has an embedding, so none is like another"]
    return []


def _title(asked: Asked, *, seeds: Sequence[str]) -> str:
    if asked.prompt:
        return asked.prompt
    parts = [", ".join(w.words for w in asked.wishes if w.role is Role.LIKED)]
    parts += ["like " + ", ".join(seeds)] if seeds else []
    refused = ", ".join(w.words for w in asked.wishes if w.role is Role.REFUSED)
    parts += [f"without {refused}"] if refused else []
    return " ".join(part for part in parts if part)


def _entries(selection: Selection, *, rules: Rules) -> tuple[Entry, ...]:
    entries = []
    for pick in selection.picks:
        track = pick.track
        facts = {
            "closeness": round(track.closeness, 4),
            "similarity": None if track.similarity is None else round(track.similarity, 4),
            "tempo_bpm": None if track.tempo_bpm is None else round(track.tempo_bpm, 1),
            "key": None if track.key is None else str(track.key),
            "energy": None if track.energy is None else round(track.energy, 3),
        }
        names = (track.track_id, track.uri, track.title, track.artist, track.album)
        entries.append(Entry(*names, track.duration_s, reason(pick, rules=rules), facts))
    return tuple(entries)
