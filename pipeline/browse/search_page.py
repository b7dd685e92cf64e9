"""The first page: tracks by tags with sliders, ranges and names; its address is the query."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipeline.browse.forms import Values, number, text, texts, whole
from pipeline.browse.library import Session
from pipeline.browse.site import page, site_of
from pipeline.browse.tracks import TrackRow, named_like, rows_of
from pipeline.consumers.search import Searcher
from pipeline.consumers.search_request import (
    KEYS,
    MODES,
    Range,
    Search,
    WantedTag,
    unwanted_tags,
    wanted_tags,
)
from pipeline.consumers.search_tags import CurrentModel, tag_positions
from pipeline.errors import UserError

router = APIRouter()

LEAST_TAG_ROWS = 3
MOST_TAG_ROWS = 12
RANGES = (("tempo", "tempo_bpm"), ("year", "year"), ("length", "duration_s"))
FACTS = frozenset({"track_id", "title", "artist"})


@dataclass(frozen=True)
class Found:
    """What a search gave.

    Attributes:
        tracks: best first.
        notes: sentences for people.
        fault: why there is no answer; empty if there is one.
    """

    tracks: list[TrackRow]
    notes: tuple[str, ...] = ()
    fault: str = ""


@router.get("/")
def search(request: Request) -> Response:
    """Search, or all tracks by name."""
    site, values = site_of(request), request.query_params
    with site.library.session() as session:
        found, is_search = _answer(session, values, limit=site.settings.browse.num_results)
        models = session.searcher.models
        num_tracks = len(session.searcher.columns)
    shown = {
        "found": found,
        "is_search": is_search,
        "models": models,
        "num_tracks": num_tracks,
        "tags": all_tags(models),
        "tag_rows": _tag_rows(values),
        "values": values,
        "keys": KEYS,
        "modes": MODES,
        "limit": site.settings.browse.num_results,
    }
    return page(request, "search.html", shown, status=400 if found.fault else 200)


def all_tags(models: tuple[CurrentModel, ...]) -> list[tuple[str, str]]:
    """Name of each tag of the current taxonomies, in order, and where it stands."""
    where: dict[str, list[str]] = {}
    for model in models:
        for name, category in zip(model.taxonomy.names, model.taxonomy.categories, strict=True):
            where.setdefault(name, []).append(f"{category}, {model.taxonomy.name}")
    return [(name, "; ".join(where[name])) for name in sorted(where, key=str.casefold)]


def search_of(values: Values, *, limit: int) -> Search | None:
    """What the parameters ask for; None: nothing.

    Raises:
        ConfigError: what cannot be asked.
    """
    pairs = zip(values.getlist("like"), _padded(values.getlist("min")), strict=False)
    like = [one for tag, least in pairs for one in _wanted(tag, least)]
    ranges = [
        Range(column, number(values, f"{name}_from"), number(values, f"{name}_to"))
        for name, column in RANGES
    ]
    asked = {
        "like": tuple(like),
        "unlike": unwanted_tags(texts(values, "not")),
        "ranges": tuple(one for one in ranges if (one.low, one.high) != (None, None)),
        "artists": texts(values, "artist"),
        "keys": texts(values, "in_key"),
        "mode": text(values, "mode"),
    }
    if not any(asked.values()):
        return None
    per_artist, model = whole(values, "per_artist"), text(values, "model")
    return Search(**asked, per_artist=per_artist, limit=limit, model=model)  # type: ignore[arg-type]


def _padded(given: list[str]) -> list[str]:
    return given + [""] * MOST_TAG_ROWS


def _wanted(tag: str, least: str) -> list[WantedTag]:
    """A row of the form: a tag (or several with commas) and its slider."""
    minimum = number(Values([("minimum score", least)]), "minimum score") or None
    return [
        replace(one, minimum=minimum if one.minimum is None else one.minimum)
        for one in wanted_tags([tag])
    ]


def _tag_rows(values: Values) -> list[tuple[str, str]]:
    """The rows of the form: what was asked, and empty ones."""
    given = zip(values.getlist("like"), _padded(values.getlist("min")), strict=False)
    rows = [(tag, least or "0") for tag, least in given if tag.strip()][:MOST_TAG_ROWS]
    return rows + [("", "0")] * max(1, LEAST_TAG_ROWS - len(rows))


def _answer(session: Session, values: Values, *, limit: int) -> tuple[Found, bool]:
    """What was found, and whether it was searched for by tags and ranges."""
    try:
        search = search_of(values, limit=limit)
        with session.cursor() as views:
            if search is None:
                return Found(named_like(views, text(values, "q"), limit=limit)), False
            search, note = with_model(search, models=session.searcher.models)
            tracks, notes = _found(session.searcher, search)
            rows = rows_of(views, list(tracks), values=tracks)
            return Found(rows, (*note, *notes)), True
    except UserError as error:
        return Found([], fault=str(error)), True


def with_model(
    search: Search, *, models: tuple[CurrentModel, ...]
) -> tuple[Search, tuple[str, ...]]:
    """A search that says which model it asks: the first where several have all the tags."""
    tags = [one.tag for one in search.like] + [one.tag for one in search.unlike]
    having = [one for one in models if all(tag_positions(one.taxonomy, tag) for tag in tags)]
    if search.model is not None or not tags or len(having) < 2:
        return search, ()
    names = ", ".join(one.taxonomy.name for one in having)
    first = having[0]
    note = f"{names} have these tags; {first.taxonomy.name} ({first.model_version}) is asked"
    return replace(search, model=first.scoring_id), (note,)


def _found(
    searcher: Searcher, search: Search
) -> tuple[dict[str, dict[str, float | None]], tuple[str, ...]]:
    """Numbers beside each track that was found, best first, and the search's notes."""
    table = searcher.search(search)
    names = [name for name in table.column_names if name not in FACTS]
    if len(search.like) == 1:
        names = names[1:]  # the score is the tag's own
    if not search.like:
        names = []
    rows = table.to_pylist()
    tracks = {row["track_id"]: {name: row[name] for name in names} for row in rows}
    return tracks, searcher.notes(search)
