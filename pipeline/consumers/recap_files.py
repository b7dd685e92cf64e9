"""Finds the files of a listening history and tells their formats."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.consumers.recap_formats import (
    HEAD_BYTES,
    READ,
    Container,
    HistoryFormat,
    Seen,
    listed,
    recognise,
)
from pipeline.errors import ConfigError
from pipeline.storage import Entry, Storage

PARQUET_TAIL = 4
SHOWN_FILES = 5


@dataclass(frozen=True)
class HistoryFiles:
    """Files of a history.

    Attributes:
        by_format: URLs by their format, in the order of their names.
        left_out: names of files that are no history.
    """

    by_format: dict[HistoryFormat, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def num_files(self) -> int:
        """Files that are read."""
        return sum(map(len, self.by_format.values()))


def find_history(url: str, *, storage: Storage) -> HistoryFiles:
    """The files of a history, by format.

    Args:
        url: a file, a glob, or a folder: below a folder, files that are no history are left out.
        storage: how to reach it.

    Raises:
        ConfigError: nothing is there, it is empty, or none of it is a history that can be read.
    """
    try:
        entries = list(storage.walk(url))
    except FileNotFoundError:
        entries = []
    if not entries:
        raise ConfigError(f"there is no listening history at {url}: give a file or a folder")
    seen = [(entry, _seen(entry, storage=storage)) for entry in entries]
    by_format: dict[HistoryFormat, tuple[str, ...]] = {}
    for entry, one in seen:
        if one.form:
            by_format[one.form] = (*by_format.get(one.form, ()), entry.url)
    others = [(entry, one) for entry, one in seen if not one.form]
    if not by_format:
        raise ConfigError(_refusal(url, others=others))
    return HistoryFiles(by_format, tuple(posixpath.basename(entry.url) for entry, _ in others))


def _seen(entry: Entry, *, storage: Storage) -> Seen:
    if not entry.size_bytes:
        return Seen(None, "")
    with storage.open(entry.url) as file:
        seen = recognise(file.read(HEAD_BYTES))
        if seen.form and seen.form.container is Container.PARQUET:
            file.seek(entry.size_bytes - PARQUET_TAIL)
            if file.read() != b"PAR1":
                return Seen(None, "a Parquet file that breaks off")
    return seen


def _refusal(url: str, *, others: Sequence[tuple[Entry, Seen]]) -> str:
    if all(seen.is_empty for _, seen in others):
        return f"the listening history at {url} is empty: no row in {len(others)} file(s)"
    found = [
        f"{posixpath.basename(entry.url)}: {seen.words or 'empty'}"
        for entry, seen in others[:SHOWN_FILES]
    ]
    more = f"; and {len(others) - SHOWN_FILES} more" if len(others) > SHOWN_FILES else ""
    return (
        f"{url} is no listening history that can be read. Seen: {'; '.join(found)}{more}. "
        f"Read are: {READ}."
    )


def check_parquet(columns: Sequence[str], *, url: str) -> None:
    """Refuses a Parquet file without the columns of a history.

    Raises:
        ConfigError: a column is missing.
    """
    missing = {"track", "time"} - set(columns)
    if missing:
        raise ConfigError(
            f"{url} is no listening history that can be read: the Parquet file has no column "
            f"{' and no '.join(sorted(missing))}. Seen: {listed(list(columns))}. Read are: {READ}."
        )
