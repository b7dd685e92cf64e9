"""The parts that all pages share, and how a page is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pipeline.browse.audio_kinds import audio_kind
from pipeline.browse.desk import Desk, Desks
from pipeline.browse.heavy import Heavy
from pipeline.browse.library import Library
from pipeline.browse.listening import Listened
from pipeline.browse.recapping import Recapping
from pipeline.browse.teaching import Teaching
from pipeline.config_browse import BrowseJob
from pipeline.tables.output import cell, printable
from pipeline.tables.show import clock


@dataclass(frozen=True)
class Site:
    """The application's parts.

    Attributes:
        settings: the job's.
        root_url: the workspace, absolute.
        library: its views.
        desks: what visitors put aside.
        heard: tracks that have been listened to.
        teaching: the tag that is being taught.
        recapping: what reads histories.
        pages: the templates.
    """

    settings: BrowseJob
    root_url: str
    library: Library
    desks: Desks
    heard: Heavy[Listened]
    teaching: Teaching
    recapping: Recapping
    pages: Environment


def site_of(request: Request) -> Site:
    """The application's parts."""
    site: Site = request.app.state.site
    return site


def desk_of(request: Request) -> Desk:
    """The visitor's."""
    return site_of(request).desks.of(request.state.visitor)


def templates() -> Environment:
    """Templates that escape what they are given: titles come from files."""
    pages = Environment(
        loader=PackageLoader("pipeline.browse"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"clock": clock, "cell": cell, "printable": printable, "kind": audio_kind}
    pages.globals |= {"link_to": link_to}
    return pages


def link_to(path: str, **values: object) -> str:
    """A link of a page with parameters, safe for any text."""
    return f"{path}?{urlencode(values, quote_via=quote)}"


def page(
    request: Request, name: str, values: Mapping[str, Any], *, status: int = 200
) -> HTMLResponse:
    """A rendered page.

    Args:
        request: what asked for it.
        name: of the template.
        values: of the template.
        status: HTTP's.
    """
    site = site_of(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    shared = {
        "desk": desk_of(request),
        "form_key": site.desks.form_key(request.state.visitor),
        "here": here if request.method == "GET" else "/",
        "path": request.url.path,
        "workspace": site.root_url,
    }
    return HTMLResponse(site.pages.get_template(name).render(shared | dict(values)), status)
