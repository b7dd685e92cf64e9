"""Tracks by tags wanted and not wanted, descriptors, and limits: exact, among millions.

What a search needs lies in memory as one value a track (track_columns.py), so an answer is a few
passes over arrays: no join, no sort of more than the best. Scores of several tags are combined by
their weighted geometric mean (a product, back on the scale of a score): a track must have all the
tags, where a mean would let one strong tag stand in for one that is absent; and a tag whose
scores are all lower, as those of rare tags are, changes nothing in the order.

Shapes: N tracks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.consumers.search_filters import described, refuse_contradictions
from pipeline.consumers.search_request import Search
from pipeline.consumers.search_tags import (
    CurrentModel,
    choose_model,
    column_names,
    find_tag,
)
from pipeline.consumers.selection import best_rows, geometric_mean, ranking_keys
from pipeline.consumers.track_columns import TagColumn, TrackColumns
from pipeline.storage import Storage
from pipeline.tables.views import open_views
from pipeline.taxonomy import Taxonomy


class Searcher:
    """Answers searches from an open session; keep it: the first search of a tag reads the tag.

    Args:
        connection: from `open_views`; it must stay open. What is committed later is not seen.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.columns = TrackColumns(connection)
        """What it calculates with."""
        self.models = current_models(connection)
        """The current models, one a taxonomy."""
        self._percentiles: dict[tuple[str, int, float], float] = {}

    def search(self, search: Search) -> pa.Table:
        """The tracks that were asked for, best first; of equal scores the lower track_id first.

        Returns:
            track_id, title, artist, score (0 to 1, null where no tag is wanted), and one column
            for each wanted tag.

        Raises:
            ConfigError: an unknown tag, column, name or model; contradictions.
        """
        model, wanted = self._wanted(search)
        rows = self._matching(search)
        scores = [column.scores_N[rows] for column in wanted]
        weights = [one.weight for one in search.like]
        artists_N = self.columns.names("artist").codes_N[rows] if search.per_artist else None
        keys_N = (
            ranking_keys(scores, weights=weights) if scores else np.zeros(len(rows), np.float64)
        )
        best = best_rows(
            keys_N, limit=search.limit, groups_N=artists_N, per_group=search.per_artist
        )
        found = self.columns.facts.take(pa.array(rows[best]))
        if model is None:
            return found.append_column("score", pa.nulls(len(best), pa.float32()))
        chosen = [scores_N[best] for scores_N in scores]
        return _with_scores(found, chosen, search=search, taxonomy=model.taxonomy)

    def matching(self, search: Search) -> pa.Array:
        """The track_ids of all tracks for which the search holds, without its limits, in order.

        Raises:
            ConfigError: as `search`.
        """
        ids = self.columns.facts["track_id"].take(pa.array(self._matching(search)))
        return ids.combine_chunks()

    def notes(self, search: Search) -> tuple[str, ...]:
        """From which score on each unwanted tag puts a track out, and why from there.

        Raises:
            ConfigError: as `search`.
        """
        model = self._model(search)
        return tuple(
            f"without {one.tag}: {self._limit(search, model=model, number=i)[1]}"
            for i, one in enumerate(search.unlike)
            if model is not None
        )

    def _model(self, search: Search) -> CurrentModel | None:
        """The model whose tags are asked for; None where none are."""
        tags = [one.tag for one in search.like] + [one.tag for one in search.unlike]
        if not tags:
            return None
        model = choose_model(self.models, called=search.model, tags=tags)
        refuse_contradictions(search, taxonomy=model.taxonomy)
        return model

    def _wanted(self, search: Search) -> tuple[CurrentModel | None, list[TagColumn]]:
        model = self._model(search)
        if model is None:
            return None, []
        return model, [self._tag(model, one.tag) for one in search.like]

    def _tag(self, model: CurrentModel, text: str) -> TagColumn:
        position = find_tag(model.taxonomy, text)
        return self.columns.tag(
            model.scoring_id,
            tag=model.taxonomy.names[position],
            category=model.taxonomy.categories[position],
        )

    def _matching(self, search: Search) -> NDArray[np.int64]:
        """Numbers of the tracks for which all holds; the scores are read last, of what is left."""
        keep_N = described(self.columns, search)
        model, columns = self._wanted(search)
        for one, tag in zip(search.like, columns, strict=True):
            keep_N &= tag.scores_N >= (one.minimum or 0.0)
        for i, unwanted in enumerate(search.unlike):
            if model is not None:
                limit, _ = self._limit(search, model=model, number=i)
                keep_N &= self._tag(model, unwanted.tag).scores_N <= np.float32(limit)
        return np.flatnonzero(keep_N)

    def _limit(self, search: Search, *, model: CurrentModel, number: int) -> tuple[float, str]:
        """The highest score of an unwanted tag that will do, and the reason in words."""
        unwanted = search.unlike[number]
        column = self._tag(model, unwanted.tag)
        if unwanted.maximum is not None:
            return unwanted.maximum, f"at most {unwanted.maximum:g}, as asked"
        if column.threshold is not None:
            below = float(np.nextafter(np.float32(column.threshold), np.float32(-1)))
            return below, f"not positive, below its threshold {column.threshold:.4g}"
        percentile = search.unwanted_percentile
        key = (model.scoring_id, find_tag(model.taxonomy, unwanted.tag), percentile)
        if key not in self._percentiles:
            known = column.scores_N[~np.isnan(column.scores_N)]
            limit = np.quantile(known.astype(np.float64), percentile / 100) if len(known) else 1.0
            self._percentiles[key] = float(limit)
        limit = self._percentiles[key]
        return limit, (
            f"at most {limit:.4g}, the percentile {percentile:g} of its scores, since "
            f"{model.model_version} has no thresholds"
        )


def current_models(connection: DuckDBPyConnection) -> tuple[CurrentModel, ...]:
    """The models that a session's views show, one a taxonomy."""
    rows = connection.execute(
        "SELECT scoring_id, model_version, taxonomy, tags FROM source.current ORDER BY ALL"
    ).fetchall()
    return tuple(
        CurrentModel(scoring_id, version or "", Taxonomy(name, tuple(tags)))
        for scoring_id, version, name, tags in rows
    )


@contextmanager
def open_searcher(root_url: str, *, storage: Storage, memory_mb: int) -> Iterator[Searcher]:
    """A searcher with a session of its own.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; the searcher's columns are beside it.

    Raises:
        TableError: there is no workspace.
    """
    with open_views(root_url, storage=storage, memory_mb=memory_mb) as connection:
        yield Searcher(connection)


def search_tracks(connection: DuckDBPyConnection, search: Search) -> pa.Table:
    """One search in a session of `open_views`; `Searcher` keeps what it has read for the next.

    Raises:
        ConfigError: as `Searcher.search`.
    """
    return Searcher(connection).search(search)


def _with_scores(
    found: pa.Table, scores: list[NDArray[np.float32]], *, search: Search, taxonomy: Taxonomy
) -> pa.Table:
    """The rows with the combined score, null where no tag is wanted, and that of each tag."""
    weights = [one.weight for one in search.like]
    mean = geometric_mean(scores, weights=weights) if scores else [None] * found.num_rows
    found = found.append_column("score", pa.array(mean, pa.float32()))
    names = column_names(taxonomy, [find_tag(taxonomy, one.tag) for one in search.like])
    for name, values in zip(names, scores, strict=True):
        found = found.append_column(name, pa.array(values))
    return found
