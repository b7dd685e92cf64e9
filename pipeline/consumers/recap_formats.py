"""Recognises the format of a listening history by what stands at its beginning."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HEAD_BYTES = 65_536
BARE_DATE = re.compile(r"^\d{1,2} [A-Z][a-z]{2} \d{4},? \d{1,2}:\d{2}$")
READ = (
    "ListenBrainz's export (JSON lines with listened_at and track_metadata), Spotify's extended "
    "streaming history (JSON with ts, ms_played and master_metadata_track_name), Last.fm as CSV "
    "(artist, track and uts, or a date), and a table (CSV, Parquet or JSON lines) with the columns "
    "track and time, and, where known, user, ms_played, artist, title, isrc"
)
LASTFM_TIMES = ("uts", "timestamp", "utc_time", "date", "date_uts", "datetime")
SHOWN_NAMES = 12


class Container(StrEnum):
    """How rows are kept."""

    JSON_LINES = "json lines"
    JSON_ARRAY = "json array"
    CSV = "csv"
    PARQUET = "parquet"


class Kind(StrEnum):
    """Whose history it is."""

    LISTENBRAINZ = "ListenBrainz"
    SPOTIFY = "Spotify"
    LASTFM = "Last.fm"
    TABLE = "table"


@dataclass(frozen=True)
class HistoryFormat:
    """A format of history.

    Attributes:
        kind: what the fields mean.
        container: how the rows are kept.
        columns: of a CSV, as they stand; else empty.
        delimiter: of a CSV; else empty.
        has_header: whether a CSV's first line names the columns.
    """

    kind: Kind
    container: Container
    columns: tuple[str, ...] = ()
    delimiter: str = ""
    has_header: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.kind} ({self.container})"


@dataclass(frozen=True)
class Seen:
    """What a file is: a format, nothing at all (empty), or something else, in words."""

    form: HistoryFormat | None
    words: str

    @property
    def is_empty(self) -> bool:
        """Whether the file holds no row of any format."""
        return self.form is None and not self.words


def recognise(head: bytes) -> Seen:
    """The format of a file.

    Args:
        head: its first HEAD_BYTES, or all of it.
    """
    if head.startswith(b"PAR1"):
        return Seen(HistoryFormat(Kind.TABLE, Container.PARQUET), "")
    if head.startswith(b"\x1f\x8b"):
        return Seen(None, "a gzip file: unpack it first")
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if not text or text.replace(" ", "").startswith("[]") or text.strip() in ("[", "{}"):
        return Seen(None, "")
    if "\x00" in text:
        return Seen(None, "binary data")
    if text.startswith("["):
        return _json(_first_object(text[1:]), container=Container.JSON_ARRAY)
    if "{" in text[:1] or _objects(text):
        return _json_lines(text)
    return _csv(text)


def _json_lines(text: str) -> Seen:
    seen = [_json(found, container=Container.JSON_LINES) for found in _objects(text)]
    good = [one for one in seen if one.form]
    if good or seen:
        return (good or seen)[0]
    return _json(_first_object(text), container=Container.JSON_LINES)


def _objects(text: str) -> list[dict[str, Any]]:
    """The lines that are JSON objects; a broken first line must not hide the others."""
    found = []
    for line in text.splitlines():
        if line.lstrip().startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
    return found


def _first_object(text: str) -> dict[str, Any] | None:
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _json(found: dict[str, Any] | None, *, container: Container) -> Seen:
    if found is None:
        return Seen(None, f"{container} without a readable object at its beginning")
    names = set(found)
    if {"listened_at", "track_metadata"} <= names:
        return Seen(HistoryFormat(Kind.LISTENBRAINZ, container), "")
    if {"ts", "ms_played", "master_metadata_track_name"} <= names:
        return Seen(HistoryFormat(Kind.SPOTIFY, container), "")
    if {"track", "time"} <= names and not isinstance(found["track"], dict):
        return Seen(HistoryFormat(Kind.TABLE, container), "")
    return Seen(None, f"{container} with the keys {listed(list(found))}")


def _csv(text: str) -> Seen:
    line = text.splitlines()[0]
    delimiter = max(",;\t", key=line.count)
    cells = tuple(cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=delimiter)))
    names = {cell.casefold() for cell in cells}
    has_rows = len(text.splitlines()) > 1

    def form(kind: Kind, *, header: bool) -> Seen:
        if header and not has_rows:
            return Seen(None, "")
        columns = cells if header else ("artist", "album", "track", "date")
        return Seen(HistoryFormat(kind, Container.CSV, columns, delimiter, header), "")

    if {"track", "time"} <= names:
        return form(Kind.TABLE, header=True)
    if {"artist", "track"} <= names and names & set(LASTFM_TIMES):
        return form(Kind.LASTFM, header=True)
    if len(cells) == 4 and BARE_DATE.match(cells[3]):
        return form(Kind.LASTFM, header=False)
    if len(cells) > 1:
        return Seen(None, f"text with the columns {listed(cells)}")
    return Seen(None, f"text that begins with {line[:60]!r}")


def listed(names: Sequence[str]) -> str:
    """Some names, for a message."""
    more = ", ..." if len(names) > SHOWN_NAMES else ""
    return ", ".join(name[:40] for name in names[:SHOWN_NAMES]) + more
