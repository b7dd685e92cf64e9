"""What the rendered catalog will hold: which score, played by whom, written how, in which split."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog.rendered_files import ENCODINGS, Encoding
from pipeline.catalog.rendered_programs import ENSEMBLES, Ensemble
from pipeline.catalog.rendered_scores import ScoreRef, choose_scores, seeded

RENDERINGS_PER_SCORE = 3
# Three fifths of the works to learn from, one fifth each to choose and to judge by.
SPLITS = ("train", "train", "train", "validation", "test")


@dataclass(frozen=True)
class Rendering:
    """One track to make."""

    track_id: str
    ensemble: Ensemble
    encoding: Encoding


@dataclass(frozen=True)
class ScoreJob:
    """One score to parse, and its renderings."""

    ref: ScoreRef
    split: str
    renderings: tuple[Rendering, ...]


def plan_jobs(corpus: Path, *, num_tracks: int, seed: int) -> list[ScoreJob]:
    """Which scores are played by whom.

    Encodings take turns. Ensembles take turns within each split, so that a split that is large
    enough hears all of them.
    """
    turns = {
        (split, texture): itertools.cycle(seeded(seed, split + texture).sample(group, len(group)))
        for texture, group in ENSEMBLES.items()
        for split in sorted(set(SPLITS))
    }
    encodings = itertools.cycle(ENCODINGS)
    splits = _split_of_works(seed)
    chosen: dict[str, str] = {}
    jobs: list[ScoreJob] = []
    left = num_tracks
    for ref in choose_scores(corpus, seed=seed):
        count = min(RENDERINGS_PER_SCORE, left)
        if count == 0:
            break
        if ref.work not in chosen:
            chosen[ref.work] = next(splits)
        split = chosen[ref.work]
        ensembles = itertools.islice(turns[split, ref.source.texture], count)
        renderings = tuple(
            Rendering(f"{ref.slug}-{ensemble.name}", ensemble, next(encodings))
            for ensemble in ensembles
        )
        jobs.append(ScoreJob(ref, split, renderings))
        left -= count
    return jobs


def _split_of_works(seed: int) -> Iterator[str]:
    """The splits of works in turn, shuffled five by five so that the shares hold early on."""
    choice = seeded(seed, "split")
    while True:
        yield from choice.sample(SPLITS, len(SPLITS))
