"""A track's audio over HTTP, whole or in ranges (RFC 9110, section 14), from wherever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from pipeline.browse.audio_kinds import audio_kind
from pipeline.browse.site import site_of
from pipeline.storage import FAULTS, Storage

router = APIRouter()

PART_BYTES = 2**18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Span:
    """Bytes of a file, the end excluded."""

    start: int
    stop: int


def wanted_span(header: str | None, *, size_bytes: int) -> Span | None:
    """The span that a Range header asks for; None: the whole (also where it is of another form).

    Raises:
        ValueError: no byte of the file is in it.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start = int(first)
        stop = min(size_bytes, int(last) + 1) if last else size_bytes
    if last and first and int(last) < start:
        return None
    if start >= stop:
        raise ValueError(f"no byte of {size_bytes} is in {header}")
    return Span(start, stop)


@router.api_route("/audio", methods=["GET", "HEAD"])
def audio(request: Request, id: str) -> Response:  # noqa: A002, the parameter's name in links
    """The audio of a track of the catalog; nothing else can be read."""
    site = site_of(request)
    with site.library.views() as views:
        found = views.execute(
            "SELECT uri, audio_version FROM tracks WHERE track_id = $1", [id]
        ).fetchall()
    if not found:
        raise HTTPException(404, "no such track in the catalog")
    ((uri, version),) = found[:1]
    storage = site.library.storage
    try:
        size_bytes = storage.stat(uri).size_bytes
    except (FileNotFoundError, *FAULTS):
        raise HTTPException(404, "the track's file is not there any more") from None
    etag = '"' + re.sub(r"[^\w.-]", "_", version) + '"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Content-Disposition": "inline"}
    asked = request.headers.get("range")
    if request.headers.get("if-range", etag) != etag:
        asked = None
    try:
        span = wanted_span(asked, size_bytes=size_bytes)
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size_bytes}"})
    whole = span or Span(0, size_bytes)
    headers["Content-Length"] = str(whole.stop - whole.start)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size_bytes}"
    status, kind = 206 if span else 200, audio_kind(uri).media_type
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    parts = _parts(uri, storage=storage, span=whole)
    return StreamingResponse(parts, status, headers=headers, media_type=kind)


def _parts(uri: str, *, storage: Storage, span: Span) -> Iterator[bytes]:
    left = span.stop - span.start
    with storage.open(uri) as file:
        file.seek(span.start)
        while left:
            part = file.read(min(PART_BYTES, left))
            if not part:
                return
            left -= len(part)
            yield part
