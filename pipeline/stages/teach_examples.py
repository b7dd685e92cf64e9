"""The examples of a tag that is taught: named, or in a file, and drawn.

Shapes: N tracks, E embedding.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.config_teach import TeachConfig
from pipeline.consumers.teach import Lesson, examples, learn
from pipeline.errors import ConfigError
from pipeline.storage import Storage
from pipeline.tables.examples import drawn, embedded, find_tracks
from pipeline.tables.scorings import Scoring


@dataclass(frozen=True)
class Chosen:
    """Examples with their embeddings: positive, negative and drawn ones, in this order.

    Attributes:
        positive_ids: tracks that have the tag.
        negative_ids: tracks that have it not.
        groups: artist of each, drawn ones included.
        positive_NE: embeddings.
        negative_NE: likewise.
        drawn_NE: likewise.
        unscored: examples without an embedding, which were left out.
    """

    positive_ids: tuple[str, ...]
    negative_ids: tuple[str, ...]
    groups: tuple[str, ...]
    positive_NE: NDArray[np.float32]
    negative_NE: NDArray[np.float32]
    drawn_NE: NDArray[np.float32]
    unscored: tuple[str, ...]


def choose_examples(
    connection: DuckDBPyConnection, teaching: TeachConfig, *, storage: Storage, base: Scoring
) -> Chosen:
    """Finds the examples' tracks and their embeddings, and draws others.

    Args:
        connection: from `open_views`.
        teaching: names them.
        storage: how to reach the file of examples.
        base: the scoring that has the embeddings.

    Raises:
        ConfigError: a name is no track, or several; a track is an example of both; the file is
            no table of examples.
    """
    from_file = _read(teaching.examples, storage=storage) if teaching.examples else ((), ())
    positive = find_tracks(connection, (*teaching.positive, *from_file[0]))
    negative = find_tracks(connection, (*teaching.negative, *from_file[1]))
    if both := sorted(set(positive) & set(negative)):
        raise ConfigError(f"examples that have the tag and have it not: {', '.join(both[:5])}")
    have = embedded(connection, positive, scoring_id=base.scoring_id)
    have_not = embedded(connection, negative, scoring_id=base.scoring_id)
    others = drawn(
        connection,
        scoring_id=base.scoring_id,
        number=teaching.num_drawn,
        seed=teaching.seed,
        without=(*positive, *negative),
    )
    found = {*have.track_ids, *have_not.track_ids}
    width = max(part.embeddings_NE.shape[1] for part in (have, have_not, others))
    return Chosen(
        positive_ids=have.track_ids,
        negative_ids=have_not.track_ids,
        groups=have.artists + have_not.artists + others.artists,
        positive_NE=have.embeddings_NE.reshape(-1, width),
        negative_NE=have_not.embeddings_NE.reshape(-1, width),
        drawn_NE=others.embeddings_NE.reshape(-1, width),
        unscored=tuple(one for one in (*positive, *negative) if one not in found),
    )


def learn_from(chosen: Chosen, teaching: TeachConfig) -> Lesson:
    """The head that the examples teach.

    Raises:
        UserError: too few examples.
    """
    return learn(
        examples(chosen.positive_NE, chosen.negative_NE, chosen.drawn_NE, groups=chosen.groups),
        precision=teaching.precision,
        share=teaching.share,
        seed=teaching.seed,
    )


def _read(url: str, *, storage: Storage) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Positive and negative tracks of a file."""
    try:
        data = pa.BufferReader(storage.read(url))
        table = pq.read_table(data) if url.endswith(".parquet") else pa_csv.read_csv(data)
    except FileNotFoundError:
        raise ConfigError(f"teaching.examples: there is no file {url}") from None
    except (pa.ArrowInvalid, io.UnsupportedOperation) as error:
        raise ConfigError(f"teaching.examples: {url} is no CSV or Parquet: {error}") from None
    if missing := [name for name in ("track", "has_tag") if name not in table.column_names]:
        raise ConfigError(
            f"teaching.examples: {url} has no column {' nor '.join(missing)} (it has "
            f"{', '.join(table.column_names)}); give track and has_tag, true or false"
        )
    try:
        marks = table["has_tag"].cast(pa.bool_()).to_pylist()
    except pa.ArrowInvalid as error:
        raise ConfigError(f"teaching.examples: {url}, column has_tag: {error}") from None
    tracks = [str(track) for track in table["track"].to_pylist()]
    pairs = list(zip(tracks, marks, strict=True))
    return (
        tuple(track for track, mark in pairs if mark),
        tuple(track for track, mark in pairs if mark is False),
    )
