"""A track's page: player, facts, tags, tags over time, neighbours, failures."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from duckdb import DuckDBPyConnection
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from pipeline.browse.audio_kinds import ending
from pipeline.browse.listening import Listened, hear
from pipeline.browse.site import Site, page, site_of
from pipeline.browse.tracks import TrackRow, rows_of
from pipeline.consumers.playlist_embeddings import embedding_scoring
from pipeline.consumers.similar import SimilarRequest, similar_tracks
from pipeline.errors import DataError, UserError
from pipeline.tables.scorings import read_scorings
from pipeline.tables.show import SHOWN_DESCRIPTORS, SHOWN_FACTS, TrackCard, track_card

router = APIRouter()

SHOWN_TAGS = 10
MOST_MODELS = 3
"""Of those that scored a track: each costs a pass of its network when the page is opened."""


@dataclass(frozen=True)
class Source:
    """What is needed to hear a track.

    Attributes:
        track_id: which.
        uri: where its audio is.
        version: of the audio.
        references: bundles that score it.
    """

    track_id: str
    uri: str
    version: str
    references: tuple[str, ...]


@router.get("/track")
def track(request: Request, id: str) -> Response:  # noqa: A002, the parameter's name in links
    """A track; with `heard=1` its tags over time are on the page, for browsers without scripts."""
    site = site_of(request)
    with site.library.views() as views:
        card = _card(views, track_id=id)
        near, silence = _neighbours(views, site=site, track_id=card.track_id)
        row = rows_of(views, [card.track_id])[0]
    listened, fault = None, ""
    source = _source(site, card)
    if request.query_params.get("heard") and source.references:
        try:
            listened = site.heard.begin(source, lambda: _hear(site, source)).result()
        except (DataError, UserError) as error:
            fault = str(error)
    facts = [(name, card.facts.get(name)) for name in SHOWN_FACTS]
    facts += [(name, card.descriptors.get(name)) for name in SHOWN_DESCRIPTORS]
    shown = {
        "row": row,
        "ending": ending(row.uri or ""),
        "facts": [(name, value) for name, value in facts if value not in (None, "", [])],
        "tags": card.tags,
        "shown_tags": SHOWN_TAGS,
        "results": card.results,
        "failures": [one for one in card.results if one["reason"]],
        "near": near,
        "silence": silence,
        "can_be_heard": bool(source.references),
        "listened": listened,
        "fault": fault,
    }
    return page(request, "track.html", shown)


@router.get("/heard")
async def heard(request: Request, id: str) -> Response:  # noqa: A002
    """The part of the page that takes seconds: mel and tags over time."""
    site = site_of(request)
    listened, fault = None, ""
    try:
        listened = await _listened(site, id)
    except (DataError, UserError) as error:
        fault = str(error)
    pages = site.pages.get_template("heard.html")
    return HTMLResponse(pages.render(listened=listened, fault=fault, track_id=id))


@router.get("/mel")
async def mel(request: Request, id: str) -> Response:  # noqa: A002
    """The track's mel as a picture."""
    try:
        listened = await _listened(site_of(request), id)
    except (DataError, UserError) as error:
        raise HTTPException(404, str(error)) from None
    return Response(listened.mel, media_type="image/png")


async def _listened(site: Site, track_id: str) -> Listened:
    source = await run_in_threadpool(_find_source, site, track_id)
    future = site.heard.begin(source, lambda: _hear(site, source))
    return await asyncio.shield(asyncio.wrap_future(future))


def _find_source(site: Site, track_id: str) -> Source:
    with site.library.views() as views:
        source = _source(site, _card(views, track_id=track_id))
    if not source.references:
        raise UserError("no current model has tagged the track")
    return source


def _hear(site: Site, source: Source) -> Listened:
    storage = site.library.storage
    return hear(source.uri, references=source.references, root_url=site.root_url, storage=storage)


def _card(views: DuckDBPyConnection, *, track_id: str) -> TrackCard:
    try:
        return track_card(views, track=track_id)
    except UserError as error:
        raise HTTPException(404, str(error)) from None


def _source(site: Site, card: TrackCard) -> Source:
    """Models of the current taxonomies that have scored the track, in the order of their tags."""
    scorings = read_scorings(site.root_url, storage=site.library.storage)
    shown = [rows[0]["scoring_id"] for rows in card.tags.values()]
    known = [scorings[one].reference for one in shown if one in scorings]
    references = tuple(dict.fromkeys(known))[:MOST_MODELS] if card.facts else ()
    facts = card.facts
    return Source(card.track_id, facts.get("uri", ""), facts.get("audio_version", ""), references)


def _neighbours(
    views: DuckDBPyConnection, *, site: Site, track_id: str
) -> tuple[list[TrackRow], str]:
    """The nearest tracks, or why there are none."""
    settings = site.settings.browse
    scoring_id = embedding_scoring(views, taxonomy=None)
    if scoring_id is None:
        return [], "no track has an embedding"
    request = SimilarRequest(
        track=track_id, model=scoring_id, limit=settings.num_neighbours, folder=settings.cache
    )
    try:
        found = similar_tracks(views, request).to_pylist()
    except UserError as error:
        return [], str(error)
    numbers = {one["track_id"]: {"similarity": one["similarity"]} for one in found}
    return rows_of(views, list(numbers), values=numbers), ""
