"""What a file's header and tags say, read without decoding.

tinytag is pure Python, so a hostile file can raise but not crash the process, and its facts agree
with libsndfile's on every format that both know. It walks all pages of an Ogg file to find its
length; here that comes from the last page, so that a file on an object store costs its two ends.
"""

from __future__ import annotations

import io
import os
import re
import struct
from dataclasses import dataclass
from typing import IO, Final

from tinytag import ParseError, TinyTag, UnsupportedFormatError

from pipeline.errors import DataError, Reason

MAGIC_BYTES: Final = 16
OGG_HEAD_BYTES: Final = 4096
OGG_TAIL_BYTES: Final = 65_536  # more than the longest page
MAX_RATE_HZ: Final = 2**31 - 1
MAX_DURATION_S: Final = 30 * 24 * 3600  # more is a damaged header
OPUS_RATE_HZ: Final = 48_000  # what positions in Opus count, whatever was encoded

_WAVE_CODECS: Final = {"1": "pcm", "3": "float", "2": "adpcm", "11": "adpcm", "6": "alaw"} | {
    "7": "ulaw",
    "55": "mp3",
}
_AIFF_CODECS: Final = dict.fromkeys(("none", "raw ", "twos", "sowt", "in24", "in32"), "pcm") | {
    "fl32": "float",
    "fl64": "float",
}
_CONTAINER_CODECS: Final = {"mpeg": "mp3", "flac": "flac", "vnd.ms-asf": "wma", "mp4": "mp4"}


@dataclass(frozen=True)
class Header:
    """Facts of a file; None where it does not say.

    Attributes:
        codec: for example mp3, flac, vorbis, opus, aac, alac, pcm_16, float_32.
        sample_rate_hz: of the file.
        num_channels: of the file.
        duration_s: as the header says, or from the bit rate (MP3 without a Xing header).
        title: from the tags, as are the following.
        artist: first of several.
        album: its title.
        year: the first four digits of the date.
        license: a text or URL.
    """

    codec: str
    sample_rate_hz: int | None = None
    num_channels: int | None = None
    duration_s: float | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    license: str | None = None  # the column's name


def read_header(file: IO[bytes]) -> Header:
    """Reads the header of an open file.

    Raises:
        DataError: empty; not_audio, no known header; undecodable, a header that makes no sense.
        OSError: what reading the file raised.
    """
    magic = file.read(MAGIC_BYTES)
    file.seek(0)
    if not magic:
        raise DataError(Reason.EMPTY, "0 bytes")
    if _is_adts(magic):
        return Header(codec="aac")
    try:
        return _read_ogg(file) if magic.startswith(b"OggS") else _read_any(file)
    except UnsupportedFormatError:
        detail = f"no known audio header; the file starts with {magic[:8].hex(' ')}"
        raise DataError(Reason.NOT_AUDIO, detail) from None
    except ParseError as error:
        cause = error.__cause__
        if isinstance(cause, OSError):
            raise cause from None
        raise DataError(Reason.UNDECODABLE, f"header: {type(cause).__name__}: {cause}") from error


def _read_any(file: IO[bytes]) -> Header:
    tag = TinyTag.get(file_obj=file)
    return _header(tag, facts=tag, duration_s=tag.duration)


def _read_ogg(file: IO[bytes]) -> Header:
    head = file.read(OGG_HEAD_BYTES)
    facts = TinyTag.get(file_obj=io.BytesIO(head), tags=False)
    file.seek(0)
    tags = TinyTag.get(file_obj=file, duration=False)
    return _header(tags, facts=facts, duration_s=_ogg_duration_s(file, head=head, facts=facts))


def _ogg_duration_s(file: IO[bytes], *, head: bytes, facts: TinyTag) -> float | None:
    """Position of the last page that has one, less what an Opus decoder drops at the start."""
    if not facts.samplerate:
        return None
    opus = head.find(b"OpusHead")
    # A head that is cut off counts as one that skips nothing.
    skipped = int.from_bytes(head[opus + 10 : opus + 12], "little") if opus >= 0 else 0
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(max(0, size_bytes - OGG_TAIL_BYTES))
    tail = file.read(OGG_TAIL_BYTES)
    for page in reversed([found.start() for found in re.finditer(rb"OggS\0", tail)]):
        if page + 14 <= len(tail):
            position = struct.unpack_from("<q", tail, page + 6)[0]
            if position > 0:  # -1: no packet ends on this page
                rate_hz = OPUS_RATE_HZ if opus >= 0 else facts.samplerate
                return float(max(0, position - skipped) / rate_hz)
    return facts.duration or None


def _header(tag: TinyTag, *, facts: TinyTag, duration_s: float | None) -> Header:
    if not facts.channels or not 0 < (facts.samplerate or 0) <= MAX_RATE_HZ:
        raise DataError(Reason.UNDECODABLE, "header: no audio stream")
    year = re.match(r"[0-9]{4}", _text(tag.year) or "")
    return Header(
        codec=_codec(facts),
        sample_rate_hz=facts.samplerate,
        num_channels=facts.channels,
        duration_s=duration_s if 0 < (duration_s or 0) < MAX_DURATION_S else None,
        title=_text(tag.title),
        artist=_text(tag.artist),
        album=_text(tag.album),
        year=int(year.group()) if year else None,
        license=_text(next(iter(tag.other.get("license", ())), None)),
    )


def _text(value: object) -> str | None:
    """A tag that every table can hold: no half characters, no padding."""
    return str(value or "").encode(errors="replace").decode().strip(" \t\r\n\0") or None


def _codec(facts: TinyTag) -> str:
    container, _, rest = (facts.mime_type or "").removeprefix("audio/").partition(";")
    container = container.removeprefix("application/")
    coding = rest.partition('"')[2].rstrip('"').lower()
    if container == "ogg":
        return coding
    if container == "wav":
        return _with_depth(_WAVE_CODECS.get(coding, f"wav_{coding}"), facts)
    if container == "aiff":
        return _with_depth(_AIFF_CODECS.get(coding, coding.strip()), facts)
    if coding.startswith("mp4a.40"):
        return "aac"
    return coding or _CONTAINER_CODECS.get(container, container)


def _with_depth(coding: str, facts: TinyTag) -> str:
    return f"{coding}_{facts.bitdepth}" if coding in ("pcm", "float") else coding


def _is_adts(magic: bytes) -> bool:
    """A raw AAC stream, which tinytag takes for a damaged MP3."""
    return len(magic) > 1 and magic[0] == 0xFF and magic[1] & 0xF6 == 0xF0
