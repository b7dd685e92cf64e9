"""The web application: pages over one workspace, behind a guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import duckdb
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from pipeline.browse import (
    audio,
    desk_page,
    failures_page,
    playlist_page,
    recap_page,
    search_page,
    teach_page,
    track_page,
)
from pipeline.browse.desk import Desks
from pipeline.browse.guard import Door, Guard
from pipeline.browse.heavy import Heavy
from pipeline.browse.library import Library
from pipeline.browse.recapping import Recapping
from pipeline.browse.site import Site, page, templates
from pipeline.browse.teaching import Teaching
from pipeline.config_browse import BrowseJob
from pipeline.errors import UserError
from pipeline.storage import absolute

NUM_HEARD_KEPT = 64
PAGES = (
    *(search_page, track_page, playlist_page, recap_page, teach_page, failures_page),
    *(desk_page, audio),
)


def create_app(
    settings: BrowseJob, *, token: str | None = None, port: int | None = None
) -> FastAPI:
    """The application.

    Args:
        settings: the job's.
        token: what visitors must bring; None: nothing, on loopback alone.
        port: that it is served on; None: the configured one.
    """
    site = _site(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        site.teaching.close()
        site.recapping.close()
        site.heard.close()
        site.library.close()

    app = FastAPI(
        title="Earmark", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.site = site
    for pages in PAGES:
        app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_link)
    app.add_exception_handler(duckdb.OutOfMemoryException, _no_memory)
    door = Door(settings.browse.host, token, settings.browse.port if port is None else port)
    app.add_middleware(Guard, door=door)
    return app


def _site(settings: BrowseJob) -> Site:
    root_url, browse = absolute(settings.workspace.root_url), settings.browse
    library = Library(
        root_url,
        storage=settings.workspace.storage,
        memory_mb=settings.query.memory_mb,
        refresh_s=browse.refresh_s,
    )
    return Site(
        settings=settings,
        root_url=root_url,
        library=library,
        desks=Desks(),
        heard=Heavy(
            num_workers=browse.num_heard, num_waiting=browse.num_waiting, num_kept=NUM_HEARD_KEPT
        ),
        teaching=Teaching(library),
        recapping=Recapping(),
        pages=templates(),
    )


async def _user_error(request: Request, error: Exception) -> Response:
    return page(request, "message.html", {"message": str(error)}, status=400)


async def _http_error(request: Request, error: Exception) -> Response:
    status, detail = (
        (error.status_code, str(error.detail)) if isinstance(error, HTTPException) else (500, "")
    )
    return page(request, "message.html", {"message": detail}, status=status)


async def _bad_link(request: Request, error: Exception) -> Response:
    del error
    return page(request, "message.html", {"message": "the link is not whole"}, status=400)


async def _no_memory(request: Request, error: Exception) -> Response:
    message = f"DuckDB has no room left (query.memory_mb): {str(error).splitlines()[0]}"
    return page(request, "message.html", {"message": message}, status=503)
