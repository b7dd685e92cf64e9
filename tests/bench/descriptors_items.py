"""Music whose key, tempo, meter, chords and range are known: rendered scores and made-up songs.

Scores are those of music21's corpus that the demo renders, from their first bar on. Their truth is
in the notation: the declared key, the one time signature, the tempo of the MIDI, and a chord
wherever what sounds is exactly a major or minor triad. Songs are loops of triads, one a bar, with
bass, drums and melody drawn by a seed: what the corpus lacks.

Times are seconds; notes are in quarter notes until they become MIDI.
"""

from __future__ import annotations

import io
import itertools
import json
import random
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipeline.catalog.rendered import _corpus, _sound_font
from pipeline.catalog.rendered_files import PEAK
from pipeline.catalog.rendered_music import (
    Excerpt,
    Voice,
    arrange,
    cut_excerpt,
    fit_octave,
    midi_bytes,
    mode_of,
)
from pipeline.catalog.rendered_programs import DRUMS, ENSEMBLES, PROGRAMS
from pipeline.catalog.rendered_scores import (
    MODAL,
    Note,
    ScoreRef,
    choose_scores,
    read_score,
    seeded,
)

CLIP_S = 30.0
RATE_HZ = 44_100
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TRIADS = {"maj": (0, 4, 7), "min": (0, 3, 7)}
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
LOOPS = {
    "major": (
        ((0, "maj"), (7, "maj"), (9, "min"), (5, "maj")),
        ((0, "maj"), (9, "min"), (5, "maj"), (7, "maj")),
        ((0, "maj"), (5, "maj"), (7, "maj"), (0, "maj")),
        ((0, "maj"), (4, "min"), (5, "maj"), (7, "maj")),
        ((2, "min"), (7, "maj"), (0, "maj"), (0, "maj")),
        ((0, "maj"), (5, "maj"), (0, "maj"), (7, "maj")),
    ),
    "minor": (
        ((0, "min"), (8, "maj"), (3, "maj"), (10, "maj")),
        ((0, "min"), (5, "min"), (7, "min"), (0, "min")),
        ((0, "min"), (10, "maj"), (8, "maj"), (7, "maj")),
        ((0, "min"), (5, "min"), (7, "maj"), (0, "min")),
        ((0, "min"), (8, "maj"), (5, "min"), (7, "maj")),
        ((0, "min"), (10, "maj"), (0, "min"), (7, "min")),
    ),
}
COMPS = (
    *("piano", "electric_piano", "nylon_guitar", "steel_guitar", "electric_guitar"),
    *("string_ensemble", "church_organ", "rock_organ", "warm_pad", "accordion", "harpsichord"),
)
BASSES = ("acoustic_bass", "electric_bass", "synth_bass")
LEADS = ("flute", "violin", "saw_lead", "alto_sax", "trumpet", "clarinet", "voice", "oboe")
KICK, SNARE, HIHAT = 36, 38, 42


@dataclass(frozen=True)
class Truth:
    """What is known of a piece of music; None where it is not.

    Attributes:
        item_id: of the score or song.
        kind: scores or songs.
        work: what stays on one side when items are parted.
        tonic: pitch class of the key, 0 is C.
        mode: major or minor.
        local: whether Krumhansl's profiles find that mode in the notes that are played.
        tempo_bpm: beats a minute, as the time signature has its beats.
        meter: the time signature.
        beats_per_bar: 2 and 4 are both 4 here: what is told apart is duple and triple.
        beats: times of the beats.
        chords: (start, end, label); X where what sounds is no triad.
        onset_hz: different times at which notes begin, a second.
        lowest: MIDI pitch.
        highest: MIDI pitch.
    """

    item_id: str
    kind: str
    work: str
    tonic: int | None
    mode: str | None
    local: bool
    tempo_bpm: float | None
    meter: str | None
    beats_per_bar: int | None
    beats: list[float]
    chords: list[tuple[float, float, str]]
    onset_hz: float
    lowest: int
    highest: int


class _First(random.Random):
    """Chooses the first: an excerpt from the beginning of a score."""

    def choice(self, seq):
        return seq[0]


def make_score(ref: ScoreRef, *, folder: Path, seed: int) -> Path | None:
    """Renders one score; None if it cannot be read or is silent."""
    name = f"scores-{ref.slug}"
    if (folder / f"{name}.json").exists():
        return folder / f"{name}.json"
    corpus, choice = _corpus(), seeded(seed, name)
    try:
        score, (key, meter) = read_score(corpus, ref), _notated(corpus, ref)
    except Exception as error:  # noqa: BLE001 - music21 fails on some files in its own ways
        print(f"{name}: {error!r}")
        return None
    tempo_bpm = choice.uniform(*ref.source.tempo_bpm)
    excerpt = cut_excerpt(score, length=CLIP_S * tempo_bpm / 60, choice=_First())
    voices = arrange(excerpt, choice.choice(ENSEMBLES[ref.source.texture]))
    quarter_s = 60 / tempo_bpm
    beat = _beat_quarters(meter) if meter else None
    beats = _beats(excerpt, beat=beat, bar=_bar_quarters(meter)) if beat else []
    tonic, mode = key if ref.source.name not in MODAL else (None, None)
    truth = Truth(
        item_id=name,
        kind="scores",
        work=ref.work,
        tonic=tonic,
        mode=mode,
        local=mode == mode_of(excerpt),
        tempo_bpm=tempo_bpm / beat if beat else None,
        meter=meter,
        beats_per_bar=_grouping(meter) if meter else None,
        beats=[at * quarter_s for at in beats],
        **_heard(voices, quarter_s=quarter_s),
    )
    return _write(truth, midi_bytes(voices, tempo_bpm=tempo_bpm, choice=choice), folder=folder)


def _notated(corpus: Path, ref: ScoreRef):
    """The declared key (tonic, mode) or (None, None), and the only time signature or None."""
    from music21 import converter

    from pipeline.catalog.rendered_scores import _tunes

    path = corpus / ref.path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if ref.tune is None:
            stream = converter.parse(path, forceSource=True, storePickle=False)
        else:
            stream = converter.parse(_tunes(path)[ref.tune], format="abc", forceSource=True)
    found = list(stream.recurse().getElementsByClass("Key"))
    key = (None, None)
    if found and found[0].mode in SCALES:
        key = (found[0].tonic.pitchClass, found[0].mode)
    meters = {m.ratioString for m in stream.recurse().getElementsByClass("TimeSignature")}
    meter = meters.pop() if len(meters) == 1 else None
    return key, meter


def _parts_of(meter: str) -> tuple[int, int]:
    above, below = meter.split("/")
    return int(above), int(below)


def _is_compound(meter: str) -> bool:
    above, _ = _parts_of(meter)
    return above > 3 and above % 3 == 0


def _beat_quarters(meter: str) -> float:
    _, below = _parts_of(meter)
    return 4 / below * (3 if _is_compound(meter) else 1)


def _bar_quarters(meter: str) -> float:
    above, below = _parts_of(meter)
    return 4 * above / below


def _grouping(meter: str) -> int | None:
    above, _ = _parts_of(meter)
    beats = above // 3 if _is_compound(meter) else above
    return {2: 4, 4: 4, 3: 3}.get(beats)


def _beats(excerpt: Excerpt, *, beat: float, bar: float) -> list[float]:
    """From the bars; an incomplete one (the upbeat) is counted from its end."""
    last = max(note.start + note.length for part in excerpt.parts for note in part)
    ends = (*excerpt.bars[1:], max(excerpt.bars[-1] + bar, last))
    beats = []
    for start, end in zip(excerpt.bars, ends, strict=True):
        if end - start < bar - 1e-6:
            count = int((end - start) / beat + 1e-6)
            beats += [end - beat * n for n in range(count, 0, -1)]
        else:
            beats += list(np.arange(start, end - 1e-6, beat))
    return [at for at in beats if 0 <= at < last]


def _heard(voices: list[Voice], *, quarter_s: float) -> dict:
    """What can be said of all pitched notes (and the onsets of the drums)."""
    pitched = [n for v in voices if v.program != DRUMS for n in v.notes]
    starts = np.unique(np.round([n.start * quarter_s for v in voices for n in v.notes], 2))
    long_enough = [n.pitch for n in pitched if n.length * quarter_s >= 0.1] or [0]
    return {
        "chords": _triads(pitched, quarter_s=quarter_s),
        "onset_hz": len(starts[starts < CLIP_S]) / CLIP_S,
        "lowest": min(long_enough),
        "highest": max(long_enough),
    }


def _triads(notes: list[Note], *, quarter_s: float) -> list[tuple[float, float, str]]:
    known = {
        frozenset((root + step) % 12 for step in steps): f"{NAMES[root]}:{quality}"
        for quality, steps in TRIADS.items()
        for root in range(12)
    }
    edges = sorted(
        {round(n.start, 4) for n in notes} | {round(n.start + n.length, 4) for n in notes}
    )
    spans: list[tuple[float, float, str]] = []
    ordered = sorted(notes)
    for start, end in itertools.pairwise(edges):
        if end - start < 1e-3 or start * quarter_s >= CLIP_S:
            continue
        middle = (start + end) / 2
        sounding = frozenset(
            n.pitch % 12 for n in ordered if n.start <= middle < n.start + n.length
        )
        label = "N" if not sounding else known.get(sounding, "X")
        if spans and spans[-1][2] == label:
            spans[-1] = (spans[-1][0], min(CLIP_S, end * quarter_s), label)
        else:
            spans.append((start * quarter_s, min(CLIP_S, end * quarter_s), label))
    return spans


def make_song(number: int, *, folder: Path, seed: int) -> Path:
    """Writes one song."""
    name = f"songs-{number:03d}"
    if (folder / f"{name}.json").exists():
        return folder / f"{name}.json"
    choice = seeded(seed, name)
    mode, tonic = choice.choice(("major", "minor")), choice.randrange(12)
    meter = choice.choice(("4/4", "4/4", "4/4", "3/4", "3/4", "6/8"))
    beat, bar = _beat_quarters(meter), _bar_quarters(meter)
    beat_bpm = choice.uniform(50, 110) if meter == "6/8" else choice.uniform(60, 170)
    tempo_bpm = beat_bpm * beat
    quarter_s = 60 / tempo_bpm
    loop, num_bars = choice.choice(LOOPS[mode]), int(np.ceil(CLIP_S / quarter_s / bar))
    chords = [((tonic + loop[b % 4][0]) % 12, loop[b % 4][1]) for b in range(num_bars)]
    voices = _band(choice, chords=chords, tonic=tonic, mode=mode, meter=meter)
    ends = [min(CLIP_S, (b + 1) * bar * quarter_s) for b in range(num_bars)]
    spans = [
        (b * bar * quarter_s, ends[b], f"{NAMES[root]}:{quality}")
        for b, (root, quality) in enumerate(chords)
        if b * bar * quarter_s < CLIP_S
    ]
    truth = Truth(
        item_id=name,
        kind="songs",
        work=name,
        tonic=tonic,
        mode=mode,
        local=True,
        tempo_bpm=beat_bpm,
        meter=meter,
        beats_per_bar=_grouping(meter),
        beats=[float(at) for at in np.arange(0, CLIP_S, beat * quarter_s)],
        **(_heard(voices, quarter_s=quarter_s) | {"chords": spans}),
    )
    return _write(truth, midi_bytes(voices, tempo_bpm=tempo_bpm, choice=choice), folder=folder)


def _band(choice, *, chords, tonic, mode, meter) -> list[Voice]:
    beat, bar = _beat_quarters(meter), _bar_quarters(meter)
    comp = choice.choice(COMPS)
    voices = [Voice(comp, _comp(choice, chords=chords, beat=beat, bar=bar))]
    if choice.random() < 0.8:
        bass = choice.choice(BASSES)
        voices.append(Voice(bass, _bass(choice, chords=chords, beat=beat, bar=bar)))
    if choice.random() < 0.7:
        lead = choice.choice(LEADS)
        notes = _melody(choice, chords=chords, tonic=tonic, mode=mode, beat=beat, bar=bar)
        voices.append(Voice(lead, fit_octave(notes, PROGRAMS[lead])))
    if choice.random() < 0.6:
        voices.append(Voice(DRUMS, _drums(choice, num_bars=len(chords), meter=meter)))
    return voices


def _comp(choice, *, chords, beat, bar) -> tuple[Note, ...]:
    style, turn = choice.choice(("held", "beats", "arpeggio")), choice.randrange(3)
    notes = []
    for b, (root, quality) in enumerate(chords):
        pitches = sorted(
            48 + (root + step) % 12 + (12 if i < turn else 0)
            for i, step in enumerate(TRIADS[quality])
        )
        if style == "held":
            notes += [Note(b * bar, bar, pitch) for pitch in pitches]
        elif style == "beats":
            times = np.arange(0, bar - 1e-6, beat)
            notes += [Note(b * bar + at, 0.9 * beat, p) for at in times for p in pitches]
        else:
            times = np.arange(0, bar - 1e-6, 0.5)
            notes += [Note(b * bar + at, 0.5, pitches[i % 3]) for i, at in enumerate(times)]
    return tuple(notes)


def _bass(choice, *, chords, beat, bar) -> tuple[Note, ...]:
    every = choice.choice((beat, bar))
    return tuple(
        Note(b * bar + at, every * 0.95, 28 + (root - 4) % 12)
        for b, (root, _) in enumerate(chords)
        for at in np.arange(0, bar - 1e-6, every)
    )


def _melody(choice, *, chords, tonic, mode, beat, bar) -> tuple[Note, ...]:
    notes, pitch = [], 72
    scale = {(tonic + step) % 12 for step in SCALES[mode]}
    for b, (root, quality) in enumerate(chords):
        triad = {(root + step) % 12 for step in TRIADS[quality]}
        at = 0.0
        while at < bar - 1e-6:
            length = min(choice.choice((0.5, 0.5, 1.0, 1.0, beat)), bar - at)
            strong = abs(at / beat - round(at / beat)) < 1e-6
            allowed = triad if strong and choice.random() < 0.8 else scale
            near = [p for p in range(pitch - 7, pitch + 8) if p % 12 in allowed and 60 <= p <= 88]
            pitch = choice.choice(near)
            if choice.random() < 0.9:
                notes.append(Note(b * bar + at, length * 0.95, pitch))
            at += length
    return tuple(notes)


def _drums(choice, *, num_bars: int, meter: str) -> tuple[Note, ...]:
    kicks, snares, hats = {
        "4/4": choice.choice(
            [((0, 2), (1, 3), 0.5), ((0, 1.5, 2), (1, 3), 0.5), ((0, 1, 2, 3), (1, 3), 1)]
        ),
        "3/4": choice.choice([((0,), (1, 2), 1), ((0,), (2,), 0.5)]),
        "6/8": ((0,), (1.5,), 0.5),
    }[meter]
    bar = _bar_quarters(meter)
    notes = []
    for b in range(num_bars):
        notes += [Note(b * bar + at, 0.25, KICK) for at in kicks]
        notes += [Note(b * bar + at, 0.25, SNARE) for at in snares]
        notes += [Note(b * bar + float(at), 0.25, HIHAT) for at in np.arange(0, bar - 1e-6, hats)]
    return tuple(notes)


def _write(truth: Truth, midi: bytes, *, folder: Path) -> Path | None:
    import midirenderer

    sound = midirenderer.render_wave_from(_sound_font(), midi)
    wave_TC, rate = soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)
    wave_TC = soxr.resample(wave_TC, rate, RATE_HZ)[: round(CLIP_S * RATE_HZ)]
    peak = float(np.abs(wave_TC).max(initial=0.0))
    if not peak:
        return None
    soundfile.write(folder / f"{truth.item_id}.flac", wave_TC * PEAK / peak, RATE_HZ)
    path = folder / f"{truth.item_id}.json"
    path.write_text(json.dumps(asdict(truth)))
    return path


def scores(num_scores: int, *, seed: int) -> list[ScoreRef]:
    """The first scores of the demo's order."""
    refs = choose_scores(_corpus(), seed=seed)
    return [ref for ref, _ in zip(refs, range(num_scores), strict=False)]
