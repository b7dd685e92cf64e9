"""The workspace's views for many threads at once, opened again when a job has committed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from duckdb import DuckDBPyConnection

from pipeline.consumers.search import Searcher
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.views import SOURCES, open_views

Versions = tuple[int, ...]


class Session:
    """A snapshot of the tables.

    Args:
        views: from `open_views`, not entered yet.
        versions: of the tables when it was opened.
    """

    def __init__(
        self, views: AbstractContextManager[DuckDBPyConnection], *, versions: Versions
    ) -> None:
        self._views = views
        self._connection = views.__enter__()
        self._searcher: Searcher | None = None
        self._lock = threading.Lock()
        self.versions = versions
        """Of the tables when it was opened."""
        self.readers = 0
        """Requests that read it now."""

    @property
    def searcher(self) -> Searcher:
        """Shared by all threads; it reads what it needs when it is first asked."""
        with self._lock:
            if self._searcher is None:
                self._searcher = Searcher(self._connection.cursor())
            return self._searcher

    def cursor(self) -> DuckDBPyConnection:
        """A connection of one's own to the same views; temporary tables are its own too."""
        return self._connection.cursor()

    def close(self) -> None:
        """Ends it."""
        self._views.__exit__(None, None, None)


class Library:
    """Gives each request a session, and closes one that is old when its last reader is done.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB.
        refresh_s: the tables' versions are looked up after this time, seconds.
    """

    def __init__(
        self, root_url: str, *, storage: Storage, memory_mb: int, refresh_s: float
    ) -> None:
        self.root_url, self.storage = root_url, storage
        self._memory_mb, self._refresh_s = memory_mb, refresh_s
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._looked_s = -math.inf

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The newest session, kept open while it is used.

        Raises:
            TableError: there is no workspace.
        """
        with self._lock:
            session = self._newest()
            session.readers += 1
        try:
            yield session
        finally:
            with self._lock:
                session.readers -= 1
                if session is not self._session and not session.readers:
                    session.close()

    @contextmanager
    def views(self) -> Iterator[DuckDBPyConnection]:
        """A connection to the newest session's views.

        Raises:
            TableError: there is no workspace.
        """
        with self.session() as session, session.cursor() as connection:
            yield connection

    def look_again(self) -> None:
        """Lets the next request look for commits, however short ago that was done."""
        with self._lock:
            self._looked_s = -math.inf

    def close(self) -> None:
        """Ends the session, if nobody reads it."""
        with self._lock:
            old, self._session = self._session, None
            if old is not None and not old.readers:
                old.close()

    def _newest(self) -> Session:
        now_s = time.monotonic()
        old = self._session
        if old is not None and now_s - self._looked_s < self._refresh_s:
            return old
        versions = self._versions()
        self._looked_s = now_s
        if old is not None and versions == old.versions:
            return old
        views = open_views(self.root_url, storage=self.storage, memory_mb=self._memory_mb)
        new = self._session = Session(views, versions=versions)
        if old is not None and not old.readers:
            old.close()
        return new

    def _versions(self) -> Versions:
        tables = (
            delta.open_existing(join(self.root_url, name), storage=self.storage, schema=schema)
            for name, schema in SOURCES.items()
        )
        return tuple(-1 if table is None else table.version() for table in tables)
