"""Where the audio of AudioSet's clips is, in some thirty bytes a file.

Copies of AudioSet were downloaded by many tools, which name files in many ways.
"""

from __future__ import annotations

import math
import posixpath
import re
from array import array
from typing import NamedTuple

import numpy as np

from pipeline.catalog.datasets import Place
from pipeline.catalog.sources import open_source, relative_path
from pipeline.storage import join

ID = r"[A-Za-z0-9_-]{11}"
"""Of a YouTube video; it may begin with `-` or `Y`, and hold `_`."""
_FILE = re.compile(
    rf"(?P<before>Y?)(?P<id>{ID})(?P<after>(_(?P<start>[0-9]+(\.[0-9]+)?)(_[0-9]+(\.[0-9]+)?)?)?"
    r"\.(?i:aac|aif|aiff|flac|m4a|mp3|mp4|oga|ogg|opus|wav|webm|wma))"
)


class Name(NamedTuple):
    """What names of files share: all but the id."""

    folder: str
    before: str
    after: str
    start: float | None


class ClipAudio:
    """The audio files below a folder, by their clips' ids.

    A clip's audio is any file below the folder, such as `audio/eval/ID.flac` or `eval/ID.wav`,
    that is named ID, YID, ID_START or ID_START_END with an ending of audio. START is in seconds or
    milliseconds, and must be the clip's: another excerpt of the same video is not the clip.
    """

    def __init__(self, place: Place) -> None:
        base_url = open_source(place.url, storage=place.storage).base_url
        self._url = place.url
        numbers: dict[Name, int] = {}
        ids, named = bytearray(), array("i")
        for entry in place.storage.walk(place.url):
            folder, file = posixpath.split(relative_path(entry.url, base_url=base_url))
            match = _FILE.fullmatch(file)
            if match:
                start = None if match["start"] is None else float(match["start"])
                name = Name(folder, match["before"], match["after"], start)
                ids += match["id"].encode()
                named.append(numbers.setdefault(name, len(numbers)))
        unsorted = np.frombuffer(bytes(ids), dtype="S11")
        order = np.argsort(unsorted, kind="stable")
        self._ids = unsorted[order]
        self._named = np.frombuffer(named, dtype=np.intc)[order] if named else order
        self._names = list(numbers)

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, clip_id: str, *, start_s: float) -> str | None:
        """The URL of a clip's audio; of several files the first in the order of their paths."""
        key = np.bytes_(clip_id.encode())
        first, end = (np.searchsorted(self._ids, key, side=side) for side in ("left", "right"))
        for i in range(int(first), int(end)):
            name = self._names[int(self._named[i])]
            if name.start is None or _same(name.start, start_s):
                return join(self._url, name.folder, f"{name.before}{clip_id}{name.after}")
        return None


def _same(start: float, start_s: float) -> bool:
    return any(math.isclose(start, unit * start_s, abs_tol=unit * 1e-3) for unit in (1, 1000))
