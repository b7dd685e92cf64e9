"""Rendered notes: their plan, their sound and NSynth's layout, with sound fonts made here."""

from __future__ import annotations

import importlib.util
import itertools
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jobs.render_notes import main
from pipeline.audio.librosa_once import librosa
from pipeline.catalog import rendered_notes_fonts
from pipeline.catalog.rendered_notes import render_notes
from pipeline.catalog.rendered_notes_fonts import fetch_test_font, train_font
from pipeline.catalog.rendered_notes_plan import VELOCITIES, Grid, plan_instruments
from pipeline.catalog.rendered_notes_programs import FAMILIES, NOTE_PROGRAMS, SOURCES
from pipeline.catalog.rendered_notes_sound import (
    NOTE_SAMPLES,
    PEAK,
    QUALITIES,
    SAMPLE_RATE,
    are_one_recording,
    is_silent,
    level,
    qualities_of,
    render_notes_of,
    similarity,
)
from pipeline.catalog.rendered_notes_soundfont import Font, read_font
from pipeline.errors import ConfigError

has_extra = all(importlib.util.find_spec(name) for name in ("pretty_midi", "midirenderer"))
needs_extra = pytest.mark.skipif(not has_extra, reason="skipped: the extra demo is not installed")

PERIOD, NUM_PERIODS = 100, 20  # a looped tone of 440 Hz at 44 kHz


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def tone(*harmonics: float) -> bytes:
    phase = 2 * np.pi * np.arange(PERIOD * NUM_PERIODS) / PERIOD
    wave = sum(level * np.sin((i + 1) * phase) for i, level in enumerate(harmonics))
    return (np.asarray(wave) * 8000).astype("<i2").tobytes() + bytes(2 * 46)


def write_font(path: Path, programs: dict[int, bytes], *, bank: int = 0) -> Path:
    """A SoundFont with one looped sample a program; equal samples are stored once."""
    stored = list(dict.fromkeys(programs.values()))
    starts = np.cumsum([0, *(len(data) // 2 for data in stored)])
    phdr, pbag, pgen, inst, ibag, igen = b"", b"", b"", b"", b"", b""
    for i, (program, data) in enumerate(programs.items()):
        phdr += struct.pack("<20s3H12x", b"Preset %d" % program, program, bank, i)
        pbag += struct.pack("<2H", i, 0)
        pgen += struct.pack("<2H", 41, i)
        inst += struct.pack("<20sH", b"Instrument", i)
        ibag += struct.pack("<2H", 2 * i, 0)
        igen += struct.pack("<4H", 54, 1, 53, stored.index(data))
    num = len(programs)
    shdr = b"".join(
        struct.pack(
            "<20s5IBbHH",
            *(b"Sample", start, end - 46, start + PERIOD, end - 46 - PERIOD, 44_000, 69, 0, 0, 1),
        )
        for start, end in itertools.pairwise(starts)
    )
    pdta = (
        (b"phdr", phdr + struct.pack("<20s3H12x", b"EOP", 0, 0, num)),
        (b"pbag", pbag + struct.pack("<2H", num, 0)),
        (b"pmod", bytes(10)),
        (b"pgen", pgen + bytes(4)),
        (b"inst", inst + struct.pack("<20sH", b"EOI", num)),
        (b"ibag", ibag + struct.pack("<2H", 2 * num, 0)),
        (b"imod", bytes(10)),
        (b"igen", igen + bytes(4)),
        (b"shdr", shdr + struct.pack("<20s26x", b"EOS")),
    )
    info = chunk(b"ifil", struct.pack("<2H", 2, 1)) + chunk(b"INAM", b"Made\0\0")
    content = b"sfbk" + chunk(b"LIST", b"INFO" + info)
    content += chunk(b"LIST", b"sdta" + chunk(b"smpl", b"".join(stored)))
    content += chunk(b"LIST", b"pdta" + b"".join(chunk(*each) for each in pdta))
    path.write_bytes(chunk(b"RIFF", content))
    return path


@pytest.fixture(scope="module")
def fonts(tmp_path_factory):
    """A font to learn from, and one to test: its flute is the first font's, its tuba is silent."""
    folder = tmp_path_factory.mktemp("fonts")
    learnt = {
        0: tone(1, 0.5),
        3: tone(1, 0.5),
        6: tone(0.2, 1),
        8: tone(1),
        10: tone(0.3, 0.2, 1),
        73: tone(1, 0.1, 0.7),
        58: tone(1, 1, 1),
        118: tone(1),
    }
    tested = {0: tone(0.1, 0.1, 1), 73: tone(1, 0.1, 0.7), 58: bytes(len(tone(1)))}
    return write_font(folder / "learn.sf2", learnt), write_font(folder / "test.sf2", tested)


def test_the_programs_are_in_nsynths_terms():
    assert {program.family for program in NOTE_PROGRAMS.values()} == set(FAMILIES)
    assert {program.source for program in NOTE_PROGRAMS.values()} == set(SOURCES)
    assert all(21 <= p.lowest < p.highest <= 108 for p in NOTE_PROGRAMS.values())
    assert FAMILIES.index("synth_lead") == 9


def test_a_font_tells_its_programs_and_which_of_them_share_recordings(fonts):
    font = read_font(fonts[0])
    assert font.presets[73] == "Preset 73"
    assert font.recordings[0] == font.recordings[3] != font.recordings[6]


def test_what_is_no_font_is_refused(tmp_path, fonts):
    with pytest.raises(ConfigError, match="no sound font at"):
        read_font(tmp_path / "absent.sf2")
    broken = tmp_path / "broken.sf2"
    for data in (b"", b"RIFF", b"<html>not found</html>", fonts[0].read_bytes()[:-500]):
        broken.write_bytes(data)
        with pytest.raises(ConfigError, match="not a whole file"):
            read_font(broken)
    with pytest.raises(ConfigError, match="bank 0"):
        read_font(write_font(tmp_path / "drums.sf2", {0: tone(1)}, bank=128))


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install earmark\[demo\]"):
        train_font()


def test_without_apt_the_option_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(rendered_notes_fonts, "_INSTALLED", tmp_path / "absent.sf2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no apt-get here.*--test-font"):
        fetch_test_font(tmp_path)


def test_an_installed_test_font_of_another_content_is_refused(tmp_path, monkeypatch):
    (tmp_path / "other.sf2").write_bytes(b"other")
    monkeypatch.setattr(rendered_notes_fonts, "_INSTALLED", tmp_path / "other.sf2")
    with pytest.raises(ConfigError, match="SHA-256"):
        fetch_test_font(tmp_path)


def general_midi(name: str) -> Font:
    """A font of all programs, in which each plays a recording of its own."""
    numbers = range(128)
    recordings = {number: frozenset({f"{name}-{number}"}) for number in numbers}
    return Font(Path(name), name, {number: f"{name} {number}" for number in numbers}, recordings)


@settings(deadline=None, max_examples=30)
@given(
    shared=st.lists(st.sets(st.sampled_from(sorted(NOTE_PROGRAMS)), min_size=2), max_size=6),
    seed=st.integers(0, 99),
)
def test_no_recording_is_in_two_splits_and_train_keeps_half_of_each_family(shared, seed):
    font = general_midi("learn")
    for i, programs in enumerate(shared):
        for number in programs:
            font.recordings[number] |= {f"shared-{i}"}
    plan = plan_instruments([font], general_midi("test"), grid=Grid(12, 4, seed))
    heard = {
        split: {r for i in plan if i.split == split for r in font.recordings[i.program.number]}
        for split in ("train", "valid")
    }
    assert not heard["train"] & heard["valid"]
    assert {i.program.family for i in plan if i.split == "train"} == set(FAMILIES)


@settings(deadline=None, max_examples=30)
@given(step=st.integers(1, 24), velocity_step=st.integers(1, 5), seed=st.integers(0, 9))
def test_names_and_numbers_are_unique_and_notes_are_of_the_grid(step, velocity_step, seed):
    fonts = [general_midi("a"), general_midi("b")]
    plan = plan_instruments(
        fonts, general_midi("c"), grid=Grid(step, velocity_step, seed), left_out={0}
    )
    assert [i.number for i in plan] == list(range(len(plan)))
    assert len({i.name for i in plan}) == len(plan)
    starts = [i.first_note for i in plan] + [plan[-1].first_note + len(plan[-1].notes)]
    assert [b - a for a, b in itertools.pairwise(starts)] == [len(i.notes) for i in plan]
    for each in plan:
        assert each.notes
        assert each.program.number != 0 or each.split != "test"
        for pitch, velocity in each.notes:
            assert each.program.lowest <= pitch <= each.program.highest
            assert velocity in VELOCITIES
    assert {i.split for i in plan if i.font == Path("c")} == {"test"}
    assert {i.split for i in plan if i.font != Path("c")} == {"train", "valid"}


@settings(deadline=None)
@given(arrays.arrays(np.float32, (3, 50), elements=st.floats(-0.5, 0.5, width=16)))
def test_levelling_brings_the_loudest_note_to_the_peak_and_keeps_the_balance(waves_NT):
    levelled_NT = level(waves_NT)
    peaks, before = np.abs(levelled_NT).max(1), np.abs(waves_NT).max(1)
    if before.max() == 0:
        assert is_silent(levelled_NT[0])
    else:
        assert peaks.max() == pytest.approx(PEAK, rel=1e-5)
        np.testing.assert_allclose(peaks * before.max(), before * peaks.max(), rtol=1e-5)


def shaped(*, held_db: float, end_db: float) -> np.ndarray:
    """Noise that falls by `held_db` while held and then to `end_db` at its end."""
    times = np.arange(NOTE_SAMPLES) / SAMPLE_RATE
    fall_db = np.interp(times, [0, 3, 4], [0, held_db, end_db])
    noise = np.random.default_rng(0).uniform(-1, 1, NOTE_SAMPLES)
    return (noise * 10 ** (fall_db / 20)).astype(np.float32)


@pytest.mark.parametrize(
    ("held_db", "end_db", "qualities"),
    [
        (0, -60, []),
        (-10, -15, ["long_release"]),
        (-30, -90, ["fast_decay"]),
        (-30, -40, ["fast_decay", "long_release"]),
        (-80, -85, ["fast_decay"]),
    ],
)
def test_decay_and_release_are_measured(held_db, end_db, qualities):
    wave_T = shaped(held_db=held_db, end_db=end_db)
    assert qualities_of(wave_T, distorted=False) == qualities
    assert qualities_of(wave_T, distorted=True) == ["distortion", *qualities]


def test_a_wave_is_similar_to_its_shifted_self_and_not_to_another():
    noise = np.random.default_rng(0).standard_normal((2, 16_000)).astype(np.float32)
    assert similarity(noise[0], np.roll(noise[0], 300) * 0.1) > 0.95
    assert similarity(noise[0], noise[1]) < 0.1
    assert similarity(noise[0], noise[1] * 0) == 0.0


@needs_extra
@pytest.mark.parametrize("program", [0, 40, 56, 73])
def test_a_note_of_the_shipped_font_has_the_pitch_that_it_says_and_does_not_clip(program):
    pitches = (60, 67, 76)
    waves_NT = render_notes_of(
        program, font=train_font(), notes=tuple((pitch, 127) for pitch in pitches)
    )
    assert waves_NT.shape == (3, NOTE_SAMPLES)
    assert 0.02 < np.abs(waves_NT).max() < 0.95
    for pitch, wave_T in zip(pitches, waves_NT, strict=True):
        heard_hz = librosa.yin(wave_T[1600:16_000], fmin=150, fmax=1500, sr=SAMPLE_RATE)
        assert np.median(librosa.hz_to_midi(heard_hz)) == pytest.approx(pitch, abs=0.3)


@needs_extra
def test_notes_of_one_call_do_not_touch_each_other(fonts):
    notes = ((60, 127), (72, 25), (48, 100))
    together_NT = render_notes_of(0, font=fonts[0], notes=notes)
    for note, wave_T in zip(notes, together_NT, strict=True):
        (alone_T,) = render_notes_of(0, font=fonts[0], notes=(note,))
        assert similarity(wave_T, alone_T) > 0.99  # it may start a block earlier or later
        assert np.abs(wave_T).max() == pytest.approx(np.abs(alone_T).max(), rel=0.02)
    assert np.abs(together_NT[:, : round(2.9 * SAMPLE_RATE)]).max(axis=1).min() > 0.001
    assert np.abs(together_NT[:, round(3.5 * SAMPLE_RATE) :]).max() < 0.001


@needs_extra
def test_one_recording_is_recognised_in_two_fonts(fonts):
    learn, test = fonts
    assert are_one_recording(73, font=test, other=learn, pitches=(60,))
    assert not are_one_recording(0, font=test, other=learn, pitches=(60,))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory, fonts):
    """A folder of notes of the made fonts."""
    folder = tmp_path_factory.mktemp("notes")
    return folder, render_notes(folder, **values(fonts))


def values(fonts, *, seed=0):
    return {
        "grid": Grid(24, 2, seed),
        "train_fonts": (str(fonts[0]),),
        "test_font": str(fonts[1]),
        "num_processes": 1,
    }


@needs_extra
def test_the_folder_is_as_nsynths_authors_left_it(rendered):
    folder, report = rendered
    for split in ("train", "valid", "test"):
        examples = json.loads((folder / f"nsynth-{split}" / "examples.json").read_text())
        files = {path.stem for path in (folder / f"nsynth-{split}" / "audio").iterdir()}
        assert files == set(examples)
        assert sum(report.counts[split].values()) == len(examples) > 0
        for name, each in examples.items():
            info = soundfile.info(folder / f"nsynth-{split}" / "audio" / f"{name}.wav")
            assert (info.frames, info.samplerate, info.channels) == (64_000, 16_000, 1)
            assert info.subtype == "PCM_16"
            number = each["instrument_str"].rpartition("_")[2]
            kind = f"{each['instrument_family_str']}_{each['instrument_source_str']}"
            assert name == each["note_str"]
            assert name == f"{kind}_{number}-{each['pitch']:03d}-{each['velocity']:03d}"
            assert FAMILIES[each["instrument_family"]] == each["instrument_family_str"]
            assert SOURCES[each["instrument_source"]] == each["instrument_source_str"]
            set_ones = [q for q, one in zip(QUALITIES, each["qualities"], strict=True) if one]
            assert set_ones == each["qualities_str"]
            assert each["sample_rate"] == 16_000
            assert isinstance(each["note"], int)
            assert isinstance(each["instrument"], int)


@needs_extra
def test_silent_notes_are_dropped_and_known_recordings_left_out_of_test(rendered):
    _, report = rendered
    assert set(report.counts["test"]) == {"keyboard"}
    assert report.left_out == ["Preset 73"]
    assert "left out of test, not new: Preset 73" in report.lines()[-1]


@needs_extra
def test_a_complete_folder_is_left_alone_and_other_values_are_refused(rendered, fonts):
    folder, report = rendered
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert render_notes(folder, **values(fonts)) == report
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    with pytest.raises(ConfigError, match=r"seed=0 \(asked: 1\)"):
        render_notes(folder, **values(fonts, seed=1))


@needs_extra
@pytest.mark.long
def test_a_folder_that_was_cut_off_is_completed_to_the_same_files(rendered, fonts, tmp_path):
    folder, _ = rendered
    again = tmp_path / "again"
    render_notes(again, **values(fonts))
    (again / "nsynth-valid" / "examples.json").unlink()
    render_notes(again, **values(fonts) | {"num_processes": 2})
    for path in folder.rglob("*.*"):
        assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes()


@needs_extra
def test_a_real_nsynth_is_never_written_over(tmp_path, fonts):
    (tmp_path / "nsynth-train").mkdir()
    line = [str(tmp_path), "--train-font", str(fonts[0]), "--test-font", str(fonts[1])]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 1
    assert "from elsewhere" in result.output


@needs_extra
def test_a_test_font_without_new_instruments_is_refused(tmp_path, fonts):
    with pytest.raises(ConfigError, match="no new instrument"):
        render_notes(tmp_path, **values(fonts) | {"test_font": str(fonts[0])})
    assert not list(tmp_path.iterdir())
