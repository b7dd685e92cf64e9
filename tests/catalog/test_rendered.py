"""The rendered catalog: its plan, its music and, where the extra is installed, its files."""

from __future__ import annotations

import importlib.util
import io
import itertools
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from tinytag import TinyTag

from pipeline.audio.decode import DecodeLimits, Decoder
from pipeline.catalog import rendered
from pipeline.catalog.rendered import render_catalog
from pipeline.catalog.rendered_files import (
    ENCODINGS,
    HALF,
    PEAK,
    STUB,
    broken_files,
    encode,
    shape_wave,
)
from pipeline.catalog.rendered_music import (
    Excerpt,
    arrange,
    cut_excerpt,
    fit_octave,
    midi_bytes,
    mode_of,
)
from pipeline.catalog.rendered_plan import plan_jobs
from pipeline.catalog.rendered_programs import (
    DRUMS,
    ENSEMBLES,
    PROGRAMS,
    Ensemble,
    instrument_labels,
)
from pipeline.catalog.rendered_scores import Note, Score, ScoreRef, Source, Texture
from pipeline.errors import ConfigError, DataError, Reason
from pipeline.taxonomy import Taxonomy

has_extra = all(importlib.util.find_spec(name) for name in rendered._PACKAGES)
needs_extra = pytest.mark.skipif(not has_extra, reason="skipped: the extra demo is not installed")


def scale(*, bars: int, steps: tuple[int, ...] = (0, 2, 4, 5, 7, 9, 11, 12)) -> Score:
    """One part that goes up and down a scale, a bar of four quarters, after one bar of rest."""
    notes = tuple(Note(4.0 + i, 1.0, 60 + steps[i % len(steps)]) for i in range(4 * bars - 4))
    return Score("Scale", "Nobody", "major", tuple(4.0 * i for i in range(bars + 1)), (notes,))


@given(bars=st.integers(2, 40), length=st.floats(2, 200), seed=st.integers(0, 9))
def test_an_excerpt_starts_with_an_onset_and_fills_its_length(bars, length, seed):
    excerpt = cut_excerpt(scale(bars=bars), length=length, choice=random.Random(seed))
    notes = excerpt.parts[0]
    assert notes[0].start == 0.0
    assert max(note.start + note.length for note in notes) == pytest.approx(length)
    gaps = [b.start - a.start for a, b in itertools.pairwise(notes)]
    assert gaps == pytest.approx([1.0] * len(gaps))


@given(st.lists(st.integers(20, 110), min_size=1), st.sampled_from(sorted(PROGRAMS)))
def test_a_part_moves_by_octaves_and_never_further_out_of_range(pitches, name):
    program = PROGRAMS[name]
    notes = tuple(Note(i, 1.0, pitch) for i, pitch in enumerate(pitches))
    moved = fit_octave(notes, program)
    shifts = {after.pitch - before.pitch for before, after in zip(notes, moved, strict=True)}
    assert len(shifts) == 1
    assert shifts.pop() % 12 == 0

    def outside(part):
        return sum(not program.lowest <= note.pitch <= program.highest for note in part)

    assert outside(moved) <= outside(notes)


def test_parts_go_to_the_programs_in_order_and_silent_parts_are_left_out():
    parts = tuple((Note(0.0, 4.0, pitch),) if pitch else () for pitch in (72, 67, 64, 60, 48, 0))
    quartet = Ensemble("quartet", ("violin", "violin", "viola", "cello"))
    voices = arrange(Excerpt((0.0,), parts), quartet)
    assert [voice.program for voice in voices] == ["violin", "violin", "violin", "viola", "viola"]


def test_added_parts_hold_the_first_note_of_each_bar_and_beat_the_bar():
    excerpt = cut_excerpt(scale(bars=5), length=16.0, choice=random.Random(0))
    band = Ensemble("band", ("saw_lead",), ("synth_bass", DRUMS))
    lead, bass, drums = arrange(excerpt, band)
    assert [note.start for note in bass.notes] == list(excerpt.bars) == [0.0, 4.0, 8.0, 12.0]
    firsts = [note.pitch % 12 for note in lead.notes if note.start in excerpt.bars]
    assert [note.pitch % 12 for note in bass.notes] == firsts
    assert {note.pitch for note in drums.notes} == {36, 38, 42}


@pytest.mark.parametrize(
    ("mode", "steps"),
    [("major", (0, 4, 7, 5, 9, 7, 11, 0)), ("minor", (0, 3, 7, 5, 8, 7, 2, 0))],
)
def test_the_mode_is_heard_from_the_pitches(mode, steps):
    excerpt = cut_excerpt(scale(bars=9, steps=steps), length=24.0, choice=random.Random(0))
    assert mode_of(excerpt) == mode


def test_labels_name_families_and_programs_once():
    labels = instrument_labels(["violin", "cello", "violin", DRUMS, "harp"])
    assert labels == [
        "instrument---drums",
        "instrument---harp",
        "instrument---strings",
        "program---cello",
        "program---harp",
        "program---violin",
    ]
    Taxonomy("labels", tuple(instrument_labels(PROGRAMS)))


def test_every_ensemble_plays_known_programs_and_every_program_is_played():
    played = {
        name
        for group in ENSEMBLES.values()
        for ensemble in group
        for name in ensemble.programs + ensemble.added
    }
    assert played == set(PROGRAMS)


def test_movements_of_one_folder_are_one_work_and_tunes_of_one_file_are_not():
    quartets = Source("haydn", "haydn/*/*.mxl", Texture.VOICES, "Joseph Haydn", (90, 130))
    tunes = Source("aird", "airdsAirs/*.abc", Texture.MELODY, "Traditional", (90, 130))
    first = ScoreRef(quartets, "haydn/opus1no1/movement1.mxl", None)
    second = ScoreRef(quartets, "haydn/opus1no1/movement2.mxl", None)
    assert first.work == second.work
    assert first.slug != second.slug
    works = {ScoreRef(tunes, "airdsAirs/book1.abc", tune).work for tune in range(3)}
    assert len(works) == 3


def corpus_of_tunes(folder: Path) -> Path:
    """A corpus with 40 tunes, and three movements of one work."""
    (folder / "airdsAirs").mkdir()
    tunes = [f"X:{i}\nT:Air {i}\nM:4/4\nL:1/4\nK:D\n" + "DEFG|ABcd|" * 8 for i in range(40)]
    (folder / "airdsAirs" / "book1.abc").write_text("\n\n".join(tunes))
    (folder / "mozart" / "k155").mkdir(parents=True)
    for i in (1, 2, 3):
        (folder / "mozart" / "k155" / f"movement{i}.mxl").touch()
    return folder


def test_a_work_is_in_one_split_and_track_ids_are_unique(tmp_path):
    jobs = plan_jobs(corpus_of_tunes(tmp_path), num_tracks=100, seed=0)
    ids = [rendering.track_id for job in jobs for rendering in job.renderings]
    assert len(ids) == len(set(ids)) == 100
    splits_of: dict[str, set[str]] = {}
    for job in jobs:
        splits_of.setdefault(job.ref.work, set()).add(job.split)
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert len(splits_of["mozart/k155"]) == 1
    assert {split for splits in splits_of.values() for split in splits} == {
        "train",
        "validation",
        "test",
    }


def test_the_same_seed_gives_the_same_plan_and_another_seed_another(tmp_path):
    corpus = corpus_of_tunes(tmp_path)
    plan = plan_jobs(corpus, num_tracks=20, seed=3)
    assert plan == plan_jobs(corpus, num_tracks=20, seed=3)
    assert plan != plan_jobs(corpus, num_tracks=20, seed=4)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_a_file_has_the_asked_length_rate_channels_and_tags(tmp_path, encoding):
    sine = np.sin(np.arange(48000) * 0.05, dtype=np.float32)
    wave_TC = shape_wave(
        np.stack([sine, 0.5 * sine], axis=1), rate=48000, encoding=encoding, length_s=1.5
    )
    assert np.abs(wave_TC).max() == pytest.approx(PEAK, rel=1e-5)
    data = encode(wave_TC, encoding=encoding, title="Étude", artist="Frédéric Chopin")
    path = tmp_path / f"track.{encoding.extension}"
    path.write_bytes(data)
    info = soundfile.info(path)
    assert (info.samplerate, info.channels) == (encoding.sample_rate, encoding.num_channels)
    assert info.duration == pytest.approx(1.5, abs=0.001)
    tags = TinyTag.get(path)
    accents = encoding.extension != "mp3"
    assert tags.title == ("Étude" if accents else "Etude")
    assert tags.artist == ("Frédéric Chopin" if accents else "Frederic Chopin")


def test_each_broken_file_has_its_own_reason_and_half_a_file_is_still_used():
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (22050 * 10, 1)).astype(np.float32)
    limits = DecodeLimits(min_s=1.0, max_s=600.0, timeout_s=60.0, memory_bytes=2**30)
    reasons = {}
    with Decoder(sample_rate=16000, limits=limits) as decoder:
        for name, data in broken_files(noise, sample_rate=22050, artist="Nobody").items():
            try:
                wave = decoder.decode(data)
            except DataError as error:
                reasons[name] = error.reason
            else:
                reasons[name] = wave.flaw
                assert name == HALF
                assert 3.0 < wave.duration_s < 7.0
    assert reasons == {
        "broken-empty.mp3": Reason.EMPTY,
        "broken-html.mp3": Reason.NOT_AUDIO,
        HALF: Reason.TRUNCATED,
        STUB: Reason.TRUNCATED,
        "broken-short.wav": Reason.TOO_SHORT,
        "broken-nan.wav": Reason.NON_FINITE,
    }


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(rendered, "_PACKAGES", ("music21_that_nobody_installed",))
    with pytest.raises(ConfigError, match=r"pip install earmark\[demo\]"):
        render_catalog(tmp_path)


@needs_extra
def test_midi_holds_each_voice_on_its_program():
    import pretty_midi

    excerpt = cut_excerpt(scale(bars=5), length=16.0, choice=random.Random(0))
    voices = arrange(excerpt, Ensemble("band", ("sitar",), ("warm_pad", DRUMS)))
    data = midi_bytes(voices, tempo_bpm=120, choice=random.Random(0))
    midi = pretty_midi.PrettyMIDI(io.BytesIO(data))
    programs = [PROGRAMS[name].number for name in ("sitar", "warm_pad")]
    assert [part.program for part in midi.instruments if not part.is_drum] == programs
    assert [part.is_drum for part in midi.instruments].count(True) == 1
    assert midi.get_end_time() == pytest.approx(8.0, abs=0.01)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A catalog of four tracks of two seconds."""
    folder = tmp_path_factory.mktemp("rendered")
    return render_catalog(folder, num_tracks=4, clip_s=2.0, num_processes=1)


@needs_extra
def test_a_catalog_has_its_tracks_and_six_broken_files(tiny):
    rows = pq.read_table(tiny).to_pylist()
    assert len(rows) == 10
    for row in rows[:4]:
        wave, sample_rate = soundfile.read(tiny.parent / row["uri"])
        assert len(wave) == 2 * sample_rate
        assert np.abs(wave[: sample_rate // 2]).max() > 0.01
        assert any(label.startswith("instrument---") for label in row["labels"])
    assert all((tiny.parent / row["uri"]).exists() for row in rows[4:])


@needs_extra
def test_a_complete_catalog_is_left_alone_and_other_values_are_refused(tiny):
    before = tiny.stat().st_mtime_ns
    assert render_catalog(tiny.parent, num_tracks=4, clip_s=2.0) == tiny
    assert tiny.stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="num_tracks=4"):
        render_catalog(tiny.parent, num_tracks=5, clip_s=2.0)


@needs_extra
def test_the_same_seed_gives_the_same_table_and_sound_with_any_number_of_processes(tiny, tmp_path):
    again = render_catalog(tmp_path, num_tracks=4, clip_s=2.0, num_processes=2)
    rows = pq.read_table(tiny).to_pylist()
    assert pq.read_table(again).to_pylist() == rows
    for row in rows[:4]:
        first, _ = soundfile.read(tiny.parent / row["uri"])
        second, _ = soundfile.read(again.parent / row["uri"])
        np.testing.assert_array_equal(first, second)
