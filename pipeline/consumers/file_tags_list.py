"""The list of copies beside them: what became of each track, and so what need not be done again.

Lines of JSON in `OUT/earmark-copies/part-*.jsonl`, a file a batch, each written whole. The folder's
`about.json` comes first of all: it says that the output is ours to write to.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from pipeline.consumers.file_tags_fields import Fields
from pipeline.consumers.file_tags_places import LIST_FOLDER
from pipeline.errors import ConfigError
from pipeline.storage import Storage, join

ABOUT_FILE = "about.json"
KEY_BYTES = 16


class CopyStatus(StrEnum):
    """What became of a track's file."""

    TAGGED = "tagged"
    """Copied, with tags."""
    UNCHANGED = "unchanged"
    """Copied as it is; the reason says why."""
    FAILED = "failed"
    """Not copied; the reason says why."""


@dataclass(frozen=True)
class Copy:
    """A line of the list.

    Attributes:
        track_id: the track.
        uri: its original.
        copy: path of the copy below the output.
        digest: of the original's version and all that was to be written.
        status: what became of it.
        reason: why it is not `tagged`.
        detail: more of that.
        num_tags: tags that were written.
    """

    track_id: str
    uri: str
    copy: str
    digest: str
    status: CopyStatus
    reason: str = ""
    detail: str = ""
    num_tags: int = 0


class CopyList:
    """The list of an output, as it was when it was opened."""

    def __init__(self, output: str, *, storage: Storage) -> None:
        self._folder, self._storage = join(output, LIST_FOLDER), storage
        self._done = {
            _key(line["track_id"], line["copy"], line["digest"])
            for entry in storage.walk(self._folder)
            if entry.url.endswith(".jsonl")
            for line in map(json.loads, storage.read(entry.url).splitlines())
            if line["status"] != CopyStatus.FAILED
        }

    def has(self, track_id: str, *, copy: str, digest: str) -> bool:
        """Whether the same was made in the same place before."""
        return _key(track_id, copy, digest) in self._done

    def add(self, copies: Sequence[Copy]) -> None:
        """Writes a batch of lines."""
        lines = (json.dumps(asdict(copy), ensure_ascii=False) for copy in copies)
        data = "".join(f"{line}\n" for line in lines).encode()
        self._storage.write(join(self._folder, f"part-{uuid.uuid4().hex}.jsonl"), data)


def open_list(output: str, *, storage: Storage) -> CopyList:
    """The list of an output; a new one is begun in an empty or missing folder.

    Raises:
        ConfigError: the output holds other files.
    """
    about = join(output, LIST_FOLDER, ABOUT_FILE)
    if not storage.exists(about):
        filesystem, path = storage.filesystem(output)  # not walk: it would list all below
        if storage.exists(output) and filesystem.ls(path, detail=False):
            raise ConfigError(
                f"{output} holds files that are no copies of earmark write-tags: give an empty "
                "folder, or one that does not exist yet"
            )
        told = {"made_by": "earmark write-tags", "list": "part-*.jsonl, one line a track"}
        storage.write(about, (json.dumps(told) + "\n").encode())
    return CopyList(output, storage=storage)


def digest_of(audio_version: str, fields: Fields) -> str:
    """SHA-256 of an original's version and of what is written into its copy."""
    facts = [audio_version, fields.own, fields.filled]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _key(track_id: str, copy: str, digest: str) -> bytes:
    text = "\0".join((track_id, copy, digest)).encode()
    return hashlib.blake2b(text, digest_size=KEY_BYTES).digest()
