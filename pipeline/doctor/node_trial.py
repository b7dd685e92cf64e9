"""What a machine tries on the workspace: reads the driver's file; writes, deletes its own."""

from __future__ import annotations

import uuid

from pipeline.errors import UserError
from pipeline.storage import FAULTS, Storage, join

DRIVERS_FILE = "driver.txt"


def try_store(
    *, folder_url: str, expected: str, endpoint_url: str | None, region: str | None
) -> str:
    """What is wrong with the workspace from here; empty: nothing.

    Args:
        folder_url: the doctor's own folder in the workspace.
        expected: content of the file that the driver has written there; empty: there is none.
        endpoint_url: of an S3-compatible store.
        region: of an S3 bucket.
    """
    storage = Storage(endpoint_url=endpoint_url, region=region)
    if expected:
        try:
            seen = storage.read(join(folder_url, DRIVERS_FILE)).decode(errors="replace")
        except FileNotFoundError:
            return "the driver's file is not there: this machine sees another folder"
        except (UserError, *FAULTS) as error:
            return _words("reading", error)
        if seen != expected:
            return "the driver's file holds something else here"
    return write_read_delete(join(folder_url, f"node-{uuid.uuid4().hex[:12]}.txt"), storage=storage)


def write_read_delete(url: str, *, storage: Storage) -> str:
    """Tries a file from its beginning to its end; what went wrong, or nothing.

    Args:
        url: of a file that nobody else uses.
        storage: the workspace's.
    """
    content = uuid.uuid4().hex.encode()
    step = "writing"
    try:
        storage.write(url, content)
        step = "reading"
        if storage.read(url) != content:
            return "reading: what was written came back otherwise"
        step = "deleting"
        storage.delete(url)
        if storage.exists(url):
            return "deleting: the file is there all the same"
    except (UserError, *FAULTS) as error:
        return _words(step, error)
    return ""


def _words(step: str, error: BaseException) -> str:
    kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    return f"{step}: {kind}{' '.join(str(error).split())}"[:600]
