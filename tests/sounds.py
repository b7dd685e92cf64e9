"""Sounds whose tempo, meter, key, chords and loudness are known, at the descriptors' rate."""

from __future__ import annotations

import numpy as np

from pipeline.audio.descriptors_spec import DESCRIPTORS

RATE_HZ = DESCRIPTORS.sample_rate
TRIADS = {"maj": (0, 4, 7), "min": (0, 3, 7)}


def midi_hz(midi: float) -> float:
    return 440.0 * 2 ** ((midi - 69) / 12)


def note(midi: float, *, seconds: float, partials: int = 6, gain: float = 0.1) -> np.ndarray:
    """A plucked sound: partials of falling strength that die away."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave_T = sum(
        0.6**k * np.sin(2 * np.pi * k * midi_hz(midi) * time_s) for k in range(1, partials + 1)
    )
    fade = np.minimum(1, np.minimum(time_s, seconds - time_s) / 0.01)
    return (gain * wave_T * np.exp(-1.5 * time_s) * fade).astype(np.float32)


def chord(root: int, quality: str, *, seconds: float) -> np.ndarray:
    """A triad around middle C, with its root an octave below."""
    pitches = [60 + (root + step) % 12 for step in TRIADS[quality]]
    return sum(note(pitch, seconds=seconds) for pitch in [*pitches, 48 + root])


def progression(chords: list[tuple[int, str]], *, seconds: float) -> np.ndarray:
    return np.concatenate([chord(*one, seconds=seconds) for one in chords])


def clicks(bpm: float, *, seconds: float, accents: tuple[float, ...] = (1.0,)) -> np.ndarray:
    """Short bursts on the beats, as loud as the accents say in turn."""
    wave_T = np.zeros(round(seconds * RATE_HZ), np.float32)
    choice = np.random.default_rng(0)
    burst = (choice.normal(size=900) * np.exp(-np.arange(900) / 150)).astype(np.float32)
    for beat in range(int(seconds * bpm / 60)):
        start = round(beat * 60 / bpm * RATE_HZ)
        part = wave_T[start : start + len(burst)]
        part += 0.2 * accents[beat % len(accents)] * burst[: len(part)]
    return wave_T


def sine(hz: float, *, seconds: float, peak_dbfs: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (10 ** (peak_dbfs / 20) * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
