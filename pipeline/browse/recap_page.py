"""A recap of a history that the visitor sends: a form, the result, and files to take away."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pipeline.browse.forms import Values, changed, read_form, text
from pipeline.browse.recapping import KEPT_S, MOST_USERS, BusyError
from pipeline.browse.site import Site, desk_of, page, site_of
from pipeline.browse.upload import ENDINGS, TooLargeError, Upload, read_upload
from pipeline.config_recap import HistoryConfig, RecapJob, RecapScope
from pipeline.consumers.recap_facts import Recap
from pipeline.consumers.recap_page import month_name, render_recap
from pipeline.consumers.recap_shapes import count, duration, percent
from pipeline.errors import ConfigError, UserError

router = APIRouter()

RESULT = "/recap#result"
REFUSED, IN_UTC, IN_ZONE = "refused", "utc", "zone"
ZONELESS = {
    REFUSED: "are refused",
    IN_UTC: "are UTC, as Last.fm's are",
    IN_ZONE: "are in the zone above",
}
STATUS: dict[type[UserError], int] = {BusyError: 409, TooLargeError: 413}
PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The recap's page draws with styles of its own; it has no script and loads nothing."""
WAY_BACK = (
    '<body>\n<nav aria-label="Earmark" style="max-width: 68rem; margin: 0 auto; '
    'padding: 0.7rem 1.1rem"><a href="/recap" style="color: var(--accent)">Back to Earmark</a>'
    "</nav>"
)


@router.get("/recap")
def recap(request: Request) -> Response:
    """The form, and what came of the last history."""
    return _page(request, fault="", values=Values([]))


@router.post("/recap")
async def make(request: Request) -> Response:
    """Takes a history and begins its recap."""
    site, desk, values = site_of(request), desk_of(request), Values([])
    try:
        if desk.recap is not None and desk.recap.is_running:
            raise BusyError("your last history is still being read; wait until that is done")
        with site.recapping.place() as place:
            most_mb = site.settings.browse.max_upload_mb
            upload = await read_upload(request, field="history", most_mb=most_mb)
            values = upload.sent.values
            desk.recap = place.begin(recap_job(site, upload), scratch=upload.scratch)
    except UserError as error:
        status = STATUS.get(type(error), 400)
        return _page(request, fault=str(error), values=values, status=status)
    return RedirectResponse(RESULT, 303)


@router.post("/recap/user")
async def answer(request: Request) -> Response:
    """Goes on with the history that waits, for one of its users."""
    sent = await read_form(request)
    step = sent.desk.recap
    question = step.question if step else None
    try:
        if question is None or not question.is_open:
            raise ConfigError("no history waits any more: send it again")
        job = question.job
        whose = changed(job.recap, user=sent.values.get("user", ""))
        with sent.site.recapping.place() as place:
            question.timer.cancel()
            asked = job.model_copy(update={"recap": whose})
            sent.desk.recap = place.begin(asked, scratch=question.scratch)
    except UserError as error:
        status = STATUS.get(type(error), 400)
        return _page(request, fault=str(error), values=Values([]), status=status)
    return RedirectResponse(RESULT, 303)


@router.post("/recap/forget")
async def forget(request: Request) -> Response:
    """Clears the visitor's recap, and deletes a history that waits."""
    sent = await read_form(request)
    step = sent.desk.recap
    if step is not None and step.question is not None:
        step.question.scratch.remove()
    sent.desk.recap = None
    return RedirectResponse("/recap", 303)


@router.get("/recap/page")
def recap_page(request: Request) -> Response:
    """The recap's own page, with a way back."""
    whole = render_recap(_recap(request)).replace("<body>", WAY_BACK, 1)
    return HTMLResponse(whole, headers={"Content-Security-Policy": PAGE_POLICY})


@router.get("/recap/file")
def recap_file(request: Request, form: str) -> Response:
    """The recap as a file: its page, or all facts."""
    found = _recap(request)
    makers = {"html": (render_recap, "text/html"), "json": (Recap.to_json, "application/json")}
    if form not in makers:
        raise HTTPException(404, f"no format {form!r}; there are {', '.join(makers)}")
    maker, kind = makers[form]
    headers = {
        "Content-Disposition": f'attachment; filename="recap.{form}"',
        "Content-Security-Policy": PAGE_POLICY,
    }
    return Response(maker(found), headers=headers, media_type=kind)


def recap_job(site: Site, upload: Upload) -> RecapJob:
    """The job that a form asks for.

    Raises:
        ConfigError: no file, or a value that cannot be.
    """
    settings, values = site.settings, upload.sent.values
    if not upload.urls:
        raise ConfigError("choose the files of a listening history")
    zone = text(values, "timezone") or settings.recap.timezone
    zones = {REFUSED: settings.history.timezone, IN_UTC: "UTC", IN_ZONE: zone}
    zoneless = values.get("zoneless", REFUSED)
    if zoneless not in zones:
        raise ConfigError(f"times without a zone: {zoneless!r} is none of {', '.join(zones)}")
    return RecapJob(
        workspace=settings.workspace,
        history=_history(settings.history, source=upload.source, timezone=zones[zoneless]),
        recap=changed(
            settings.recap,
            scope=text(values, "scope") or settings.recap.scope,
            user=text(values, "user") or settings.recap.user,
            timezone=zone,
        ),
        tags=settings.recap_tags,
        query=settings.query,
    )


def _history(given: HistoryConfig, *, source: str, timezone: str | None) -> HistoryConfig:
    return changed(given, source=source, timezone=timezone)


def _recap(request: Request) -> Recap:
    step = desk_of(request).recap
    if step is None or step.recap is None:
        raise HTTPException(404, "there is no recap: make one first")
    return step.recap


def _zoneless(job: RecapJob) -> str:
    zone = job.history.timezone
    return REFUSED if zone is None else IN_UTC if zone == "UTC" else IN_ZONE


def _page(request: Request, *, fault: str, values: Values, status: int = 200) -> Response:
    settings, step = site_of(request).settings, desk_of(request).recap
    asked = step.job.recap if step else settings.recap
    done = step if step and not step.is_running else None  # once: it may end meanwhile
    question = done.question if done else None
    shown = {
        "fault": fault or (done.fault if done else ""),
        "step": step,
        "is_running": step is not None and done is None,
        "recap": done.recap if done else None,
        "question": question if question and question.is_open else None,
        "values": values,
        "zone": values.get("timezone") or asked.timezone,
        "is_first": step is None and not values,
        "user": values.get("user") or (done and done.fault and asked.user) or "",
        "zoneless": values.get("zoneless") or (_zoneless(step.job) if step else REFUSED),
        "zonelesses": ZONELESS,
        "scope": values.get("scope") or asked.scope,
        "scopes": [*RecapScope],
        "max_mb": settings.browse.max_upload_mb,
        "endings": ",".join(ENDINGS),
        "kept_min": KEPT_S // 60,
        "most_users": MOST_USERS,
        "min_users": settings.recap.min_users,
        "month": month_name,
        "duration": duration,
        "percent": percent,
        "number": count,
    }
    return page(request, "recap.html", shown, status=status)
