"""Takes histories out of zip archives, under limits and under names of our own.

Nothing of an archive is believed: a member's path is never used, its size is added up before a byte
is written (`zipfile` gives no member more than the size that it states), and only deflate, whose
reader stops where it is told to, is unpacked.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import struct
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from pipeline.consumers.recap_formats import HEAD_BYTES, Container, Seen, recognise
from pipeline.errors import ConfigError
from pipeline.storage import Entry, Storage, is_local, join
from pipeline.tables.output import printable

MOST_MEMBERS = 2000
"""Of an archive. ListenBrainz writes twelve files a year, Spotify some tens in all."""
MOST_BYTES = 2**33
"""Unpacked, of all archives of a history: JSON of some ten million listens."""
MOST_RATIO = 200
"""Of the unpacked size to the packed one. Histories reach about 25, deflate's limit is 1,032."""
RATIO_FROM_BYTES = 2**26
"""Less than this harms no disk, whatever its ratio."""
DIRECTORY_BYTES = 2**20
"""Of an archive's list of members, which `zipfile` reads at once: 2,000 with long names."""
PART_BYTES = 2**20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
"""Bit 0 of a member's flags (APPNOTE.TXT of PKWARE, 4.4.4)."""
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError)
"""What `zipfile` says of archives that break off, or hold what it does not read."""
SUFFIXES = {
    Container.JSON_LINES: ".jsonl",
    Container.JSON_ARRAY: ".json",
    Container.CSV: ".csv",
    Container.PARQUET: ".parquet",
}
LONGEST_NAME = 80


class Scratch:
    """A temporary folder, gone when `remove` is called or nothing holds this object any more."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="earmark-recap-")
        self.remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Member:
    """A member of an archive.

    Attributes:
        name: of the archive and the member, for people.
        seen: what it is.
        unpacked: the file, if it is a history.
    """

    name: str
    seen: Seen
    unpacked: Entry | None


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is a zip archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def plain_name(name: str) -> str:
    """What a file may be called on any disk and in any glob, whatever it was called elsewhere.

    Args:
        name: may be a path of any system, or hold signs of any kind.
    """
    base = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", base)[-LONGEST_NAME:] or "_"


class Archives:
    """Unpacks the archives of one history; what was unpacked is kept as long as this object.

    Args:
        storage: how to reach them.
    """

    def __init__(self, *, storage: Storage) -> None:
        self._storage = storage
        self._scratch = Scratch()
        self._num_bytes = 0
        self._num_files = 0

    def unpack(self, entry: Entry) -> list[Member]:
        """The members of an archive that are files; those that are histories are unpacked.

        Raises:
            ConfigError: it is damaged, or over a limit.
        """
        name = posixpath.basename(entry.url)
        with (
            self._nearby(entry) as file,
            _whole(name),
            zipfile.ZipFile(_Sparing(file, name=name)) as archive,
        ):
            infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
            if len(infos) > MOST_MEMBERS:
                raise ConfigError(_too_many(name, f"{len(infos):,} members"))
            whole_bytes = sum(info.file_size for info in infos)
            _check_ratio(whole_bytes, packed_bytes=entry.size_bytes, name=name)
            looked = [(info, _seen(archive, info)) for info in infos]
            self._reserve(sum(info.file_size for info, seen in looked if seen.form), name=name)
            return [self._member(archive, info, seen=seen, name=name) for info, seen in looked]

    def _member(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, seen: Seen, name: str
    ) -> Member:
        shown = f"{name}/{printable(posixpath.basename(info.filename))}"
        if seen.form is None:
            return Member(shown, seen, None)
        self._num_files += 1
        stem = plain_name(posixpath.splitext(info.filename)[0])
        file_name = f"{self._num_files:05d}-{stem}{SUFFIXES[seen.form.container]}"
        url = join(self._scratch.folder, file_name)
        with archive.open(info) as packed, self._storage.open(url, "wb") as file:
            shutil.copyfileobj(packed, file, PART_BYTES)
        return Member(shown, seen, Entry(url, info.file_size, ""))

    def _reserve(self, num_bytes: int, *, name: str) -> None:
        """Refuses what is too much, before any of it is written."""
        self._num_bytes += num_bytes
        if self._num_bytes > MOST_BYTES:
            raise ConfigError(_too_many(name, f"{_size(self._num_bytes)} unpacked"))
        free = shutil.disk_usage(self._scratch.folder).free
        if num_bytes > free:
            raise ConfigError(
                f"{name} takes {_size(num_bytes)} unpacked, and the folder for temporary files, "
                f"{tempfile.gettempdir()}, has {_size(free)} left: set TMPDIR to a folder on a "
                "larger disk"
            )

    @contextmanager
    def _nearby(self, entry: Entry) -> Iterator[IO[bytes]]:
        """The archive as a file of this machine: its parts are read out of order."""
        if is_local(entry.url):
            with self._storage.open(entry.url) as file:
                yield file
            return
        self._reserve(entry.size_bytes, name=entry.url)
        url = join(self._scratch.folder, "archive.zip")
        with self._storage.open(entry.url) as there, self._storage.open(url, "wb") as here:
            shutil.copyfileobj(there, here, PART_BYTES)
        with self._storage.open(url) as file:
            yield file
        self._storage.delete(url)


class _Sparing:
    """A file of which nobody reads much at once: an endless list of members would fill the memory.

    Args:
        file: the archive.
        name: for messages.
    """

    def __init__(self, file: IO[bytes], *, name: str) -> None:
        self._file, self._name = file, name
        self.tell, self.seekable = file.tell, file.seekable

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As of any file, but for a place before the beginning, which damaged archives name."""
        if offset < 0 and not whence:
            raise zipfile.BadZipFile(f"a member begins at byte {offset}")
        return self._file.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        """As of any file; `zipfile` asks for all there is only near the end."""
        if size > DIRECTORY_BYTES:
            raise ConfigError(_too_many(self._name, f"a list of members of {_size(size)}"))
        return self._file.read(size)


def _check_ratio(num_bytes: int, *, packed_bytes: int, name: str) -> None:
    if num_bytes > max(RATIO_FROM_BYTES, MOST_RATIO * packed_bytes):
        raise ConfigError(
            f"{name} would unpack to {_size(num_bytes)}, {num_bytes / packed_bytes:,.0f} times its "
            f"own size: histories stay under {MOST_RATIO} times, so it is taken for a zip bomb. If "
            "it is none, unpack it and give the folder"
        )


def _seen(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Seen:
    if info.flag_bits & ENCRYPTED:
        return Seen(None, "encrypted: unpack the archive with its password and give the folder")
    if info.compress_type not in METHODS:
        return Seen(None, f"packed by a method that is not read ({info.compress_type})")
    with archive.open(info) as file:
        head = file.read(HEAD_BYTES)
    if is_archive(head):
        return Seen(None, "a zip archive within another: unpack it first")
    return recognise(head)


@contextmanager
def _whole(name: str) -> Iterator[None]:
    """Words for an archive that is not whole."""
    try:
        yield
    except DAMAGE as error:
        raise ConfigError(
            f"the zip archive {name} is damaged or breaks off ({printable(str(error))}): "
            "download it again"
        ) from error


def _too_many(name: str, what: str) -> str:
    return (
        f"{name} has {what}, over the limit of {MOST_MEMBERS:,} members and {_size(MOST_BYTES)} of "
        "zipped histories: unpack it and give the folder"
    )


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:,.1f} MiB" if num_bytes < 2**30 else f"{num_bytes / 2**30:,.1f} GiB"
