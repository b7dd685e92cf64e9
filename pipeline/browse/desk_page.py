"""What buttons beside tracks do: put into the list, mark as example."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from pipeline.browse.desk import Desk
from pipeline.browse.forms import Sent, read_form, texts

router = APIRouter()

QUIET = "x-earmark-quiet"
"""A script sends it: it changes the page itself, and wants numbers instead of the page."""


@router.post("/desk")
async def change(request: Request) -> Response:
    """Does what the pressed button says to the visitor's desk."""
    sent = await read_form(request)
    for track_id in texts(sent.values, "track"):
        _change_track(sent.desk, sent.values.get("do", ""), track_id=track_id)
    _change_all(sent)
    desk = sent.desk
    if request.headers.get(QUIET):
        numbers = {"listed": len(desk.listed), "marks": len(desk.marks)}
        return JSONResponse(numbers)
    return RedirectResponse(sent.back, 303)


def _change_track(desk: Desk, do: str, *, track_id: str) -> None:
    is_listed, mark = track_id in desk.listed, desk.marks.get(track_id)
    if do == "list":
        (desk.take if is_listed else desk.put)(track_id)
    elif do == "put":
        desk.put(track_id)
    elif do in ("up", "down"):
        desk.move(track_id, by=-1 if do == "up" else 1)
    elif do in ("has", "has-not"):
        wanted = do == "has"
        desk.mark(track_id, has_tag=None if mark is wanted else wanted)
    else:
        raise HTTPException(400, f"no button does {do!r}")


def _change_all(sent: Sent) -> None:
    do = sent.values.get("do")
    if do == "clear-list":
        sent.desk.listed.clear()
    elif do == "clear-marks":
        sent.desk.marks.clear()
    elif do == "marking":
        sent.desk.is_marking = not sent.desk.is_marking
