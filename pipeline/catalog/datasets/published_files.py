"""What adapters share: text read by the line, and files and folders found in some layout."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from pipeline.errors import ConfigError
from pipeline.storage import Storage, join


def numbered_lines(url: str, *, storage: Storage) -> Iterator[tuple[int, str]]:
    r"""Lines of a text file with their numbers from 1, without `\n` or `\r\n`.

    Only these end a line: titles hold other signs that Python would split at.

    Raises:
        ConfigError: the file is not UTF-8.
    """
    with storage.open(url) as file:
        number = 0
        try:
            for number, line in enumerate(
                io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n"), start=1
            ):
                yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{url}, after line {number}, is not text in UTF-8: {error}"
            ) from None


def first_file(url: str, *, folders: Iterable[str], name: str, storage: Storage) -> str | None:
    """The first of the folders' files of that name that exists; "" is the folder itself."""
    places = (join(url, folder, name) for folder in folders)
    return next((place for place in places if storage.exists(place)), None)


def folder_with(
    url: str, *, folders: Iterable[str], holding: Iterable[str], storage: Storage
) -> str | None:
    """The first of the folders below `url` that has one of the folders `holding`."""
    names = tuple(holding)
    for folder in folders:
        base = join(url, folder) if folder else url
        if storage.is_dir(base) and any(storage.is_dir(join(base, name)) for name in names):
            return base
    return None
