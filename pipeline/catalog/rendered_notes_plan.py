"""Which notes are rendered: instruments of the fonts in splits, with their pitches and velocities.

No instrument and no recording is in two splits. `valid` takes about every sixth instrument of a
family from the fonts that also give `train`; `test` has a font of its own. `train` gets the whole
grid of pitches and velocities; the other two a share of it, drawn for each instrument.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog.rendered_notes_programs import NOTE_PROGRAMS, NoteProgram
from pipeline.catalog.rendered_notes_sound import NoteKey
from pipeline.catalog.rendered_notes_soundfont import Font

SPLITS = ("train", "valid", "test")
VELOCITIES = (25, 50, 75, 100, 127)
VALID_SHARE = 1 / 6
GRID_SHARES = {"train": 1.0, "valid": 2 / 3, "test": 1 / 5}


@dataclass(frozen=True)
class Instrument:
    """A program of a font, in NSynth's terms.

    Attributes:
        number: NSynth's `instrument`, unique over all splits.
        name: NSynth's `instrument_str`: family_source_id.
        program: what it is.
        font: the file that plays it.
        preset: what the font calls it.
        split: one of SPLITS.
        first_note: NSynth's `note` of its first note; the others follow.
        notes: pitches and velocities.
    """

    number: int
    name: str
    program: NoteProgram
    font: Path
    preset: str
    split: str
    first_note: int
    notes: tuple[NoteKey, ...]


@dataclass(frozen=True)
class Grid:
    """How dense the notes are: every n-th semitone, every n-th velocity; `seed` draws."""

    pitch_step: int
    velocity_step: int
    seed: int

    def notes_of(self, program: NoteProgram) -> list[NoteKey]:
        """All notes of a program."""
        return [
            (pitch, velocity)
            for pitch in range(program.lowest, program.highest + 1, self.pitch_step)
            for velocity in VELOCITIES[:: self.velocity_step]
        ]


def plan_instruments(
    train_fonts: Iterable[Font], test_font: Font, *, grid: Grid, left_out: Collection[int] = ()
) -> list[Instrument]:
    """The instruments of all splits, `train` first, then `valid`, then `test`.

    Args:
        train_fonts: give train and valid.
        test_font: gives test.
        grid: which notes of each.
        left_out: programs of the test font that are no new instruments.
    """
    learnt = [(font, program) for font in train_fonts for program in _programs(font)]
    valid = _draw_valid(learnt, seed=grid.seed)
    split_of = {i: "valid" if i in valid else "train" for i in range(len(learnt))}
    cast = [(split_of[i], font, program) for i, (font, program) in enumerate(learnt)]
    cast += [("test", test_font, p) for p in _programs(test_font) if p.number not in left_out]
    cast.sort(key=lambda member: SPLITS.index(member[0]))
    instruments: list[Instrument] = []
    counts: Counter[str] = Counter()
    first_note = 0
    for number, (split, font, program) in enumerate(cast):
        kind = f"{program.family}_{program.source}"
        name = f"{kind}_{counts[kind]:03d}"
        counts[kind] += 1
        notes = _notes(program, split=split, name=name, grid=grid)
        preset = font.presets[program.number]
        instruments.append(
            Instrument(number, name, program, font.path, preset, split, first_note, notes)
        )
        first_note += len(notes)
    return instruments


def _programs(font: Font) -> list[NoteProgram]:
    return [program for number, program in NOTE_PROGRAMS.items() if number in font.presets]


def _draw_valid(cast: list[tuple[Font, NoteProgram]], *, seed: int) -> set[int]:
    """Positions of the instruments for `valid`.

    Drawn are groups of instruments that share recordings, the smallest first, if they are of one
    family and no more than half of it.
    """
    of_family: dict[str, list[int]] = defaultdict(list)
    for i, (_, program) in enumerate(cast):
        of_family[program.family].append(i)
    groups = _groups([font.recordings[program.number] for font, program in cast])
    drawn: set[int] = set()
    for family, members in of_family.items():
        inside = [g for g in groups if g <= set(members) and 2 * len(g) <= len(members)]
        wanted = max(1, round(VALID_SHARE * len(members)))
        shuffled = random.Random(f"{seed}-{family}").sample(inside, len(inside))
        for group in sorted(shuffled, key=len):
            if wanted > 0:
                drawn |= group
                wanted -= len(group)
    return drawn


def _groups(recordings: list[frozenset[str]]) -> list[set[int]]:
    """Positions in groups: whoever shares a recording with a group's member belongs to it."""
    groups: list[tuple[set[int], set[str]]] = []
    for i, played in enumerate(recordings):
        members, heard, apart = {i}, set(played), []
        for group in groups:
            if group[1] & played:
                members |= group[0]
                heard |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (members, heard)]
    return [members for members, _ in groups]


def _notes(program: NoteProgram, *, split: str, name: str, grid: Grid) -> tuple[NoteKey, ...]:
    notes = grid.notes_of(program)
    count = max(1, round(GRID_SHARES[split] * len(notes)))
    return tuple(sorted(random.Random(f"{grid.seed}-{name}").sample(notes, count)))
