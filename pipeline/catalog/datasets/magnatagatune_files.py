"""MagnaTagATune's files: the table of tags, the table of clips, and the lists of Lee's split.

The tables are named .csv and are separated by tabs; every field stands in double quotation marks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from numpy.lib import format as npy

from pipeline.catalog.datasets import Findings
from pipeline.catalog.datasets.magnatagatune_tags import TAGS
from pipeline.errors import ConfigError
from pipeline.storage import Storage

COLUMNS = ("clip_id", *TAGS, "mp3_path")
INFO = ("clip_id", "title", "artist", "album")
INFO_UNUSED = frozenset(
    {"track_number", "url", "segmentStart", "segmentEnd", "original_url", "mp3_path"}
)
SHOWN = 5
_PATH = re.compile(r"[0-9a-f]/[^/]+\.mp3")
_ENTRY = re.compile(r"[0-9]+\t([0-9a-f]/[^/]+\.mp3)")


class Row(NamedTuple):
    """A line of annotations_final.csv."""

    clip_id: str
    path: str
    tags: list[str]


class Info(NamedTuple):
    """What is read of a line of clip_info_final.csv."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None


def tagged_clips(url: str, *, storage: Storage) -> Iterator[Row]:
    """The clips with their tags, in the order of the columns.

    Raises:
        ConfigError: a column is missing or unknown, or a line is not MagnaTagATune's.
    """
    columns, rows = _table(url, storage=storage)
    _require(url, needed=COLUMNS, columns=columns)
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise ConfigError(f"{url} has the unknown column {_some(unknown)}")
    for where, fields in rows:
        if len(fields) < len(columns):
            raise ConfigError(f"{where} has {len(fields)} columns, its header {len(columns)}")
        yield _row(dict(zip(columns, fields, strict=True)), where=where)


def _row(row: dict[str, str], *, where: str) -> Row:
    clip_id, path = row.pop("clip_id"), row.pop("mp3_path")
    if not clip_id.isdigit():
        raise ConfigError(f"{where}, column clip_id: {clip_id!r} is not a number")
    if not _PATH.fullmatch(path):
        raise ConfigError(f"{where}, column mp3_path: {path!r} is not of the form f/name.mp3")
    for tag, value in row.items():
        if value not in ("0", "1"):
            raise ConfigError(f"{where}, column {tag}: {value!r} is neither 0 nor 1")
    return Row(clip_id, path, [tag for tag, value in row.items() if value == "1"])


def clip_info(url: str, *, storage: Storage, findings: Findings) -> dict[str, Info]:
    """What is known of each clip, by clip_id; unknown columns are counted.

    Raises:
        ConfigError: a column is missing, or a line has too many.
    """
    columns, rows = _table(url, storage=storage)
    _require(url, needed=INFO, columns=columns)
    unknown = [name for name in columns if name not in INFO and name not in INFO_UNUSED]
    info = {}
    for where, fields in rows:
        findings.ignored.update(f"{url.rpartition('/')[2]}, column {name}" for name in unknown)
        row = dict(zip(columns, fields, strict=False))  # some end before mp3_path
        clip_id, *texts = (row.get(name, "").strip() or None for name in INFO)
        if clip_id is None:
            raise ConfigError(f"{where}, column clip_id is empty")
        info[clip_id] = Info(*texts)
    return info


def listed(url: str, *, storage: Storage) -> Iterator[str]:
    """The paths of a list of Lee's split, whose entries are a row, a tab and a path.

    Raises:
        ConfigError: the file is another one.
    """
    try:
        with storage.open(url) as file:
            entries = npy.read_array(file, allow_pickle=False).ravel()
    except ValueError as error:
        raise ConfigError(f"{url} is not a list of Lee's split: {error}") from None
    for number, entry in enumerate(entries, start=1):
        match = _ENTRY.fullmatch(str(entry))
        if match is None:
            raise ConfigError(
                f"{url}, entry {number}: {str(entry)!r} is not a row, a tab and a path such as "
                "f/name-0-29.mp3"
            )
        yield match[1]


def _table(url: str, *, storage: Storage) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """The columns, and of each row where it stands and its fields."""
    rows = _lines(url, storage=storage)
    _, columns = next(rows, ("", []))
    if not columns:
        raise ConfigError(f"{url} is empty")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ConfigError(f"{url} has twice the column {_some(twice)}")
    return columns, rows


def _lines(url: str, *, storage: Storage) -> Iterator[tuple[str, list[str]]]:
    with storage.open(url) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter="\t")
        width = None
        try:
            for fields in filter(None, reader):
                where = f"{url}, line {reader.line_num}"
                width = width or len(fields)
                if len(fields) > width:
                    raise ConfigError(f"{where} has {len(fields)} columns, its header {width}")
                yield where, fields
        except (csv.Error, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{url}, after line {reader.line_num}, is not a table in UTF-8: {error}"
            ) from None


def _require(url: str, *, needed: tuple[str, ...], columns: list[str]) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ConfigError(
            f"{url} lacks the column {_some(missing)}; MagnaTagATune's tables are separated by "
            f"tabs, and this one's header has {len(columns)} column(s)"
        )


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(map(repr, names[:SHOWN])) + (f" and {more} more" if more > 0 else "")
