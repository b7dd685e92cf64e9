"""Files that a visitor sends with a form: streamed to a temporary folder, under limits."""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from pipeline.browse.forms import MAX_FORM_BYTES, Sent, Values, check_key
from pipeline.consumers.recap_zips import Scratch, plain_name
from pipeline.errors import UserError
from pipeline.storage import Storage, join

MOST_FILES = 500
MOST_FIELDS = 20
DRAINED_TIMES = 4
"""A browser shows an answer when it has sent all: so much over the limit is received, not kept."""
ENDINGS = (".jsonl", ".json", ".csv", ".parquet", ".zip", ".txt")
PART_BYTES = 2**20


class TooLargeError(UserError):
    """The files are over the limit."""


@dataclass(frozen=True)
class Upload:
    """A form with files.

    Attributes:
        sent: the form.
        scratch: the folder that holds the files.
        urls: of the files, in the order in which they were sent.
    """

    sent: Sent
    scratch: Scratch
    urls: tuple[str, ...]

    @property
    def source(self) -> str:
        """The only file, or the folder of all."""
        return self.urls[0] if len(self.urls) == 1 else self.scratch.folder


async def read_upload(request: Request, *, field: str, most_mb: int) -> Upload:
    """A form with files and its visitor's key.

    Args:
        request: what sends it.
        field: of the files.
        most_mb: of the whole form, MiB.

    Raises:
        HTTPException: no form with files, or not the visitor's key.
        TooLargeError: over the limit.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "multipart/form-data":
        raise HTTPException(415, "a form with files is wanted")
    most_bytes = most_mb * 2**20 + MAX_FORM_BYTES
    stream = request.stream()
    parser = MultiPartParser(
        request.headers,
        _limited(stream, most_bytes=most_bytes),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
    )
    try:
        form = await parser.parse()
    except TooLargeError:
        await _drain(stream, most_bytes=DRAINED_TIMES * most_bytes)
        raise TooLargeError(
            f"the files are over the limit of {most_mb} MiB (browse.max_upload_mb): zip them, or "
            "use earmark recap, which has none"
        ) from None
    except MultiPartException as error:
        raise HTTPException(400, f"the form cannot be read: {error.message}") from None
    try:
        values = Values([(name, one) for name, one in form.multi_items() if isinstance(one, str)])
        sent = check_key(request, values)
        return await run_in_threadpool(_saved, form, field=field, sent=sent)
    finally:
        await form.close()


def _saved(form: FormData, *, field: str, sent: Sent) -> Upload:
    """Each file in a folder of its own, so that names need not differ."""
    scratch, storage = Scratch(), Storage()
    urls: list[str] = []
    for given in form.getlist(field):
        if isinstance(given, UploadFile) and given.filename:
            stem, ending = posixpath.splitext(given.filename)
            kept = ending.lower() if ending.lower() in ENDINGS else ""
            url = join(scratch.folder, f"{len(urls):03d}", plain_name(stem) + kept)
            with storage.open(url, "wb") as file:
                shutil.copyfileobj(given.file, file, PART_BYTES)
            urls.append(url)
    return Upload(sent, scratch, tuple(urls))


async def _limited(stream: AsyncIterator[bytes], *, most_bytes: int) -> AsyncGenerator[bytes, None]:
    num_bytes = 0
    async for part in stream:
        num_bytes += len(part)
        if num_bytes > most_bytes:
            raise TooLargeError("too large")
        yield part


async def _drain(stream: AsyncIterator[bytes], *, most_bytes: int) -> None:
    num_bytes = 0
    async for part in stream:
        num_bytes += len(part)
        if num_bytes > most_bytes:
            return
