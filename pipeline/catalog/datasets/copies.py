"""Files with the same bytes: found by size, then by their beginnings, then by all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

from pipeline.catalog.sources import parts_of
from pipeline.errors import ConfigError
from pipeline.storage import Storage, join

BEGINNING_BYTES = 2**14
PIECE_BYTES = 2**20
BATCH_FILES = 1024


def bit_exact_copies(
    size_of: Mapping[str, int],
    *,
    base_url: str,
    storage: Storage,
    pool: Executor,
    on_progress: Callable[[int, int], None],
) -> Iterator[list[str]]:
    """Groups of paths whose files are the same; empty files are in none.

    Args:
        size_of: bytes of each file, by its path below `base_url`.
        base_url: the folder.
        storage: how to reach it.
        pool: threads that read.
        on_progress: called with the files done so far, and the files of a size that others have.

    Raises:
        ConfigError: a file cannot be read.
    """
    by_size: dict[int, list[str]] = {}
    for path, size in size_of.items():
        if size:
            by_size.setdefault(size, []).append(path)
    groups = [paths for paths in by_size.values() if len(paths) > 1]
    del by_size
    total, done = sum(map(len, groups)), 0
    for paths in groups:
        for alike in _alike(paths, BEGINNING_BYTES, base_url=base_url, storage=storage, pool=pool):
            yield from _alike(alike, None, base_url=base_url, storage=storage, pool=pool)
        done += len(paths)
        on_progress(done, total)


def file_digest(url: str, *, kind: str, storage: Storage, num_bytes: int | None = None) -> str:
    """Hash of a file's first bytes, or of all, in hexadecimal digits.

    Raises:
        ConfigError: it cannot be read.
    """
    digest = hashlib.new(kind, usedforsecurity=False)
    try:
        with storage.open(url) as file:
            if num_bytes is not None:
                digest.update(file.read(num_bytes))
            else:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
    except OSError as error:
        raise ConfigError(f"{url} cannot be read: {error}") from error
    return digest.hexdigest()


def _alike(
    paths: Sequence[str], num_bytes: int | None, *, base_url: str, storage: Storage, pool: Executor
) -> list[list[str]]:
    digest = partial(file_digest, kind="blake2s", storage=storage, num_bytes=num_bytes)
    groups: dict[str, list[str]] = {}
    for part in parts_of(paths, size=BATCH_FILES):
        urls = [join(base_url, path) for path in part]
        for path, key in zip(part, pool.map(digest, urls), strict=True):
            groups.setdefault(key, []).append(path)
    return [group for group in groups.values() if len(group) > 1]
