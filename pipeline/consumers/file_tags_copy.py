"""One copy of one audio file: fetched, tagged, and put in its place whole."""

from __future__ import annotations

import posixpath
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from pipeline.consumers.file_tags_fields import PREFIX, Fields
from pipeline.consumers.file_tags_formats import Written, write_fields
from pipeline.consumers.file_tags_list import Copy, CopyStatus, digest_of
from pipeline.consumers.file_tags_places import is_below
from pipeline.errors import ConfigError, DataError, Reason
from pipeline.storage import FAULTS, Storage, is_local, join, local_path
from pipeline.store_faults import FULL, patiently, scratch

RETRY_PAUSES_S = (0.2, 1.0, 4.0)
CHANGED = "not the version in the catalog: run earmark catalog and earmark tag"


@dataclass(frozen=True)
class Task:
    """A copy that is to be made.

    Attributes:
        track_id: the track.
        uri: its original.
        audio_version: of the original, as the catalog knows it.
        copy: path of the copy below the output.
        fields: what is written into it.
        fault: reason and detail if nothing can be, else two empty texts.
    """

    track_id: str
    uri: str
    audio_version: str
    copy: str
    fields: Fields
    fault: tuple[str, str]

    @property
    def digest(self) -> str:
        """Of the original's version and what is written."""
        return digest_of(self.audio_version, self.fields)

    def result(self, status: CopyStatus, *, reason: str = "", detail: str = "") -> Copy:
        """The line of the list that says what became of it."""
        tags = self.fields.own.get(f"{PREFIX}TAGS", ()) if status is CopyStatus.TAGGED else ()
        return Copy(
            self.track_id, self.uri, self.copy, self.digest, status, reason, detail, len(tags)
        )


def refuse_in_place(connection: DuckDBPyConnection, *, output: str) -> None:
    """Refuses an output among the originals.

    Args:
        connection: from `open_views`.
        output: absolute.

    Raises:
        ConfigError: tracks of the catalog are inside of it, or it is inside of a scanned folder.
    """
    for place in {output, _resolved(output)}:
        inside = connection.execute(
            "SELECT min(uri) FROM tracks WHERE starts_with(uri, $1)", [place.rstrip("/") + "/"]
        ).fetchall()[0][0]
        if inside is not None:
            raise ConfigError(
                f"{output} holds originals, such as {inside}: copies go to a folder of their own"
            )
        for (source,) in connection.sql("SELECT DISTINCT source_url FROM tracks").fetchall():
            if place == source or is_below(place, source):
                raise ConfigError(
                    f"{output} is inside of {source}, which was scanned: the next scan would take "
                    "the copies for tracks. Give a folder elsewhere"
                )


def make_copy(task: Task, *, output: str, storage: Storage) -> Copy:
    """Makes one copy; a file that cannot be read is a line of the list.

    Raises:
        ConfigError: the copy would replace its original.
    """
    target = join(output, task.copy)
    if _resolved(target) == _resolved(task.uri):
        raise ConfigError(f"{target} is the original of {task.track_id}: nothing is written to it")
    try:
        if _has_changed(task, storage=storage):
            return task.result(CopyStatus.FAILED, reason="changed", detail=CHANGED)
        with scratch("earmark-copy-") as folder:
            path = folder / f"copy{_ending(task.uri)}"
            _fetch(task.uri, path, storage=storage)
            reason, detail = task.fault
            if not reason:
                written, detail = write_fields(path, task.fields)
                reason = "" if written is Written.TAGGED else str(written)
                if written is Written.UNREADABLE:  # it may have been changed half
                    _fetch(task.uri, path, storage=storage)
            storage.put(str(path), target)
    except DataError as error:
        return task.result(CopyStatus.FAILED, reason=str(error.reason), detail=error.detail)
    status = CopyStatus.UNCHANGED if reason else CopyStatus.TAGGED
    return task.result(status, reason=reason, detail=detail)


def _has_changed(task: Task, *, storage: Storage) -> bool:
    """Whether the original is another version than the one that the catalog knows."""
    try:
        return storage.stat(task.uri).version != task.audio_version
    except FileNotFoundError as error:
        raise DataError(Reason.MISSING, str(error)) from None
    except FAULTS as error:
        raise DataError(Reason.FETCH_FAILED, f"{type(error).__name__}: {error}") from error


def _fetch(uri: str, path: Path, *, storage: Storage) -> None:
    def whole() -> None:
        with storage.open(uri) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)

    try:
        patiently(whole, pauses_s=() if is_local(uri) else RETRY_PAUSES_S)
    except FileNotFoundError:
        raise DataError(Reason.MISSING, uri) from None
    except FAULTS as error:
        if getattr(error, "errno", None) in FULL:
            raise
        raise DataError(Reason.FETCH_FAILED, f"{type(error).__name__}: {error}") from error


def _ending(uri: str) -> str:
    """The ending by which mutagen tells formats; none that a file's name could not have."""
    ending = posixpath.splitext(uri)[1]
    return ending if re.fullmatch(r"\.\w{1,8}", ending) else ""


def _resolved(url: str) -> str:
    return str(Path(local_path(url)).resolve()) if is_local(url) else url
