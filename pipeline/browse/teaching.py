"""Teaches one tag at a time beside the server: tries it out, or makes it."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from pipeline.browse.begun import Begun
from pipeline.browse.library import Library
from pipeline.browse.teach_trial import Trial, try_tag
from pipeline.config_teach import TeachJob
from pipeline.errors import UserError
from pipeline.models.bundle import bundle_url
from pipeline.models.card_file import CARD_FILE, read_card
from pipeline.references import with_bundles
from pipeline.stages.teach_result import Taught
from pipeline.stages.teach_tag import teach_tag
from pipeline.tracking import tracked

LOG = logging.getLogger("earmark.browse")


class Step(StrEnum):
    """What is done with a tag."""

    TRY = "try"
    """Learned and judged; nothing is written."""
    ACCEPT = "accept"
    """Made: a bundle, a taxonomy, scores of the whole catalog."""


class BusyError(UserError):
    """A tag is being taught."""


@dataclass(frozen=True)
class Lesson(Begun[Trial | Taught]):
    """A step that was begun.

    Attributes:
        step: which.
        job: what was asked.
    """

    step: Step
    job: TeachJob

    @property
    def trial(self) -> Trial | None:
        """What was tried."""
        found = self.result
        return found if isinstance(found, Trial) else None

    @property
    def taught(self) -> Taught | None:
        """What was made."""
        found = self.result
        return found if isinstance(found, Taught) else None

    @property
    def fault(self) -> str:
        """Why it failed; empty if it did not."""
        if self.error is None:
            return ""
        if isinstance(self.error, UserError):
            return str(self.error)
        return f"{type(self.error).__name__}: the server's log tells more"


class Teaching:
    """Remembers the last step that was begun; a second one at the same time is refused.

    Args:
        library: the workspace's views.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="earmark-teach")
        self._lock = threading.Lock()
        self.last: Lesson | None = None
        """The last step."""

    def begin(self, step: Step, job: TeachJob) -> None:
        """Begins a step.

        Raises:
            BusyError: another one is under way.
        """
        work = self._try if step is Step.TRY else self._make
        with self._lock:
            if self.last is not None and self.last.is_running:
                tag = self.last.job.teaching.tag
                raise BusyError(f"the tag {tag!r} is being taught now; wait until that is done")
            future = self._pool.submit(work, job)
            future.add_done_callback(_log_fault)
            self.last = Lesson(time.monotonic(), future, step=step, job=job)

    def close(self) -> None:
        """Waits for what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _try(self, job: TeachJob) -> Trial | Taught:
        with self._library.views() as views:
            return try_tag(views, job, root_url=self._library.root_url)

    def _make(self, job: TeachJob) -> Trial | Taught:
        taught = _accept(job)
        self._library.look_again()  # the page that tells of the tag links to a search for it
        return taught


def _accept(job: TeachJob) -> Trial | Taught:
    root_url = job.workspace.root_url
    with tracked(job, verb="teach", root_url=root_url, tracking=job.tracking) as run:
        taught = teach_tag(with_bundles(job), run_id=run.run_id)
        run.metrics(taught.bundle.evaluation)
        url = bundle_url(taught.reference, root_url=root_url)
        run.text(CARD_FILE, read_card(url, storage=job.workspace.storage))
    return taught


def _log_fault(future: Future[Trial | Taught]) -> None:
    error = future.exception() if not future.cancelled() else None
    if error is not None and not isinstance(error, UserError):
        LOG.error("teaching a tag failed", exc_info=error)
