"""Writes fields into an audio file's own metadata; the only home of mutagen (GPL, an extra).

ID3 (MP3, WAV, AIFF): a TXXX frame a field, in ID3v2.4. A file with ID3v2.3 keeps that version: as
2.4 it would lose frames (RVAD, EQUA, TSIZ, unknown ones). FLAC, Ogg Vorbis, Opus and Speex: Vorbis
comments. MP4 (M4A): freeform atoms of `com.apple.iTunes`. Where genre, mood, BPM and
key go is what MusicBrainz Picard maps them to (its documentation, "Tag Mapping"). Audio is moved in
the file where tags need room, and never coded anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.consumers.file_tags_fields import PREFIX, Fields, Filled
from pipeline.errors import ConfigError

FREEFORM = "----:com.apple.iTunes:"
ID3_FRAMES = {Filled.GENRE: "TCON", Filled.MOOD: "TMOO", Filled.BPM: "TBPM", Filled.KEY: "TKEY"}
VORBIS_NAMES = {fill: fill.value.upper() for fill in Filled}
MP4_ATOMS = {
    Filled.GENRE: "\xa9gen",
    Filled.MOOD: f"{FREEFORM}MOOD",
    Filled.BPM: "tmpo",
    Filled.KEY: f"{FREEFORM}initialkey",
}
ID3_KINDS = ("MP3", "WAVE", "AIFF")
VORBIS_KINDS = ("FLAC", "OggFLAC", "OggVorbis", "OggOpus", "OggSpeex")
KEPT_VERSION = (2, 3)


class Written(StrEnum):
    """What became of a file."""

    TAGGED = "tagged"
    UNKNOWN_FORMAT = "unknown_format"
    UNREADABLE = "unreadable"


def require_mutagen() -> None:
    """Finds out before any copy is made.

    Raises:
        ConfigError: mutagen is not installed.
    """
    try:
        import mutagen  # noqa: F401
    except ImportError:
        raise ConfigError(
            "writing tags into files needs mutagen, which is GPL-2.0-or-later and therefore an "
            "extra: pip install 'earmark[file-tags]'"
        ) from None


def write_fields(path: Path, fields: Fields) -> tuple[Written, str]:
    """Writes the fields into a file in place. If that fails on the way, the file is of no use.

    Args:
        path: a file of our own, never an original.
        fields: what is written.

    Returns:
        What became of it, and what the reader said where that is not `tagged`.
    """
    import mutagen

    try:
        audio = mutagen.File(path)
        writer = _writer(type(audio).__name__)
        if writer is None:
            return Written.UNKNOWN_FORMAT, f"no place for tags is known in {path.suffix or 'it'}"
        if audio.tags is None:
            audio.add_tags()
        writer(audio, fields, path)
    except mutagen.MutagenError as error:
        return Written.UNREADABLE, str(error)
    return Written.TAGGED, ""


def _writer(kind: str) -> Callable[[Any, Fields, Path], None] | None:
    if kind in ID3_KINDS:
        return _write_id3
    if kind in VORBIS_KINDS:
        return _write_vorbis
    return _write_mp4 if kind == "MP4" else None


def _write_id3(audio: Any, fields: Fields, path: Path) -> None:  # noqa: ANN401 - mutagen's
    from mutagen import id3

    keeps_version = audio.tags.version[:2] == KEPT_VERSION
    if keeps_version:
        audio = type(audio)(path, translate=False)
    tags = audio.tags
    for key in [key for key in tags if key.startswith(f"TXXX:{PREFIX}")]:
        del tags[key]
    for name, texts in fields.own.items():
        tags.add(id3.TXXX(encoding=id3.Encoding.UTF8, desc=name, text=list(texts)))
    for fill, texts in fields.filled.items():
        frame = ID3_FRAMES[fill]
        if keeps_version and frame == "TMOO":  # there is none in 2.3
            if not tags.getall("TXXX:MOOD"):
                tags.add(id3.TXXX(encoding=id3.Encoding.UTF8, desc="MOOD", text=list(texts)))
        elif not tags.getall(frame):
            tags.add(getattr(id3, frame)(encoding=id3.Encoding.UTF8, text=list(texts)))
    if keeps_version:
        audio.save(path, v2_version=3, v23_sep=None)
    else:
        audio.save(path)


def _write_vorbis(audio: Any, fields: Fields, path: Path) -> None:  # noqa: ANN401 - mutagen's
    for key in [key for key in audio.tags.keys() if key.upper().startswith(PREFIX)]:  # noqa: SIM118
        del audio.tags[key]
    for name, texts in fields.own.items():
        audio.tags[name] = list(texts)
    for fill, texts in fields.filled.items():
        if not audio.tags.get(VORBIS_NAMES[fill]):
            audio.tags[VORBIS_NAMES[fill]] = list(texts)
    audio.save(path)


def _write_mp4(audio: Any, fields: Fields, path: Path) -> None:  # noqa: ANN401 - mutagen's
    from mutagen.mp4 import AtomDataType, MP4FreeForm

    def freeform(texts: Sequence[str]) -> list[MP4FreeForm]:
        return [MP4FreeForm(text.encode(), AtomDataType.UTF8) for text in texts]

    for key in [key for key in audio.tags if key.startswith(FREEFORM + PREFIX)]:
        del audio.tags[key]
    for name, texts in fields.own.items():
        audio.tags[FREEFORM + name] = freeform(texts)
    for fill, texts in fields.filled.items():
        atom = MP4_ATOMS[fill]
        if audio.tags.get(atom):
            continue
        if fill is Filled.BPM:
            audio.tags[atom] = [int(text) for text in texts]
        else:
            audio.tags[atom] = list(texts) if fill is Filled.GENRE else freeform(texts)
    audio.save(path)
