"""Files of the rendered catalog: playable ones in four formats, and broken ones.

Array names: T samples of each channel, C channels.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

HALF, STUB = "broken-half.mp3", "broken-stub.flac"
PEAK = 10 ** (-1 / 20)  # -1 dB of full scale
_SUBTYPES = {"mp3": "MPEG_LAYER_III", "flac": "PCM_16", "ogg": "VORBIS", "wav": "PCM_16"}


@dataclass(frozen=True)
class Encoding:
    """How a track is written."""

    extension: str
    sample_rate: int
    num_channels: int


# Each format meets several rates, in mono and in stereo; WAV is rare, since it is large.
ENCODINGS = tuple(
    Encoding(extension, sample_rate, num_channels)
    for extension, sample_rate, num_channels in (
        ("mp3", 44100, 2),
        ("flac", 44100, 2),
        ("ogg", 44100, 1),
        ("mp3", 22050, 1),
        ("wav", 22050, 1),
        ("flac", 48000, 1),
        ("ogg", 32000, 2),
        ("mp3", 48000, 1),
        ("flac", 32000, 1),
        ("mp3", 32000, 2),
        ("wav", 44100, 2),
        ("mp3", 44100, 1),
        ("flac", 22050, 2),
        ("ogg", 48000, 1),
    )
)
# A fast setting of the MP3 encoder, about 80 kbit/s: encoding would take longer than rendering.
_COMPRESSION_LEVELS = {"mp3": 0.7}


def shape_wave(
    wave_TC: NDArray[np.float32], *, rate: int, encoding: Encoding, length_s: float
) -> NDArray[np.float32]:
    """Stereo to the encoding's channels and rate, exactly `length_s` long, peak at -1 dB.

    Raises:
        ValueError: the wave is silent.
    """
    if encoding.num_channels == 1:
        wave_TC = wave_TC.mean(axis=1, keepdims=True)
    wave_TC = soxr.resample(wave_TC, rate, encoding.sample_rate)
    wave_TC = wave_TC[: round(length_s * encoding.sample_rate)]
    missing = round(length_s * encoding.sample_rate) - len(wave_TC)
    peak = float(np.abs(wave_TC).max(initial=0.0))
    if peak == 0.0:
        raise ValueError("the rendered wave is silent")
    return np.pad(wave_TC * np.float32(PEAK / peak), ((0, missing), (0, 0)))


def encode(wave_TC: NDArray[np.float32], *, encoding: Encoding, title: str, artist: str) -> bytes:
    """A file with its title and artist in the file's own tags.

    libsndfile writes the tags of an MP3 in a coding that readers take for Latin-1, so there the
    accents are dropped.
    """
    if encoding.extension == "mp3":
        title, artist = _ascii(title), _ascii(artist)
    file = io.BytesIO()
    with soundfile.SoundFile(
        file,
        "w",
        samplerate=encoding.sample_rate,
        channels=encoding.num_channels,
        format=encoding.extension.upper(),
        subtype=_SUBTYPES[encoding.extension],
        compression_level=_COMPRESSION_LEVELS.get(encoding.extension),
    ) as sound:
        sound.title, sound.artist = title, artist
        sound.write(wave_TC)
    return file.getvalue()


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def broken_files(
    wave_TC: NDArray[np.float32], *, sample_rate: int, artist: str
) -> dict[str, bytes]:
    """File name to bytes: what real catalogs hold besides music.

    The MP3 that is cut in half yields half of its audio; the stub of a FLAC next to nothing.
    """
    mono = wave_TC[:, :1]
    short, not_a_number = io.BytesIO(), io.BytesIO()
    soundfile.write(short, mono[: sample_rate // 10], sample_rate, format="WAV")
    nans = np.full((5 * sample_rate, 1), np.nan, dtype=np.float32)
    soundfile.write(not_a_number, nans, sample_rate, format="WAV", subtype="FLOAT")
    mp3 = encode(mono, encoding=Encoding("mp3", sample_rate, 1), title=HALF, artist=artist)
    flac = encode(mono, encoding=Encoding("flac", sample_rate, 1), title=STUB, artist=artist)
    return {
        "broken-empty.mp3": b"",
        "broken-html.mp3": b"<!DOCTYPE html><title>404</title><p>This file has moved.</p>\n",
        HALF: mp3[: len(mp3) // 2],
        STUB: flac[:6000],
        "broken-short.wav": short.getvalue(),
        "broken-nan.wav": not_a_number.getvalue(),
    }


def read_wave(path: Path) -> tuple[NDArray[np.float32], int]:
    """A file that this module wrote, as (T, C), and its sample rate."""
    wave_TC, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return wave_TC, int(sample_rate)
