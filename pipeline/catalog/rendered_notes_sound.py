"""Single notes from a sound font, as NSynth's are: 4 s at 16 kHz, of which 3 s are held.

Many notes stand in one MIDI file, each in a slot of its own that ends in silence, since the
renderer reads the whole font at each call. Reverb and chorus are off.

Array names: N notes, T samples.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
NOTE_SAMPLES = 64_000
PEAK = 10 ** (-1 / 20)  # -1 dB of full scale
SILENT = 10 ** (-50 / 20)  # -50 dB of full scale, where the instrument's loudest note is at PEAK
SAME_RECORDING = 0.95
QUALITIES = (
    *("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic"),
    *("nonlinear_env", "percussive", "reverb", "tempo-synced"),
)
"""NSynth's note qualities, in the order of its `qualities`."""

_SLOT_S, _HELD_S, _NOTE_S = 4.2, 3.0, 4.0
_LEAD_S = 0.004  # the renderer starts notes on blocks of 64 samples, so up to 1.3 ms early
_SILENCED_S = 4.05
_NOTES_PER_CALL = 48  # 200 s: 40 MB of stereo at the renderer's 48 kHz
_VOLUME, _ALL_SOUND_OFF, _REVERB, _CHORUS = 7, 120, 91, 93
_MAX_SHIFT_SAMPLES = 800  # 50 ms
_PROBE_VELOCITY = 100

NoteKey = tuple[int, int]
"""MIDI pitch and velocity."""


def render_notes_of(program: int, *, font: Path, notes: tuple[NoteKey, ...]) -> NDArray[np.float32]:
    """The notes of one program as waves (N, T), at the renderer's own loudness."""
    import midirenderer

    waves = []
    for first in range(0, len(notes), _NOTES_PER_CALL):
        part = notes[first : first + _NOTES_PER_CALL]
        sound = midirenderer.render_wave_from(_bytes_of(font), _midi(program, notes=part))
        wave_TC, rate = soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)
        wave_T = soxr.resample(wave_TC.mean(axis=1), rate, SAMPLE_RATE)
        waves.append(_cut(wave_T, num_notes=len(part)))
    return np.concatenate(waves)


def level(waves_NT: NDArray[np.float32]) -> NDArray[np.float32]:
    """One gain for all notes of an instrument, so that its loudest peaks at -1 dB.

    Pitches and velocities keep their differences in loudness.
    """
    peak = np.abs(waves_NT).max(initial=0.0)
    return waves_NT * np.float32(PEAK / peak if peak else 0.0)


def is_silent(wave_T: NDArray[np.float32]) -> bool:
    """Whether a levelled note is too quiet to keep."""
    return bool(np.abs(wave_T).max() < SILENT)


def qualities_of(wave_T: NDArray[np.float32], *, distorted: bool) -> list[str]:
    """The qualities of NSynth that can be told from the note, in the order of QUALITIES.

    `fast_decay`: while held, the level falls by 20 dB. `long_release`: at its end the note is less
    than 30 dB below its level when it was let go. The other qualities are never said.
    """
    frame = SAMPLE_RATE // 20
    level_F = np.sqrt(np.square(wave_T[: len(wave_T) // frame * frame]).reshape(-1, frame).mean(1))
    held, end = level_F[round(20 * _HELD_S) - 2], level_F[-1]
    found = {
        "distortion": distorted,
        "fast_decay": bool(held < level_F.max() / 10),
        "long_release": bool(end > held / 31.6) and bool(held > level_F.max() / 100),
    }
    return [name for name in QUALITIES if found.get(name)]


def are_one_recording(program: int, *, font: Path, other: Path, pitches: tuple[int, ...]) -> bool:
    """Whether two fonts play a program, at any of the pitches, with the same recording.

    That is: the normalised cross-correlation of the first second is over 0.95 at some shift up to
    50 ms. Different recordings of one instrument, even simple ones, are below.
    """
    notes = tuple((pitch, _PROBE_VELOCITY) for pitch in pitches)
    first_NT = render_notes_of(program, font=font, notes=notes)[:, :SAMPLE_RATE]
    second_NT = render_notes_of(program, font=other, notes=notes)[:, :SAMPLE_RATE]
    return any(
        similarity(a_T, b_T) > SAME_RECORDING for a_T, b_T in zip(first_NT, second_NT, strict=True)
    )


def similarity(a_T: NDArray[np.float32], b_T: NDArray[np.float32]) -> float:
    """The largest normalised cross-correlation of two waves at shifts up to 50 ms; 0 if silent."""
    size = 2 * len(a_T)
    products = np.fft.irfft(np.fft.rfft(a_T, size) * np.conj(np.fft.rfft(b_T, size)), size)
    near = np.concatenate([products[:_MAX_SHIFT_SAMPLES], products[-_MAX_SHIFT_SAMPLES:]])
    norm = float(np.linalg.norm(a_T) * np.linalg.norm(b_T))
    return float(near.max()) / norm if norm else 0.0


def write_note(path: Path, wave_T: NDArray[np.float32]) -> None:
    """Writes a note as NSynth's files are: mono, 16 bit."""
    soundfile.write(path, wave_T, SAMPLE_RATE, subtype="PCM_16")


@functools.lru_cache(maxsize=2)
def _bytes_of(font: Path) -> bytes:
    return font.read_bytes()


def _midi(program: int, *, notes: tuple[NoteKey, ...]) -> bytes:
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=1000, initial_tempo=60.0)  # a tick is a millisecond
    part = pretty_midi.Instrument(program)
    for control, value in ((_VOLUME, 127), (_REVERB, 0), (_CHORUS, 0)):
        part.control_changes.append(pretty_midi.ControlChange(control, value, 0.0))
    for i, (pitch, velocity) in enumerate(notes):
        start_s = i * _SLOT_S + _LEAD_S
        part.notes.append(pretty_midi.Note(velocity, pitch, start_s, start_s + _HELD_S))
        silenced_s = i * _SLOT_S + _SILENCED_S
        part.control_changes.append(pretty_midi.ControlChange(_ALL_SOUND_OFF, 0, silenced_s))
    midi.instruments.append(part)
    file = io.BytesIO()
    midi.write(file)
    return file.getvalue()


def _cut(wave_T: NDArray[np.float32], *, num_notes: int) -> NDArray[np.float32]:
    slot = round(_SLOT_S * SAMPLE_RATE)
    missing = max(0, num_notes * slot - len(wave_T))
    slots_NT = np.pad(wave_T, (0, missing))[: num_notes * slot].reshape(num_notes, slot)
    return np.ascontiguousarray(slots_NT[:, : round(_NOTE_S * SAMPLE_RATE)])
