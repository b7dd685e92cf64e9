"""Where the copy of a file goes: as its original lies below what was scanned. Pure."""

from __future__ import annotations

import posixpath
import re

from pipeline.urls import absolute

LIST_FOLDER = "earmark-copies"
"""Below the output: what became of each track."""


def copy_path(uri: str, *, source_url: str) -> str:
    """The path of a copy, relative to the output; it never leads out of it.

    A file below the scanned folder, or below the folder of the scanned table or glob, keeps its
    path from there; any other file keeps its whole path, without scheme and leading slash.
    """
    folder = re.split(r"[*?\[]", source_url, maxsplit=1)[0]
    bases = (source_url, posixpath.dirname(folder))
    rest = next((uri[len(base) :] for base in bases if is_below(uri, base)), uri)
    parts = rest.partition("://")[2] if "://" in rest else rest
    safe = [part for part in parts.split("/") if part not in ("", ".", "..")]
    if safe and safe[0] == LIST_FOLDER:
        safe[0] = f"_{safe[0]}"
    return "/".join(safe) or "_"


def is_below(url: str, folder: str) -> bool:
    """Whether a URL is inside a folder."""
    return bool(folder) and absolute(url).startswith(absolute(folder).rstrip("/") + "/")
