"""General MIDI programs as NSynth's families and sources, with the pitches that each plays.

The families follow General MIDI's groups of eight, so the harp, the tremolo and the pizzicato are
strings, the accordion is an organ and the harmonica, a free reed, a reed. Programs whose group is
no family of NSynth (pads, effects, ethnic plucked ones, drums) are left out, but for those that
are plainly of a family: voices among the leads and pads, kalimba, steel drum, bagpipe, fiddle and
shanai.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pipeline.catalog.datasets.nsynth import Family

FAMILIES: tuple[str, ...] = get_args(Family)
"""NSynth's instrument families; a family's index is its `instrument_family`."""

SOURCES = ("acoustic", "electronic", "synthetic")
"""NSynth's sources; a source's index is its `instrument_source`."""


@dataclass(frozen=True)
class NoteProgram:
    """A sound of General MIDI in NSynth's terms.

    Attributes:
        number: 0 to 127.
        family: one of FAMILIES.
        source: one of SOURCES.
        lowest: MIDI pitch at the low end of where the instrument is played.
        highest: MIDI pitch at the high end.
    """

    number: int
    family: str
    source: str
    lowest: int
    highest: int


_ACOUSTIC, _ELECTRONIC, _SYNTHETIC = SOURCES

# number, lowest and highest pitch; the ranges are those in which the instruments are played.
_RANGES: dict[tuple[str, str], tuple[tuple[int, int, int], ...]] = {
    ("bass", _ACOUSTIC): ((32, 28, 55),),
    ("bass", _ELECTRONIC): ((33, 28, 55), (34, 28, 55), (35, 28, 55), (36, 28, 55), (37, 28, 55)),
    ("bass", _SYNTHETIC): ((38, 24, 60), (39, 24, 60)),
    ("brass", _ACOUSTIC): (
        *((56, 55, 88), (57, 34, 75), (58, 29, 58), (59, 55, 84), (60, 41, 77), (61, 36, 84)),
    ),
    ("brass", _SYNTHETIC): ((62, 36, 96), (63, 36, 96)),
    ("flute", _ACOUSTIC): (
        *((72, 74, 108), (73, 60, 96), (74, 60, 96), (75, 60, 96)),
        *((76, 60, 96), (77, 55, 84), (78, 60, 96), (79, 60, 84)),
    ),
    ("guitar", _ACOUSTIC): ((24, 40, 84), (25, 40, 84)),
    ("guitar", _ELECTRONIC): (
        *((26, 40, 86), (27, 40, 86), (28, 40, 86), (29, 40, 86), (30, 40, 86), (31, 40, 86)),
    ),
    ("keyboard", _ACOUSTIC): ((0, 21, 108), (1, 21, 108), (3, 21, 108), (6, 29, 89)),
    ("keyboard", _ELECTRONIC): ((2, 21, 108), (4, 28, 103), (5, 28, 103), (7, 29, 88)),
    ("mallet", _ACOUSTIC): (
        *((8, 60, 108), (9, 72, 108), (10, 60, 96), (11, 53, 89), (12, 45, 96), (13, 65, 108)),
        *((14, 60, 77), (15, 55, 84), (108, 48, 84), (114, 52, 84)),
    ),
    ("organ", _ACOUSTIC): ((19, 24, 108), (20, 36, 96), (21, 53, 93), (23, 48, 89)),
    ("organ", _ELECTRONIC): ((16, 36, 96), (17, 36, 96), (18, 36, 96)),
    ("reed", _ACOUSTIC): (
        *((22, 60, 96), (64, 56, 88), (65, 49, 82), (66, 44, 77), (67, 36, 70), (68, 58, 91)),
        *((69, 52, 81), (70, 34, 74), (71, 50, 91), (109, 55, 81), (111, 55, 84)),
    ),
    ("string", _ACOUSTIC): (
        *((40, 55, 100), (41, 48, 88), (42, 36, 79), (43, 28, 60), (44, 36, 96)),
        *((45, 36, 96), (46, 24, 103), (48, 28, 96), (49, 28, 96), (110, 55, 96)),
    ),
    ("string", _SYNTHETIC): ((50, 36, 96), (51, 36, 96)),
    ("synth_lead", _SYNTHETIC): (
        *((80, 36, 96), (81, 36, 96), (82, 36, 96), (83, 36, 96)),
        *((84, 36, 96), (86, 36, 96), (87, 36, 96)),
    ),
    ("vocal", _ACOUSTIC): ((52, 41, 84), (53, 41, 84)),
    ("vocal", _SYNTHETIC): ((54, 41, 84), (85, 41, 84), (91, 41, 84)),
}

NOTE_PROGRAMS: dict[int, NoteProgram] = {
    number: NoteProgram(number, family, source, lowest, highest)
    for (family, source), ranges in _RANGES.items()
    for number, lowest, highest in ranges
}
"""By number."""

DISTORTED = frozenset({29, 30})
"""Overdriven and distortion guitar."""
