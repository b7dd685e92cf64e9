"""Tracks that sound like one: its neighbours by embedding, filtered, so many an artist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.consumers.neighbours import Neighbours, open_neighbours
from pipeline.consumers.search import Searcher, current_models
from pipeline.consumers.search_request import Range, Search, UnwantedTag, WantedTag
from pipeline.consumers.search_tags import CurrentModel, choose_model, tag_positions
from pipeline.consumers.selection import within_limit
from pipeline.errors import ConfigError
from pipeline.tables.show import find_track

FIRST_CANDIDATES = 200
GROWTH = 4


@dataclass(frozen=True)
class SimilarRequest:
    """What shall be like a track.

    Attributes:
        track: as `find_track` takes it.
        model: a current model or taxonomy, whose embeddings are compared; None: the only one.
        limit: tracks at most.
        per_artist: tracks of one artist at most; None: no limit.
        like: tags that tracks must have, each with a minimum.
        unlike: tags that put tracks out.
        ranges: that tracks must be in.
        folder: of this machine, for the embeddings' file; None: the system's.

    Raises:
        ConfigError: a limit below 1, or a tag without a minimum.
    """

    track: str
    model: str | None = None
    limit: int = 20
    per_artist: int | None = None
    like: tuple[WantedTag, ...] = ()
    unlike: tuple[UnwantedTag, ...] = ()
    ranges: tuple[Range, ...] = ()
    folder: str | None = None

    def __post_init__(self) -> None:
        if min(self.limit, self.per_artist or 1) < 1:
            raise ConfigError("limit and per_artist are 1 or more")
        bare = [one.tag for one in self.like if one.minimum is None]
        if bare:
            raise ConfigError(
                f"a tag that filters needs the lowest score that will do: {bare[0]}>=0.5"
            )


def similar_tracks(connection: DuckDBPyConnection, request: SimilarRequest) -> pa.Table:
    """The tracks nearest to one, nearest first: track_id, title, artist, similarity (cosine).

    Args:
        connection: from `open_views`.
        request: what is asked for.

    Raises:
        UserError: no track, or several, are meant; it has no embedding.
        ConfigError: no model, or several, are meant; a filter that cannot be.
        TableError: the model has no embeddings.
    """
    track_id = find_track(connection, track=request.track)
    model = choose_model(current_models(connection), called=request.model, tags=())
    near = open_neighbours(connection, scoring_id=model.scoring_id, folder=request.folder)
    query_E = near.vector(track_id)
    allowed_N = ~near.having([track_id])
    search = _filter(request, model=model)
    if search is not None:
        allowed_N &= near.having(Searcher(connection).matching(search))
    return _nearest(connection, near, query_E, request=request, allowed_N=allowed_N)


def _filter(request: SimilarRequest, *, model: CurrentModel) -> Search | None:
    """The filters as a search: of the same model if that has all the tags."""
    if not (request.like or request.unlike or request.ranges):
        return None
    tags = [one.tag for one in request.like] + [one.tag for one in request.unlike]
    has_all = all(tag_positions(model.taxonomy, tag) for tag in tags)
    return Search(
        like=request.like,
        unlike=request.unlike,
        ranges=request.ranges,
        model=model.taxonomy.taxonomy_id if has_all else None,
    )


def _nearest(
    connection: DuckDBPyConnection,
    near: Neighbours,
    query_E: NDArray[np.float32],
    *,
    request: SimilarRequest,
    allowed_N: NDArray[np.bool_],
) -> pa.Table:
    """Looks at more and more of the nearest until there are enough within the limit an artist."""
    wanted = request.limit if request.per_artist is None else max(FIRST_CANDIDATES, request.limit)
    while True:
        found = near.nearest(query_E, limit=wanted, allowed_N=allowed_N)
        named = with_names(connection, found)
        kept = named
        if request.per_artist is not None:
            codes_N = _artist_codes(named["artist"].to_pylist())
            kept = named.filter(pa.array(within_limit(codes_N, per_group=request.per_artist)))
        if kept.num_rows >= request.limit or found.num_rows < wanted:
            return kept.slice(0, request.limit)
        wanted *= GROWTH


def with_names(connection: DuckDBPyConnection, found: pa.Table) -> pa.Table:
    """The rows of a result with title and artist after their track_id, in the order given."""
    ids = found["track_id"].to_pylist()
    facts = connection.execute(
        "SELECT track_id, title, artist FROM tracks WHERE track_id IN (SELECT unnest($1))", [ids]
    ).fetchall()
    names = {track_id: (title, artist) for track_id, title, artist in facts}
    for place, field in enumerate(("title", "artist")):
        values = [names.get(track_id, (None, None))[place] for track_id in ids]
        found = found.add_column(place + 1, field, pa.array(values, pa.string()))
    return found


def _artist_codes(artists: Sequence[str | None]) -> NDArray[np.int32]:
    """A number for each artist, without regard to case and outer spaces; -1 for none (N,)."""
    codes: dict[str, int] = {}
    return np.array(
        [
            -1 if one is None else codes.setdefault(one.strip().lower(), len(codes))
            for one in artists
        ],
        np.int32,
    )
