"""Instruments of the rendered catalog: General MIDI programs, their families, and ensembles.

A family groups programs that sound alike: General MIDI's groups of eight, with harpsichord, harp,
choir and plucked lutes taken out of theirs, and the fiddle and the bagpipe moved to the strings
and the reeds. `instrument---FAMILY` and `program---NAME` are the labels; a program's name is the
word that MagnaTagATune uses where it has one (harpsichord, harp, cello, violin, sitar, flute).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

DRUMS = "drums"


@dataclass(frozen=True)
class Program:
    """A sound of General MIDI.

    Attributes:
        number: 0 to 127; of the drums, the kit.
        family: group of sounds that resemble it.
        lowest: MIDI pitch at the low end of where it sounds like itself.
        highest: MIDI pitch at the high end.
    """

    number: int
    family: str
    lowest: int
    highest: int


PROGRAMS: dict[str, Program] = {
    "piano": Program(0, "piano", 28, 96),
    "electric_piano": Program(4, "piano", 36, 96),
    "harpsichord": Program(6, "harpsichord", 36, 88),
    "celesta": Program(8, "mallet", 60, 103),
    "music_box": Program(10, "mallet", 60, 98),
    "vibraphone": Program(11, "mallet", 53, 89),
    "marimba": Program(12, "mallet", 45, 91),
    "rock_organ": Program(18, "organ", 36, 91),
    "church_organ": Program(19, "organ", 36, 91),
    "accordion": Program(21, "organ", 53, 89),
    "nylon_guitar": Program(24, "guitar", 40, 81),
    "steel_guitar": Program(25, "guitar", 40, 81),
    "electric_guitar": Program(27, "guitar", 40, 86),
    "distortion_guitar": Program(30, "guitar", 45, 86),
    "acoustic_bass": Program(32, "bass", 28, 55),
    "electric_bass": Program(33, "bass", 28, 55),
    "synth_bass": Program(38, "bass", 28, 55),
    "violin": Program(40, "strings", 55, 96),
    "viola": Program(41, "strings", 48, 84),
    "cello": Program(42, "strings", 36, 72),
    "contrabass": Program(43, "strings", 28, 55),
    "string_ensemble": Program(48, "strings", 36, 91),
    "fiddle": Program(110, "strings", 55, 93),
    "harp": Program(46, "harp", 36, 96),
    "choir": Program(52, "choir", 43, 79),
    "voice": Program(53, "choir", 48, 79),
    "trumpet": Program(56, "brass", 55, 84),
    "trombone": Program(57, "brass", 40, 70),
    "tuba": Program(58, "brass", 29, 58),
    "french_horn": Program(60, "brass", 41, 76),
    "brass_section": Program(61, "brass", 40, 84),
    "soprano_sax": Program(64, "reed", 56, 86),
    "alto_sax": Program(65, "reed", 49, 80),
    "tenor_sax": Program(66, "reed", 44, 75),
    "baritone_sax": Program(67, "reed", 36, 67),
    "oboe": Program(68, "reed", 58, 86),
    "bassoon": Program(70, "reed", 34, 69),
    "clarinet": Program(71, "reed", 50, 88),
    "bagpipe": Program(109, "reed", 55, 81),
    "piccolo": Program(72, "flute", 74, 102),
    "flute": Program(73, "flute", 60, 93),
    "recorder": Program(74, "flute", 60, 91),
    "pan_flute": Program(75, "flute", 60, 88),
    "square_lead": Program(80, "synth_lead", 48, 96),
    "saw_lead": Program(81, "synth_lead", 48, 96),
    "new_age_pad": Program(88, "synth_pad", 36, 84),
    "warm_pad": Program(89, "synth_pad", 36, 84),
    "sitar": Program(104, "plucked", 48, 77),
    "banjo": Program(105, "plucked", 50, 84),
    "koto": Program(107, "plucked", 50, 84),
    DRUMS: Program(0, "drums", 0, 127),
}


class Texture(enum.StrEnum):
    """What kind of parts a score has; it decides which ensembles can play it."""

    MELODY = "melody"
    KEYBOARD = "keyboard"
    SONG = "song"
    VOICES = "voices"


@dataclass(frozen=True)
class Ensemble:
    """Who plays.

    Attributes:
        name: last part of the track's id.
        programs: the score's parts, from the first (highest) to the last.
        added: parts that the score lacks: the drums, or a sound that holds the first note of
            each bar.
    """

    name: str
    programs: tuple[str, ...]
    added: tuple[str, ...] = ()


def _solo(*names: str) -> list[Ensemble]:
    return [Ensemble(name, (name,)) for name in names]


def _with_piano(*names: str) -> list[Ensemble]:
    return [Ensemble(f"{name}-piano", (name, "piano", "piano")) for name in names]


ENSEMBLES: dict[Texture, tuple[Ensemble, ...]] = {
    Texture.MELODY: (
        *_solo("fiddle", "flute", "banjo", "accordion", "harp", "sitar", "clarinet", "marimba"),
        *_solo("recorder", "koto", "trumpet", "music_box", "pan_flute", "harpsichord"),
        Ensemble("bagpipe", ("bagpipe",), ("bagpipe",)),
        Ensemble("sitar-drone", ("sitar",), ("warm_pad",)),
        Ensemble("rock", ("distortion_guitar",), ("electric_bass", DRUMS)),
        Ensemble("techno", ("saw_lead",), ("synth_bass", DRUMS)),
        Ensemble("chip", ("square_lead",), ("synth_bass", DRUMS)),
        Ensemble("sax-bass", ("alto_sax",), ("acoustic_bass",)),
        Ensemble("fife-drum", ("piccolo",), (DRUMS,)),
        Ensemble("ambient", ("vibraphone",), ("new_age_pad",)),
    ),
    Texture.KEYBOARD: (
        *_solo("piano", "harpsichord", "electric_piano", "church_organ", "harp", "nylon_guitar"),
        *_solo("marimba", "celesta", "accordion", "koto", "string_ensemble", "brass_section"),
        Ensemble("guitar-band", ("steel_guitar", "acoustic_bass"), (DRUMS,)),
        Ensemble("synth", ("square_lead", "synth_bass")),
        Ensemble("flute-harp", ("flute", "harp")),
        Ensemble("pad", ("new_age_pad",)),
    ),
    Texture.SONG: (
        *_with_piano("voice", "violin", "flute", "clarinet", "trumpet", "cello", "oboe"),
        Ensemble("flute-harp", ("flute", "harp", "harp")),
        Ensemble("violin-guitar", ("violin", "nylon_guitar", "nylon_guitar")),
        Ensemble("lead-pad", ("saw_lead", "warm_pad", "synth_bass"), (DRUMS,)),
    ),
    Texture.VOICES: (
        *_solo("choir", "church_organ", "harpsichord", "piano", "nylon_guitar", "harp"),
        *_solo("recorder", "new_age_pad"),
        Ensemble("string-quartet", ("violin", "violin", "viola", "cello")),
        Ensemble("brass", ("trumpet", "trumpet", "french_horn", "trombone")),
        Ensemble("horns", ("french_horn", "french_horn", "trombone", "tuba")),
        Ensemble("woodwind", ("flute", "oboe", "clarinet", "bassoon")),
        Ensemble("saxophones", ("soprano_sax", "alto_sax", "tenor_sax", "baritone_sax")),
        Ensemble("flutes-harp", ("flute", "flute", "harp", "harp")),
        Ensemble("baroque", ("violin", "violin", "harpsichord", "cello")),
        Ensemble("mallets", ("vibraphone", "vibraphone", "marimba", "marimba")),
        Ensemble("choir-strings", ("choir", "choir", "string_ensemble", "contrabass")),
        Ensemble("guitar-band", ("electric_guitar",) * 3 + ("electric_bass",), (DRUMS,)),
        Ensemble("organ-drums", ("rock_organ",), (DRUMS,)),
        Ensemble("guitar-bass", ("steel_guitar",) * 3 + ("acoustic_bass",)),
        Ensemble("synth", ("saw_lead", "warm_pad", "warm_pad", "synth_bass")),
    ),
}


def instrument_labels(programs: Iterable[str]) -> list[str]:
    """`instrument---FAMILY` of each family, then `program---NAME` of each program, sorted."""
    names = sorted(set(programs))
    families = sorted({PROGRAMS[name].family for name in names})
    return [f"instrument---{family}" for family in families] + [
        f"program---{name}" for name in names if name != DRUMS
    ]
