"""Single notes in NSynth's layout on disk, played by sound fonts.

FOLDER/nsynth-{train,valid,test}/ hold examples.json, which is written last, and
audio/NOTE_STR.wav. FOLDER/rendered.json says with which values and fonts they were made, and which
preset of which font each instrument is. All labels are exact, since they say what was rendered;
of the qualities only those are said that can be measured.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from pipeline.catalog.rendered_notes_fonts import (
    TEST_FONT_SHA256,
    fetch_test_font,
    train_font,
)
from pipeline.catalog.rendered_notes_plan import SPLITS, Grid, Instrument, plan_instruments
from pipeline.catalog.rendered_notes_programs import DISTORTED, FAMILIES, NOTE_PROGRAMS, SOURCES
from pipeline.catalog.rendered_notes_sound import (
    QUALITIES,
    SAMPLE_RATE,
    are_one_recording,
    is_silent,
    level,
    qualities_of,
    render_notes_of,
    write_note,
)
from pipeline.catalog.rendered_notes_soundfont import Font, read_font
from pipeline.errors import ConfigError

SETTINGS_NAME = "rendered.json"
_Example = dict[str, Any]


@dataclass(frozen=True)
class NotesReport:
    """What stands in the folder.

    Attributes:
        folder: where.
        counts: notes of each split and family.
        left_out: test instruments that the fonts to learn from hold too, by preset.
    """

    folder: Path
    counts: dict[str, dict[str, int]]
    left_out: list[str]

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [f"notes: {self.folder}"]
        for split, families in self.counts.items():
            named = ", ".join(f"{family} {count:,}" for family, count in families.items())
            lines.append(f"  {split}: {sum(families.values()):,} notes: {named}")
        if self.left_out:
            lines.append(f"  left out of test, not new: {', '.join(self.left_out)}")
        return lines


def render_notes(
    folder: str | Path,
    *,
    grid: Grid,
    train_fonts: tuple[str, ...] = (),
    test_font: str | None = None,
    num_processes: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> NotesReport:
    """Renders the notes, goes on with a folder that is incomplete, or finds it complete.

    Args:
        folder: gets the three parts.
        grid: which notes, and the seed; the same values give the same files.
        train_fonts: sound fonts of train and valid; none: TimGM6mb.
        test_font: sound font of test; None: FluidR3_GM.
        num_processes: processes that render.
        on_progress: called with the number of notes done and to do.

    Raises:
        ConfigError: a font is missing or unusable, or the folder holds something else.
    """
    folder = Path(folder)
    shipped = train_font()
    learnt = [read_font(path) for path in train_fonts or (shipped,)]
    settings = {
        "pitch_step": grid.pitch_step,
        "velocity_step": grid.velocity_step,
        "seed": grid.seed,
        "train_fonts": [font.sha256 for font in learnt],
        "test_font": read_font(test_font).sha256 if test_font else TEST_FONT_SHA256,
    }
    if not _is_begun(folder, settings) or not all(_examples(folder, s).is_file() for s in SPLITS):
        spawn = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory() as place, ProcessPoolExecutor(num_processes, spawn) as p:
            tested = read_font(test_font or fetch_test_font(Path(place)))
            known = _known(tested, learnt, executor=p)
            instruments = plan_instruments(learnt, tested, grid=grid, left_out=known)
            if not any(each.split == "test" for each in instruments):
                raise ConfigError(f"{tested.path} has no new instrument to test; give another font")
            left_out = [tested.presets[number] for number in known]
            _write_json(folder / SETTINGS_NAME, _settings(settings, instruments, left_out))
            _render_parts(folder, instruments, executor=p, on_progress=on_progress)
    return _report(folder)


def _known(tested: Font, learnt: list[Font], *, executor: Executor) -> list[int]:
    """Programs of the test font that a font to learn from plays with the same recordings."""
    pairs = [
        (number, font.path)
        for font in learnt
        for number in NOTE_PROGRAMS
        if number in tested.presets and number in font.presets
    ]
    same = executor.map(_is_known, *zip(*pairs, strict=True), repeat(tested.path))
    return sorted({number for (number, _), known in zip(pairs, same, strict=True) if known})


def _is_known(number: int, learnt: Path, tested: Path) -> bool:
    program = NOTE_PROGRAMS[number]
    third = (program.highest - program.lowest) // 3
    pitches = (program.lowest + third // 2, program.lowest + third, program.highest - third)
    return are_one_recording(number, font=tested, other=learnt, pitches=pitches)


def _render_parts(
    folder: Path,
    instruments: list[Instrument],
    *,
    executor: Executor,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    open_splits = [split for split in SPLITS if not _examples(folder, split).is_file()]
    total = sum(len(each.notes) for each in instruments if each.split in open_splits)
    done = 0
    for split in open_splits:
        part = [each for each in instruments if each.split == split]
        audio = _examples(folder, split).parent / "audio"
        audio.mkdir(parents=True, exist_ok=True)
        examples: dict[str, _Example] = {}
        for each, made in zip(part, executor.map(_render, part, repeat(audio)), strict=True):
            examples |= made
            done += len(each.notes)
            if on_progress is not None:
                on_progress(done, total)
        _write_json(_examples(folder, split), examples)


def _render(instrument: Instrument, audio: Path) -> dict[str, _Example]:
    """Writes an instrument's notes; the silent ones are dropped."""
    program = instrument.program
    waves_NT = level(render_notes_of(program.number, font=instrument.font, notes=instrument.notes))
    examples = {}
    for i, ((pitch, velocity), wave_T) in enumerate(zip(instrument.notes, waves_NT, strict=True)):
        if is_silent(wave_T):
            continue
        name = f"{instrument.name}-{pitch:03d}-{velocity:03d}"
        write_note(audio / f"{name}.wav", wave_T)
        qualities = qualities_of(wave_T, distorted=program.number in DISTORTED)
        examples[name] = {
            "note": instrument.first_note + i,
            "note_str": name,
            "instrument": instrument.number,
            "instrument_str": instrument.name,
            "pitch": pitch,
            "velocity": velocity,
            "sample_rate": SAMPLE_RATE,
            "qualities": [int(quality in qualities) for quality in QUALITIES],
            "qualities_str": qualities,
            "instrument_family": FAMILIES.index(program.family),
            "instrument_family_str": program.family,
            "instrument_source": SOURCES.index(program.source),
            "instrument_source_str": program.source,
        }
    return examples


def _is_begun(folder: Path, settings: dict[str, Any]) -> bool:
    path = folder / SETTINGS_NAME
    if not path.is_file():
        parts = [split for split in SPLITS if _examples(folder, split).parent.exists()]
        if parts:
            raise ConfigError(
                f"{folder} holds nsynth-{parts[0]} from elsewhere; name another folder"
            )
        return False
    found = json.loads(path.read_text(encoding="utf-8"))["settings"]
    differing = [f"{k}={found.get(k)} (asked: {v})" for k, v in settings.items() if found[k] != v]
    if differing:
        raise ConfigError(f"{folder} was made with {', '.join(differing)}; name another folder")
    return True


def _settings(
    settings: dict[str, Any], instruments: list[Instrument], left_out: list[str]
) -> dict[str, Any]:
    return {
        "settings": settings,
        "left_out": left_out,
        "instruments": {
            each.name: {
                "split": each.split,
                "font": each.font.name,
                "program": each.program.number,
                "preset": each.preset,
            }
            for each in instruments
        },
    }


def _report(folder: Path) -> NotesReport:
    counts = {}
    for split in SPLITS:
        examples = json.loads(_examples(folder, split).read_text(encoding="utf-8"))
        families = Counter(each["instrument_family_str"] for each in examples.values())
        counts[split] = dict(sorted(families.items()))
    made = json.loads((folder / SETTINGS_NAME).read_text(encoding="utf-8"))
    return NotesReport(folder, counts, made["left_out"])


def _examples(folder: Path, split: str) -> Path:
    return folder / f"nsynth-{split}" / "examples.json"


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(path)
