"""URLs and local paths as text: which is which, joined, made absolute."""

from __future__ import annotations

import posixpath
from pathlib import Path


def has_glob(url: str) -> bool:
    """Whether the URL holds a pattern."""
    return any(sign in url for sign in "*?[")


def is_local(url: str) -> bool:
    """Whether the URL is a path on this machine."""
    return "://" not in url or url.startswith(("file://", "local://"))


def local_path(url: str) -> str:
    """The absolute path of a local URL."""
    return str(Path(url.removeprefix("file://").removeprefix("local://")).expanduser().absolute())


def absolute(url: str) -> str:
    """The URL as a worker on any folder of this machine, or any machine, understands it."""
    return local_path(url) if is_local(url) else url.rstrip("/")


def join(url: str, *parts: str) -> str:
    """The URL of something below."""
    return posixpath.join(url.rstrip("/"), *parts)


def is_below(url: str, folder: str) -> bool:
    """Whether a URL stays below a folder, whatever `..` it holds."""
    inner, outer = posixpath.normpath(url), posixpath.normpath(folder)
    return inner.startswith(outer.rstrip("/") + "/")
