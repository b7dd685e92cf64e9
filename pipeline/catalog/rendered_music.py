"""From a score to MIDI: an excerpt, an ensemble that plays it, and the mode that it is in. Pure."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import numpy as np

from pipeline.catalog.rendered_programs import DRUMS, PROGRAMS, Ensemble, Program
from pipeline.catalog.rendered_scores import Note, Score

# Mean ratings of how well each semitone above the tonic fits a major and a minor key:
# Krumhansl and Kessler, Psychological Review 89 (1982).
_KEY_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
_KICK, _SNARE, _HIHAT = 36, 38, 42
_LOUDNESS = {"synth_lead": 75, "drums": 80, "synth_pad": 90}


@dataclass(frozen=True)
class Excerpt:
    """The part of a score that is played; time starts at its first note, in quarter notes."""

    bars: tuple[float, ...]
    parts: tuple[tuple[Note, ...], ...]


@dataclass(frozen=True)
class Voice:
    """Notes that one program plays."""

    program: str
    notes: tuple[Note, ...]


def cut_excerpt(score: Score, *, length: float, choice: random.Random) -> Excerpt:
    """Takes `length` quarter notes from a bar on; a score that is too short is repeated.

    Notes that began before are left out, so the excerpt starts with an onset.
    """
    end = score.bars[-1]
    starts = [bar for bar in score.bars[:-1] if bar + length <= end]
    bar = choice.choice(starts) if starts else 0.0
    first = min(note.start for part in score.parts for note in part if note.start >= bar)
    period = end - first
    turns = range(int(length // period) + 1)
    parts = [
        [
            note._replace(start=note.start - first + turn * period)
            for turn in turns
            for note in part
            if note.start >= first
        ]
        for part in score.parts
    ]
    bars = [
        start - first + turn * period
        for turn in turns
        for start in score.bars[:-1]
        if start >= first
    ]
    return Excerpt(
        bars=tuple(start for start in bars if start < length),
        parts=tuple(tuple(_within(part, length)) for part in parts),
    )


def _within(notes: list[Note], length: float) -> list[Note]:
    kept = [note for note in notes if note.start < length]
    return [note._replace(length=min(note.length, length - note.start)) for note in kept]


def mode_of(excerpt: Excerpt) -> str:
    """`major` or `minor`: of the key whose profile fits the time on each pitch class best."""
    seconds = np.zeros(12)
    for part in excerpt.parts:
        for note in part:
            seconds[note.pitch % 12] += note.length
    fits = {
        mode: max(float(np.corrcoef(np.roll(profile, tonic), seconds)[0, 1]) for tonic in range(12))
        for mode, profile in _KEY_PROFILES.items()
    }
    return max(fits, key=lambda mode: fits[mode])


def arrange(excerpt: Excerpt, ensemble: Ensemble) -> list[Voice]:
    """Gives the parts to the ensemble's programs, in order, each in a range that suits it.

    Parts that rest for the whole excerpt have no voice, so every voice is heard.
    """
    last_part, last_program = len(excerpt.parts) - 1, len(ensemble.programs) - 1
    voices = []
    for i, part in enumerate(excerpt.parts):
        name = ensemble.programs[round(i * last_program / last_part) if last_part else 0]
        voices.append(Voice(name, fit_octave(part, PROGRAMS[name])))
    for name in ensemble.added:
        notes = _drum_pattern(excerpt) if name == DRUMS else _held_notes(excerpt)
        voices.append(Voice(name, notes if name == DRUMS else fit_octave(notes, PROGRAMS[name])))
    return [voice for voice in voices if voice.notes]


def fit_octave(notes: tuple[Note, ...], program: Program) -> tuple[Note, ...]:
    """Moves a part by the octaves that leave the fewest notes outside the program's range."""

    def cost(shift: int) -> tuple[int, int]:
        outside = sum(not program.lowest <= n.pitch + shift <= program.highest for n in notes)
        return outside, abs(shift)

    best = min(range(-36, 37, 12), key=cost)
    return tuple(note._replace(pitch=note.pitch + best) for note in notes)


def _held_notes(excerpt: Excerpt) -> tuple[Note, ...]:
    """The lowest part's first note of each bar, held until the next bar."""
    part = excerpt.parts[-1]
    ends = (*excerpt.bars[1:], max((note.start + note.length for note in part), default=0.0))
    held = []
    for bar, end in zip(excerpt.bars, ends, strict=False):
        inside = [note.pitch for note in part if bar <= note.start < end]
        if inside:
            held.append(Note(bar, end - bar, inside[0]))
    return tuple(held)


def _drum_pattern(excerpt: Excerpt) -> tuple[Note, ...]:
    """Kick on the bar, snare in its middle, closed hi-hat on every quarter note."""
    hits = []
    for bar, end in zip(excerpt.bars, excerpt.bars[1:], strict=False):
        hits.append(Note(bar, 0.25, _KICK))
        hits.append(Note((bar + end) / 2, 0.25, _SNARE))
        hits += [Note(float(at), 0.25, _HIHAT) for at in np.arange(bar, end, 1.0)]
    return tuple(hits)


def midi_bytes(voices: list[Voice], *, tempo_bpm: float, choice: random.Random) -> bytes:
    """A MIDI file: one channel a voice, spread from left to right, with uneven loudness."""
    import pretty_midi

    quarter_s = 60.0 / tempo_bpm
    midi = pretty_midi.PrettyMIDI()
    for i, voice in enumerate(voices):
        program = PROGRAMS[voice.program]
        part = pretty_midi.Instrument(program.number, is_drum=voice.program == DRUMS)
        pan = 64 if len(voices) == 1 else 24 + round(80 * i / (len(voices) - 1))
        volume = _LOUDNESS.get(program.family, 100)
        part.control_changes += [
            pretty_midi.ControlChange(10, pan, 0.0),
            pretty_midi.ControlChange(7, volume, 0.0),
        ]
        for note in voice.notes:
            start_s, end_s = note.start * quarter_s, (note.start + note.length) * quarter_s
            velocity = choice.randint(72, 100)
            part.notes.append(pretty_midi.Note(velocity, note.pitch, start_s, end_s))
        midi.instruments.append(part)
    file = io.BytesIO()
    midi.write(file)
    return file.getvalue()
