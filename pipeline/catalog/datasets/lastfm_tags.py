"""The database of Last.fm's tags, joined on disk with a split and with the names of the songs."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import ConfigError
from pipeline.storage import Storage

TABLES = {"tids": ("tid",), "tags": ("tag",), "tid_tag": ("tid", "tag", "val")}
WORK_TABLES = """
CREATE TABLE picked (tid TEXT PRIMARY KEY, split TEXT) WITHOUT ROWID;
CREATE TABLE songs (tid TEXT PRIMARY KEY, artist TEXT, title TEXT) WITHOUT ROWID;
CREATE TABLE known (tid TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT OR IGNORE INTO known SELECT tid FROM lastfm.tids;
"""
PAIRS = """
FROM lastfm.tid_tag AS pair JOIN lastfm.tids AS song ON song.ROWID = pair.tid
JOIN lastfm.tags AS word ON word.ROWID = pair.tag WHERE CAST(pair.val AS REAL) > ?
"""
TAGGED = """
SELECT picked.tid, picked.split, songs.artist, songs.title, known.tid IS NOT NULL, given.tag
FROM picked LEFT JOIN songs USING (tid) LEFT JOIN known USING (tid) LEFT JOIN given USING (tid)
ORDER BY picked.tid, given.position
"""


class Song(NamedTuple):
    """A track; its tags are None where the database does not have it."""

    track_id: str
    split: str | None
    artist: str | None
    title: str | None
    tags: list[str] | None


class TagBase:
    """The tags, with tables beside them in a temporary file, so that no memory is needed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def pick(self, members: Iterable[tuple[str, str]]) -> int:
        """Takes tracks with their splits; the number of those that stand before, and stay there."""
        before = self._connection.total_changes
        rows = 0
        for member in members:
            rows += 1
            self._connection.execute("INSERT OR IGNORE INTO picked VALUES (?, ?)", member)
        return rows - (self._connection.total_changes - before)

    def pick_tagged(self) -> None:
        """Takes every track that has a tag, without a split."""
        self._connection.execute(
            f"INSERT OR IGNORE INTO picked SELECT song.tid, NULL {PAIRS}", (0,)
        )

    def counts(self) -> dict[str | None, int]:
        """Tracks of each split that were picked."""
        return dict(
            self._connection.execute("SELECT split, count(*) FROM picked GROUP BY split").fetchall()
        )

    def leave_out(self, track_ids: Iterable[str]) -> int:
        """Drops tracks that were picked; their number."""
        deleted = (
            self._connection.execute("DELETE FROM picked WHERE tid = ?", (track_id,)).rowcount
            for track_id in track_ids
        )
        return sum(deleted)

    def name(self, songs: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Gives tracks their artists and titles."""
        self._connection.executemany("INSERT OR REPLACE INTO songs VALUES (?, ?, ?)", songs)

    def songs(self, *, tags: Sequence[str] | None, over: float) -> Iterator[Song]:
        """The picked tracks in the order of their ids, with those of the tags that have a value.

        Args:
            tags: which; None: every tag.
            over: only tags whose value (0 to 100) is above it.
        """
        wanted = f" AND word.tag IN ({', '.join('?' * len(tags))})" if tags is not None else ""
        self._connection.execute(
            "CREATE TABLE given AS SELECT song.tid AS tid, word.tag AS tag, "
            f"pair.ROWID AS position {PAIRS}{wanted}",
            (over, *(tags or ())),
        )
        self._connection.execute("CREATE INDEX given_tid ON given (tid)")
        rows = self._connection.execute(TAGGED)
        for head, group in groupby(rows, key=itemgetter(0, 1, 2, 3, 4)):
            track_id, split, artist, title, known = head
            found = dict.fromkeys(tag for *_, tag in group if tag is not None)
            yield Song(track_id, split, artist, title, list(found) if known else None)


@contextmanager
def open_tags(url: str, *, storage: Storage) -> Iterator[TagBase]:
    """Copies the database to a temporary file, which is opened for reading only.

    Raises:
        ConfigError: it is not Last.fm's, or is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "lastfm_tags.db"
        with storage.open(url) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        work = (Path(folder) / "work.sqlite").as_uri()
        with closing(sqlite3.connect(work, uri=True, isolation_level=None)) as connection:
            connection.text_factory = _text
            try:
                _prepare(connection, copy=f"{copy.as_uri()}?mode=ro&immutable=1", url=url)
                yield TagBase(connection)
            except sqlite3.DatabaseError as error:
                raise ConfigError(
                    f"{url} cannot be read as Last.fm's database of tags: {error}"
                ) from None


def _prepare(connection: sqlite3.Connection, *, copy: str, url: str) -> None:
    for setting in ("trusted_schema = OFF", "journal_mode = OFF", "synchronous = OFF"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("ATTACH ? AS lastfm", (copy,))
    for table, columns in TABLES.items():
        found = {row[1] for row in connection.execute(f"PRAGMA lastfm.table_info({table})")}
        missing = [column for column in columns if column not in found]
        if missing:
            raise ConfigError(
                f"{url} is not Last.fm's database of tags: its table {table} has no column "
                f"{missing[0]}"
            )
    connection.executescript(WORK_TABLES)
    connection.execute("BEGIN")  # a commit a row would take longer than all the rest


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
