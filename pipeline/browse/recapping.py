"""Recaps of histories that visitors send, made beside the server; the files are deleted."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from pipeline.browse.begun import Begun
from pipeline.config_recap import RecapJob, RecapScope
from pipeline.consumers.recap_facts import Recap
from pipeline.consumers.recap_files import find_history
from pipeline.consumers.recap_make import make_recap
from pipeline.consumers.recap_read import check_timezone, read_history
from pipeline.consumers.recap_zips import Scratch
from pipeline.errors import ConfigError, UserError
from pipeline.storage import join
from pipeline.tables.database import database

LOG = logging.getLogger("earmark.browse")
MOST_OPEN = 4
"""Histories that are sent, wait or are read at once: each takes room on the disk."""
MOST_USERS = 500
KEPT_S = 600
"""A history of several users waits so long for the answer whose recap it shall be."""
USERS = f"""
SELECT coalesce("user", ''), count(*) FROM listens GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_USERS}
"""


class BusyError(UserError):
    """Too many histories are open."""


@dataclass(frozen=True)
class Question:
    """A history of several users, which waits for the answer whose recap it shall be.

    Attributes:
        users: names and listens, most first, at most MOST_USERS.
        job: what was asked, without a user.
        scratch: where the history is.
        timer: deletes it.
    """

    users: tuple[tuple[str, int], ...]
    job: RecapJob
    scratch: Scratch
    timer: threading.Timer

    @property
    def is_open(self) -> bool:
        """Whether the history is still there."""
        return bool(self.scratch.remove.alive)


Outcome = Recap | Question | str
"""A recap, a question, or why there is neither."""


@dataclass(frozen=True)
class RecapStep(Begun[Outcome]):
    """A recap that was begun.

    Attributes:
        job: what was asked.
    """

    job: RecapJob

    @property
    def recap(self) -> Recap | None:
        """What was made."""
        found = self.result
        return found if isinstance(found, Recap) else None

    @property
    def question(self) -> Question | None:
        """What is asked."""
        found = self.result
        return found if isinstance(found, Question) else None

    @property
    def fault(self) -> str:
        """Why it failed; empty if it did not."""
        if self.future.cancelled():
            return "the server was ended"
        if self.error is not None:
            return f"{type(self.error).__name__}: the server's log tells more"
        found = self.result
        if isinstance(found, Question) and not found.is_open:
            return f"the history was deleted after {KEPT_S // 60} minutes: send it again"
        return found if isinstance(found, str) else ""


class Recapping:
    """Makes one recap at a time; a few histories may wait."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="earmark-recap")
        self._places = threading.BoundedSemaphore(MOST_OPEN)

    def place(self) -> Place:
        """Room for one history, to be taken before it is received.

        Raises:
            BusyError: there is none.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("too many histories are being read; try again in a moment")
        return Place(self._pool, self._places)

    def close(self) -> None:
        """Waits for what is under way; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Place:
    """Room for one history: free again when a recap of it is made, or at once if none is begun.

    Args:
        pool: what makes recaps.
        places: of which this is one.
    """

    def __init__(self, pool: ThreadPoolExecutor, places: threading.BoundedSemaphore) -> None:
        self._pool, self._places = pool, places
        self._is_taken = False

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_taken:
            self._places.release()

    def begin(self, job: RecapJob, *, scratch: Scratch) -> RecapStep:
        """Begins a recap; the history is deleted when it is made, or failed."""
        future = self._pool.submit(_made, job, scratch)
        self._is_taken = True
        future.add_done_callback(lambda _: self._places.release())
        future.add_done_callback(_log_fault)
        return RecapStep(time.monotonic(), future, job=job)


def _made(job: RecapJob, scratch: Scratch) -> Outcome:
    is_kept = False
    try:
        return make_recap(job)
    except UserError as error:
        users = _users(job)
        if len(users) > 1:
            is_kept = True
            timer = threading.Timer(KEPT_S, scratch.remove)
            timer.daemon = True
            timer.start()
            return Question(users, job, scratch, timer)
        return _said(error, job=job, scratch=scratch)
    finally:
        if not is_kept:
            scratch.remove()


def _said(error: UserError, *, job: RecapJob, scratch: Scratch) -> str:
    """The job's message, with what was sent instead of our folder."""
    source = job.history.source or scratch.folder
    return str(error).replace(source, "what was sent").replace(scratch.folder, "what was sent")


def _users(job: RecapJob) -> tuple[tuple[str, int], ...]:
    """The users of a history that can be read, if it is they that a person's recap lacks."""
    if job.recap.user is not None or job.recap.scope is not RecapScope.PERSON:
        return ()
    folder, storage = Scratch(), job.workspace.storage
    try:
        files = find_history(job.history.source or "", storage=storage)
        with database(memory_mb=job.query.memory_mb) as connection:
            check_timezone(connection, job.recap.timezone, setting="recap.timezone")
            read_history(
                connection,
                files=files,
                storage=storage,
                timezone=job.history.timezone,
                stage_path=join(folder.folder, "listens.parquet"),
            )
            return tuple((name, count) for name, count in connection.sql(USERS).fetchall())
    except ConfigError:
        return ()  # the first fault is the one to tell
    finally:
        folder.remove()


def _log_fault(future: Future[Outcome]) -> None:
    error = future.exception() if not future.cancelled() else None
    if error is not None:
        LOG.error("making a recap failed", exc_info=error)
        traceback.clear_frames(error.__traceback__)  # they hold what was unpacked
