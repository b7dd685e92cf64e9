"""Finds the files of a listening history, also in zip archives, and tells their formats."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.consumers.recap_formats import (
    HEAD_BYTES,
    READ,
    Container,
    HistoryFormat,
    Seen,
    listed,
    recognise,
)
from pipeline.consumers.recap_zips import Archives, is_archive
from pipeline.errors import ConfigError
from pipeline.storage import Entry, Storage

PARQUET_TAIL = 4
SHOWN_FILES = 5


@dataclass(frozen=True)
class HistoryFiles:
    """Files of a history.

    Attributes:
        by_format: URLs by their format, in the order of their names, out of archives last.
        left_out: names of files that are no history.
        archives: keeps what was unpacked.
    """

    by_format: dict[HistoryFormat, tuple[str, ...]]
    left_out: tuple[str, ...]
    archives: Archives | None = field(default=None, compare=False, repr=False)

    @property
    def num_files(self) -> int:
        """Files that are read."""
        return sum(map(len, self.by_format.values()))


@dataclass(frozen=True)
class _Found:
    """A file, or a member of an archive: its name for people, where it is, what it is."""

    name: str
    url: str
    seen: Seen
    is_unpacked: bool = False


def find_history(url: str, *, storage: Storage) -> HistoryFiles:
    """The files of a history, by format.

    What is found in zip archives is unpacked into a temporary folder, which goes when the returned
    value does.

    Args:
        url: a file, a glob, or a folder: below a folder, files that are no history are left out.
        storage: how to reach it.

    Raises:
        ConfigError: nothing is there, it is empty, none of it is a history that can be read, or an
            archive is damaged or too large.
    """
    try:
        entries = list(storage.walk(url))
    except FileNotFoundError:
        entries = []
    if not entries:
        raise ConfigError(f"there is no listening history at {url}: give a file or a folder")
    archives = Archives(storage=storage)
    found = [one for entry in entries for one in _found(entry, storage=storage, archives=archives)]
    found.sort(key=lambda one: one.is_unpacked)  # a list's first file tells DuckDB which store
    by_format: dict[HistoryFormat, tuple[str, ...]] = {}
    for one in found:
        if one.seen.form:
            by_format[one.seen.form] = (*by_format.get(one.seen.form, ()), one.url)
    others = [one for one in found if not one.seen.form]
    if not by_format:
        raise ConfigError(_refusal(url, others=others))
    return HistoryFiles(by_format, tuple(one.name for one in others), archives)


def _found(entry: Entry, *, storage: Storage, archives: Archives) -> Iterator[_Found]:
    """The file itself, or the members of an archive."""
    seen = _seen(entry, storage=storage)
    if seen is not None:
        yield _Found(posixpath.basename(entry.url), entry.url, seen)
        return
    for member in archives.unpack(entry):
        if member.unpacked is None:
            yield _Found(member.name, entry.url, member.seen)
        else:
            again = _seen(member.unpacked, storage=storage) or member.seen
            yield _Found(member.name, member.unpacked.url, again, is_unpacked=True)


def _seen(entry: Entry, *, storage: Storage) -> Seen | None:
    """What a file is; None: an archive."""
    if not entry.size_bytes:
        return Seen(None, "")
    with storage.open(entry.url) as file:
        head = file.read(HEAD_BYTES)
        if is_archive(head):
            return None
        seen = recognise(head)
        if seen.form and seen.form.container is Container.PARQUET:
            file.seek(entry.size_bytes - PARQUET_TAIL)
            if file.read() != b"PAR1":
                return Seen(None, "a Parquet file that breaks off")
    return seen


def _refusal(url: str, *, others: Sequence[_Found]) -> str:
    if all(one.seen.is_empty for one in others):
        return f"the listening history at {url} is empty: no row in {len(others)} file(s)"
    found = [f"{one.name}: {one.seen.words or 'empty'}" for one in others[:SHOWN_FILES]]
    more = f"; and {len(others) - SHOWN_FILES} more" if len(others) > SHOWN_FILES else ""
    return (
        f"{url} is no listening history that can be read. Seen: {'; '.join(found)}{more}. "
        f"Read are: {READ}; also in zip archives."
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
