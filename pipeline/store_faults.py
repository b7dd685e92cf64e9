"""What object stores raise on bad days: which faults pass by waiting, and what people are told.

The libraries try again by themselves (botocore, s3fs, deltalake's object store, each with growing,
jittered pauses). What is left is repeated here only where repeating is harmless: reading, and
writing under a name that nobody else uses.
"""

from __future__ import annotations

import errno
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from pipeline.errors import ConfigError, UserError

FAULTS = (OSError, BotoCoreError, ClientError, AiohttpError, NotImplementedError)
"""What stores raise where a file cannot be read or written, also one that takes no files at all."""
LASTING = (
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    NoCredentialsError,
    NotImplementedError,
)
DELTA_RETRIES = {
    "max_retries": "10",
    "retry_timeout": "120s",
    "backoff_config.init_backoff": "100ms",
    "backoff_config.max_backoff": "15s",
    "backoff_config.base": "2",
}
"""deltalake's object store's own, with jitter; a conditional put whose fate is unknown is the
committer's to look into, and is not repeated there."""
FULL = (errno.ENOSPC, errno.EDQUOT)
SHOWN_CHARACTERS = 600

ResultT = TypeVar("ResultT")


def lasts(error: BaseException) -> bool:
    """Whether waiting cannot help."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    if _code(error) == "NoSuchUpload":  # the upload was completed, and the answer lost
        return False
    return isinstance(error, LASTING) or bool(_refused(error) or _no_bucket(error))


def patiently(call: Callable[[], ResultT], *, pauses_s: Sequence[float]) -> ResultT:
    """Calls until it works: after each fault that may pass, a pause of half to one and a half."""
    for pause_s in pauses_s:
        try:
            return call()
        except FAULTS as error:
            if lasts(error):
                raise
        time.sleep(pause_s * random.uniform(0.5, 1.5))
    return call()


@contextmanager
def told(url: str) -> Iterator[None]:
    """Turns what the user can mend about an object store into a message; the rest is an OSError.

    Raises:
        ConfigError: no access, no credentials, or no such bucket.
    """
    try:
        yield
    except FAULTS as error:
        message = refusal(url, error)
        if message:
            raise ConfigError(message) from error
        if isinstance(error, OSError | NotImplementedError):
            raise
        raise OSError(errno.EIO, f"{url}: {type(error).__name__}: {error}") from error


def refusal(url: str, error: BaseException) -> str | None:
    """What to tell of an error that is the user's to mend; None for any other."""
    bucket = urlsplit(url).netloc
    if isinstance(error, NoCredentialsError):
        return (
            f"{url} cannot be reached: there are no credentials for its store. Set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, on every machine of the "
            "job, or give the machines a role."
        )
    if _no_bucket(error):
        return (
            f"{url} cannot be used: there is no bucket {bucket!r}. Make it, or mend the URL "
            "(and workspace.endpoint_url and workspace.region, if the bucket is elsewhere)."
        )
    if _refused(error):
        return (
            f"{url} cannot be used: the store refuses access ({_first_words(error)}). Check that "
            f"the credentials of this machine may list, read, write and delete in {bucket!r}."
        )
    return None


def unreachable(url: str, error: BaseException) -> str:
    """What to tell of a table's store that did not answer, after all that was tried."""
    return (
        f"{url} cannot be reached: {_first_words(error)}. What was committed stands; when the "
        "store answers again, run the same command again."
    )


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A folder for temporary files, removed afterwards.

    Raises:
        UserError: its disk is full.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=prefix) as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UserError(
            f"the disk of the temporary folder {tempfile.gettempdir()} is full: {error}. Nothing "
            "committed is lost; make room there, or set TMPDIR to a folder on a larger disk, and "
            "run the same command again."
        ) from error


def _code(error: BaseException) -> str:
    """The store's own word: s3fs keeps the answer as the cause of what it raises."""
    for candidate in (error, error.__cause__):
        if isinstance(candidate, ClientError):
            return str(candidate.response.get("Error", {}).get("Code", ""))
    return ""


def _no_bucket(error: BaseException) -> bool:
    return _code(error) == "NoSuchBucket" or "NoSuchBucket" in str(error)


def _refused(error: BaseException) -> bool:
    """By s3fs's type, or in deltalake's words."""
    if isinstance(error, PermissionError):
        return error.errno is None  # a local disk's has a number
    return "lacked the necessary privileges" in str(error) or "AccessDenied" in str(error)


def _first_words(error: BaseException) -> str:
    """The message without colours and line ends, shortened: object stores answer with whole XML."""
    text = re.sub(r"\x1b\[\d+m|↳", "", str(error))
    return " ".join(text.split())[:SHOWN_CHARACTERS]
