"""What a browser is told that an audio file is, by its name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.urls import is_local


@dataclass(frozen=True)
class AudioKind:
    """A format as browsers know it.

    Attributes:
        media_type: of the answer.
        is_played: whether current browsers play it without plug-ins.
    """

    media_type: str
    is_played: bool


UNKNOWN = AudioKind("application/octet-stream", False)
KINDS = {
    "mp3": AudioKind("audio/mpeg", True),
    "wav": AudioKind("audio/wav", True),
    "flac": AudioKind("audio/flac", True),
    "ogg": AudioKind("audio/ogg", True),
    "oga": AudioKind("audio/ogg", True),
    "opus": AudioKind("audio/ogg", True),
    "m4a": AudioKind("audio/mp4", True),
    "mp4": AudioKind("audio/mp4", True),
    "aac": AudioKind("audio/aac", True),
    "weba": AudioKind("audio/webm", True),
    "webm": AudioKind("audio/webm", True),
    "aif": AudioKind("audio/aiff", False),
    "aiff": AudioKind("audio/aiff", False),
    "au": AudioKind("audio/basic", False),
    "wma": AudioKind("audio/x-ms-wma", False),
    "mka": AudioKind("audio/x-matroska", False),
}
"""By the ending. AIFF plays in Safari alone; ALAC in M4A does too, which no name tells."""


def ending(uri: str) -> str:
    """The ending of a file's name, in small letters."""
    path = uri if is_local(uri) else uri.partition("?")[0]
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def audio_kind(uri: str | None) -> AudioKind:
    """What a track's file is."""
    return KINDS.get(ending(uri), UNKNOWN) if uri else UNKNOWN
