"""The playlist builder: from tags, from the visitor's list, or by hand; with files to take away."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipeline.browse.forms import Values, changed, link, number, text, texts, whole
from pipeline.browse.search_page import all_tags
from pipeline.browse.site import Site, desk_of, page, site_of
from pipeline.browse.tracks import rows_of
from pipeline.config_playlist import AskConfig, PlaylistJob
from pipeline.consumers.playlist import make_playlist
from pipeline.consumers.playlist_files import Entry, PlaylistFormat, write_playlist
from pipeline.consumers.playlist_rules import Curve, Match, NeighbourRule
from pipeline.errors import UserError

router = APIRouter()

MEDIA_TYPES = {
    PlaylistFormat.M3U8: "audio/mpegurl",
    PlaylistFormat.XSPF: "application/xspf+xml",
    PlaylistFormat.JSPF: "application/json",
    PlaylistFormat.CSV: "text/csv",
}
ASKED = ("like", "not", "prompt", "seed_track")
FIELDS = (
    *ASKED,
    *("match", "tracks", "minutes", "per_artist", "curve", "diversity", "seed", "rule"),
)
BY_HAND = "chosen by hand"


@router.get("/playlist")
def playlist(request: Request) -> Response:
    """The builder, the playlist that the address asks for, and the visitor's list."""
    site, desk, values = site_of(request), desk_of(request), request.query_params
    built, fault = None, ""
    asked = _asked(values, listed=desk.listed)
    if any(asked.get(name) for name in ASKED):
        try:
            built = make_playlist(playlist_job(site, _values(asked)))
        except UserError as error:
            fault = str(error)
    reasons = {one.track_id: one.reason for one in built.entries} if built else {}
    with site.library.session() as session, session.cursor() as views:
        tracks = rows_of(views, list(reasons), reasons=reasons)
        mine = rows_of(views, desk.listed)
        tags = all_tags(session.searcher.models)
    shown = {
        "built": built,
        "fault": fault,
        "tracks": tracks,
        "mine": mine,
        "tags": tags,
        "values": values,
        "settings": site.settings,
        "curves": [*Curve],
        "rules": [*NeighbourRule],
        "matches": [*Match],
        "files": [(one, link("/playlist/file", asked | {"form": one})) for one in MEDIA_TYPES],
        "my_files": [(one, link("/list/file", {"form": one})) for one in MEDIA_TYPES],
        "asked": asked,
    }
    return page(request, "playlist.html", shown, status=400 if fault else 200)


@router.get("/playlist/file")
def playlist_file(request: Request, form: str) -> Response:
    """The playlist that the address asks for, as a file."""
    site, values = site_of(request), request.query_params
    built = make_playlist(playlist_job(site, values))
    return _file(built.entries, title=built.title, form=form)


@router.get("/list/file")
def list_file(request: Request, form: str) -> Response:
    """The visitor's list as a file."""
    site, desk = site_of(request), desk_of(request)
    with site.library.views() as views:
        rows = [row for row in rows_of(views, desk.listed) if row.uri]
    entries = [
        Entry(
            row.track_id,
            row.uri or "",
            row.title,
            row.artist,
            row.album,
            row.duration_s,
            BY_HAND,
            {},
        )
        for row in rows
    ]
    return _file(entries, title="My list", form=form)


def playlist_job(site: Site, values: Values) -> PlaylistJob:
    """The job that the parameters ask for; what they leave out is the configuration's.

    Raises:
        ConfigError: a value that cannot be.
    """
    settings = site.settings
    minutes = number(values, "minutes")
    tracks = whole(values, "tracks") or (None if minutes else settings.length.tracks)
    rules = {
        "per_artist": whole(values, "per_artist"),
        "curve": text(values, "curve") or settings.rules.curve,
        "diversity": _or(number(values, "diversity"), settings.rules.diversity),
        "seed": _or(whole(values, "seed"), settings.rules.seed),
    }
    return PlaylistJob(
        workspace=settings.workspace,
        ask=AskConfig(
            like=_split(values, "like"),
            refuse=_split(values, "not"),
            seed_tracks=texts(values, "seed_track"),
            prompt=text(values, "prompt"),
        ),
        tags=changed(settings.tags, match=text(values, "match") or settings.tags.match),
        length=changed(settings.length, tracks=tracks, minutes=minutes),
        rules=changed(settings.rules, **rules),
        neighbours=changed(
            settings.neighbours, rule=text(values, "rule") or settings.neighbours.rule
        ),
        weights=settings.weights,
        pool=settings.pool,
        query=settings.query,
    )


def _asked(values: Values, *, listed: list[str]) -> dict[str, list[str]]:
    """The parameters that count; with `mine` the visitor's list becomes the seed tracks."""
    asked = {name: [one for one in values.getlist(name) if one.strip()] for name in FIELDS}
    if values.get("mine"):
        asked["seed_track"] = list(dict.fromkeys([*asked["seed_track"], *listed]))
    return asked


def _values(asked: dict[str, list[str]]) -> Values:
    return Values([(name, one) for name, given in asked.items() for one in given])


def _split(values: Values, name: str) -> tuple[str, ...]:
    parts = (part.strip() for given in texts(values, name) for part in given.split(","))
    return tuple(part for part in parts if part)


def _or(given: float | None, default: float) -> float:
    return default if given is None else given


def _file(entries: Sequence[Entry], *, title: str, form: str) -> Response:
    kinds = {str(one): one for one in MEDIA_TYPES}
    if form not in kinds:
        raise HTTPException(404, f"no format {form!r}; there are {', '.join(kinds)}")
    kind = kinds[form]
    data = write_playlist(entries, title=title, playlist_format=kind)
    headers = {"Content-Disposition": f'attachment; filename="playlist.{form}"'}
    return Response(data, headers=headers, media_type=MEDIA_TYPES[kind])
