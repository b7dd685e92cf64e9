"""A tag tried out: learned and judged as `earmark teach` does, but nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.config_teach import TeachJob
from pipeline.consumers.teach import Lesson, from_threshold, to_ask
from pipeline.errors import ConfigError
from pipeline.stages.teach_examples import choose_examples, learn_from
from pipeline.tables.scorings import find_scoring, read_scorings

# Shape letters: N tracks, E embedding.

BATCH_ROWS = 8192
NUM_BEST = 10
TAUGHT = "taught:"
CANDIDATES = 20
"""Looked at for each track that is asked about, of which one an artist is taken."""


@dataclass(frozen=True)
class TriedTrack:
    """A track of the catalog and its score, 0 to 1."""

    track_id: str
    title: str
    artist: str
    score: float


@dataclass(frozen=True)
class Trial:
    """What a tag would be.

    Attributes:
        tag: as it was asked.
        base: model version whose embeddings are read.
        lesson: the head and what is expected of it.
        num_positive: examples that have it; num_negative: that have it not; num_drawn: drawn.
        num_unscored: examples without an embedding, which were left out.
        num_tracks: scored; num_over: of these at or over the threshold.
        best: tracks with the highest scores that are no examples.
        ask: tracks whose labels would teach most.
    """

    tag: str
    base: str
    lesson: Lesson
    num_positive: int
    num_negative: int
    num_drawn: int
    num_unscored: int
    num_tracks: int
    num_over: int
    best: tuple[TriedTrack, ...]
    ask: tuple[TriedTrack, ...]


def base_models(
    views: DuckDBPyConnection, *, references: dict[str, str]
) -> list[tuple[str, str, str]]:
    """Current scorings whose embeddings a tag can be taught on: id, taxonomy, model version.

    Args:
        views: from `open_views`.
        references: of all scorings by their ids.
    """
    current = views.execute(
        "SELECT scoring_id, taxonomy, model_version FROM source.current ORDER BY taxonomy"
    ).fetchall()
    return [
        row
        for row in current
        if not references.get(row[0], TAUGHT).startswith(TAUGHT)
        and views.execute(
            "SELECT 1 FROM source.shown WHERE scoring_id = $1 AND len(embedding) > 0 LIMIT 1",
            [row[0]],
        ).fetchall()
    ]


def try_tag(views: DuckDBPyConnection, job: TeachJob, *, root_url: str) -> Trial:
    """Learns a tag and scores the catalog with it, in memory.

    Raises:
        ConfigError: no base, or examples that are no tracks.
        UserError: too few examples.
    """
    teaching, storage = job.teaching, job.workspace.storage
    if not teaching.tag or teaching.model is None:
        raise ConfigError("name the tag, and the model that it is taught on")
    base = find_scoring(read_scorings(root_url, storage=storage), teaching.model)
    chosen = choose_examples(views, teaching, storage=storage, base=base)
    lesson = learn_from(chosen, teaching)
    ids, scores_N = _scores(views, lesson, scoring_id=base.scoring_id)
    known = {*chosen.positive_ids, *chosen.negative_ids}
    others = np.array([i for i, one in enumerate(ids) if one not in known], np.int64)
    ranked = others[np.argsort(-scores_N[others], kind="stable")]
    distance_N = from_threshold(scores_N[others], threshold=lesson.threshold)
    near = others[np.argsort(distance_N, kind="stable")][: CANDIDATES * teaching.num_to_ask]
    named = _named(views, ids, scores_N, rows=near)
    asked = to_ask(
        scores_N[near],
        threshold=lesson.threshold,
        groups=[one.artist or one.track_id for one in named],
        number=teaching.num_to_ask,
    )
    return Trial(
        tag=teaching.tag,
        base=base.model_version,
        lesson=lesson,
        num_positive=len(chosen.positive_ids),
        num_negative=len(chosen.negative_ids),
        num_drawn=len(chosen.drawn_NE),
        num_unscored=len(chosen.unscored),
        num_tracks=len(ids),
        num_over=int((scores_N >= np.float32(lesson.threshold)).sum()),
        best=tuple(_named(views, ids, scores_N, rows=ranked[:NUM_BEST])),
        ask=tuple(named[i] for i in asked),
    )


def _scores(
    views: DuckDBPyConnection, lesson: Lesson, *, scoring_id: str
) -> tuple[list[str], NDArray[np.float32]]:
    """The ids of all tracks with an embedding, in order, and their scores."""
    rows = views.sql(
        "SELECT track_id, embedding FROM source.shown WHERE scoring_id = $1 "
        "AND len(embedding) = $2 ORDER BY track_id",
        params=[scoring_id, len(lesson.weight_E)],
    ).to_arrow_reader(BATCH_ROWS)
    ids: list[str] = []
    scores = [np.zeros(0, np.float32)]
    for batch in rows:
        flat = batch["embedding"].flatten().to_numpy(zero_copy_only=False)
        embeddings_NE = flat.reshape(batch.num_rows, -1).astype(np.float64)
        ids += batch["track_id"].to_pylist()
        scores.append(expit(embeddings_NE @ lesson.weight_E + lesson.bias).astype(np.float32))
    return ids, np.concatenate(scores)


def _named(
    views: DuckDBPyConnection,
    ids: list[str],
    scores_N: NDArray[np.float32],
    *,
    rows: NDArray[np.int64],
) -> list[TriedTrack]:
    wanted = [ids[row] for row in rows]
    found = views.execute(
        "SELECT track_id, title, artist FROM tracks WHERE list_contains($1, track_id)", [wanted]
    ).fetchall()
    names = {track_id: (title or track_id, artist or "") for track_id, title, artist in found}
    return [
        TriedTrack(ids[row], *names.get(ids[row], (ids[row], "")), float(scores_N[row]))
        for row in rows
    ]
