"""A folder of files that catalogs hold and tests seldom do, each with what must come of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from workspace import tone

SECONDS = 3.0
LOW_HZ = 100.0
NAMES = (
    "with spaces.wav",
    'it\'s "quoted".wav',
    "two\nlines.wav",
    "музыка 音楽 🎵.wav",
    "per%20cent #1?*[a].wav",
    "-rf.wav",
    "'; DROP TABLE results; --.wav",
)


def encoded(wave: np.ndarray, *, rate: int = 16_000, container: str, subtype: str = "") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, rate, format=container, subtype=subtype or None)
    return file.getvalue()


def low(seconds: float = SECONDS, *, rate: int = 16_000) -> np.ndarray:
    return tone(LOW_HZ, seconds=seconds, sample_rate=rate)


def with_numbers_missing(share: float) -> np.ndarray:
    wave_T = low()
    wave_T[: round(share * len(wave_T))] = np.nan
    return wave_T


def id3(picture_bytes: int) -> bytes:
    """An ID3v2.3 tag with one front cover (id3.org, sections 3.1, 3.3 and 4.15)."""
    picture = b"\0image/jpeg\0\x03\0" + bytes(picture_bytes)
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame


def silent_hours(hours: float) -> bytes:
    """A FLAC file of near silence, written in pieces."""
    file = io.BytesIO()
    minute = low(60.0)
    with soundfile.SoundFile(file, "w", 16_000, 1, format="FLAC", subtype="PCM_16") as opened:
        for _ in range(round(hours * 60)):
            opened.write(minute)
    return file.getvalue()


def in_channels(wave_T: np.ndarray, number: int) -> np.ndarray:
    return np.repeat(wave_T[:, None], number, axis=1)


ODD: dict[str, tuple[Callable[[], bytes], str, str | None]] = {
    "truncated.flac": (lambda: _half(encoded(low(), container="FLAC")), "ok", "truncated"),
    "truncated.wav": (lambda: _half(encoded(low(), container="WAV")), "ok", "truncated"),
    "nothing.mp3": (lambda: b"", "failed", "empty"),
    "page.mp3": (lambda: b"<html><body>404</body></html>" * 40, "failed", "not_audio"),
    "no-numbers.wav": (
        lambda: encoded(with_numbers_missing(0.5), container="WAV", subtype="FLOAT"),
        *("failed", "non_finite"),
    ),
    "few-no-numbers.wav": (
        lambda: encoded(with_numbers_missing(0.005), container="WAV", subtype="FLOAT"),
        *("ok", "non_finite"),
    ),
    "eight-channels.wav": (lambda: encoded(in_channels(low(), 8), container="WAV"), "ok", None),
    "high-rate.flac": (
        lambda: encoded(low(rate=192_000), rate=192_000, container="FLAC"),
        *("ok", None),
    ),
    "eight-bits.wav": (lambda: encoded(low(), container="WAV", subtype="PCM_U8"), "ok", None),
    "really-ogg.wav": (lambda: encoded(low(), container="OGG"), "ok", None),
    "really-wav.mp3": (lambda: encoded(low(), container="WAV"), "ok", None),
    "blink.wav": (lambda: encoded(low(0.2), container="WAV"), "failed", "too_short"),
    "cover.mp3": (lambda: id3(2**21) + encoded(low(), container="MP3"), "ok", None),
}
LARGE: dict[str, tuple[Callable[[], bytes], str, str | None]] = {
    "large-cover.mp3": (
        lambda: id3(100 * 2**20) + encoded(low(), container="MP3"),
        *("ok", None),
    ),
    "three-hours.flac": (lambda: silent_hours(3.0), "ok", None),
    "five-hours.flac": (lambda: silent_hours(5.0), "failed", "too_long"),
}


def write_odd(folder: Path, *, files: dict) -> dict[str, tuple[str, str | None]]:
    """Writes the files, and sound ones with odd names; gives status and reason by file name."""
    folder.mkdir(parents=True)
    wanted = {}
    for name, (make, status, reason) in files.items():
        (folder / name).write_bytes(make())
        wanted[name] = (status, reason)
    for name in NAMES:
        (folder / name).write_bytes(encoded(low(), container="WAV"))
        wanted[name] = ("ok", None)
    return wanted


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]
