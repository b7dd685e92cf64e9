"""A tag taught from marked tracks: examples, a try, its result, and the tag made."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from pipeline.browse.desk import Desk
from pipeline.browse.forms import Values, changed, number, read_form, text
from pipeline.browse.site import Site, desk_of, page, site_of
from pipeline.browse.teach_trial import TriedTrack, base_models
from pipeline.browse.teaching import BusyError, Lesson, Step
from pipeline.browse.tracks import TrackRow, rows_of
from pipeline.config_teach import TeachJob
from pipeline.consumers.playlist_embeddings import embedding_scoring
from pipeline.consumers.teach import LEAST_POSITIVE
from pipeline.errors import ConfigError, UserError
from pipeline.tables.scorings import read_scorings

router = APIRouter()


@router.get("/teach")
def teach(request: Request) -> Response:
    """Examples, and what came of the last step."""
    return _page(request, fault="", values=Values([]))


@router.post("/teach")
async def begin(request: Request) -> Response:
    """Begins to try a tag, or to make the one that was tried."""
    sent = await read_form(request)
    try:
        if sent.values.get("do") == "accept":
            sent.site.teaching.begin(Step.ACCEPT, _tried(sent.site).job)
        else:
            job = teach_job(sent.site, sent.desk, sent.values)
            sent.site.teaching.begin(Step.TRY, job)
    except UserError as error:
        status = 409 if isinstance(error, BusyError) else 400
        return _page(request, fault=str(error), values=sent.values, status=status)
    return RedirectResponse("/teach", 303)


def teach_job(site: Site, desk: Desk, values: Values) -> TeachJob:
    """The job that a form asks for.

    Raises:
        ConfigError: no name, no model, or a value that cannot be.
    """
    settings = site.settings
    tag, model = text(values, "tag"), text(values, "model")
    if tag is None:
        raise ConfigError("name the tag")
    if model is None:
        raise ConfigError("choose a model: its embeddings are what the tag is learned from")
    teaching = changed(
        settings.teaching,
        tag=tag,
        model=model,
        positive=desk.positive,
        negative=desk.negative,
        precision=number(values, "precision") or settings.teaching.precision,
        share=number(values, "share") or settings.teaching.share,
    )
    return TeachJob(
        workspace=settings.workspace,
        teaching=teaching,
        query=settings.query,
        limits=settings.limits,
        runtime=settings.runtime,
        tracking=settings.tracking,
    )


def _tried(site: Site) -> Lesson:
    last = site.teaching.last
    if last is None or last.step is not Step.TRY or last.trial is None:
        raise ConfigError("no tag has been tried: try one, then accept it")
    return last


def _page(request: Request, *, fault: str, values: Values, status: int = 200) -> Response:
    site, desk, last = site_of(request), desk_of(request), site_of(request).teaching.last
    running = last is not None and last.is_running  # first: what ends meanwhile is shown next time
    scorings = read_scorings(site.root_url, storage=site.library.storage)
    references = {key: one.reference for key, one in scorings.items()}
    with site.library.views() as views:
        bases = base_models(views, references=references)
        widest = embedding_scoring(views, taxonomy=None)
        examples = rows_of(views, list(desk.marks))
        trial = last.trial if last else None
        lists = (trial.best, trial.ask) if trial else ((), ())
        best, ask = (_rows(one, rows_of(views, [t.track_id for t in one])) for one in lists)
    asked = last.job.teaching if last else site.settings.teaching
    shown = {
        "fault": fault,
        "examples": examples,
        "bases": bases,
        "base": values.get("model") or (asked.model if asked.model else widest),
        "least": LEAST_POSITIVE,
        "last": last,
        "running": running,
        "trial": trial,
        "best": best,
        "ask": ask,
        "has_changed": bool(last)
        and (asked.positive, asked.negative) != (desk.positive, desk.negative),
        "tag": values.get("tag") or asked.tag or "",
        "precision": values.get("precision") or asked.precision,
        "share": values.get("share") or asked.share,
    }
    return page(request, "teach.html", shown, status=status)


def _rows(tried: tuple[TriedTrack, ...], rows: list[TrackRow]) -> list[tuple[TrackRow, float]]:
    return [(row, one.score) for row, one in zip(rows, tried, strict=True)]
