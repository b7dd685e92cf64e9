"""Mels equal torchaudio's and librosa's, and no block size or batch changes them.

librosa pads with zeros since 0.10; the networks were trained on 0.7's reflection, hence pad_mode.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.frontend import FRONTENDS, Compression, Frontend, FrontendSpec
from pipeline.audio.librosa_once import librosa
from pipeline.errors import ConfigError

RATE = 16_000
MELS = sorted(set(FRONTENDS) - {"wave-16k"})
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def music(seconds: float) -> np.ndarray:
    """Chords that fade, a beat, and noise 60 dB below: 120 dB of range between bands."""
    times = np.arange(round(seconds * RATE)) / RATE
    wave_T = np.random.default_rng(0).standard_normal(len(times)) * 1e-3
    for index, hz in enumerate((110.0, 220.0, 277.2, 329.6, 1760.0, 5274.0)):
        fade = np.exp(-3 * np.mod(times + index / 7, 0.5))
        wave_T += 0.15 * fade * np.sin(2 * np.pi * hz * times)
    wave_T += 0.3 * np.exp(-60 * np.mod(times, 0.5)) * np.sin(2 * np.pi * 55 * times)
    return wave_T.astype(np.float32)


def reference_file() -> np.ndarray:
    path = SHARED / "golden" / "signal_16k.flac"
    if not path.exists():
        pytest.skip("skipped: no reference files")
    return soundfile.read(path, dtype="float32")[0]


@pytest.fixture(name="wave_T", params=["music", "reference file"])
def _wave(request) -> np.ndarray:
    return music(7.3) if request.param == "music" else reference_file()


@pytest.fixture(params=MELS)
def frontend(request) -> Frontend:
    return Frontend(FRONTENDS[request.param])


def torchaudio_power(spec: FrontendSpec, wave_T: np.ndarray) -> torch.Tensor:
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=spec.sample_rate,
        n_fft=spec.n_fft,
        win_length=spec.win_length,
        hop_length=spec.hop_length,
        f_min=spec.f_min,
        f_max=spec.f_max,
        n_mels=spec.n_mels,
        norm=spec.norm,
        mel_scale=spec.mel_scale,
    )
    return transform(torch.from_numpy(wave_T))


def librosa_power(wave_T: np.ndarray, **scale: object) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=wave_T, sr=RATE, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect", **scale
    )


def in_db(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 1e-10))


class TestEquality:
    @pytest.mark.filterwarnings("ignore:At least one mel filterbank")
    def test_db_mels_are_torchaudios_to_a_thousandth_of_a_decibel(self, wave_T):
        for name in ("sota-mel96", "sota-mel128", "note-mel64"):
            spec = FRONTENDS[name]
            expected = torchaudio.transforms.AmplitudeToDB()(torchaudio_power(spec, wave_T))
            torch.testing.assert_close(Frontend(spec).mel(wave_T), expected, rtol=0, atol=1e-3)

    @pytest.mark.filterwarnings("ignore:At least one mel filterbank")
    def test_power_mels_are_torchaudios_to_5_in_a_million(self, frontend, wave_T):
        expected = torchaudio_power(frontend.spec, wave_T)
        power = frontend._power_mel(torch.from_numpy(wave_T))
        torch.testing.assert_close(power, expected, rtol=5e-6, atol=1e-10)

    @pytest.mark.parametrize(
        ("name", "htk", "norm"), [("musicnn-mel96", False, "slaney"), ("sota-mel96", True, None)]
    )
    def test_power_mels_are_librosas_to_what_float32_filters_allow(self, wave_T, name, htk, norm):
        expected = librosa_power(wave_T, htk=htk, norm=norm)
        power = Frontend(FRONTENDS[name])._power_mel(torch.from_numpy(wave_T)).numpy()
        # torchaudio computes its filters in float32, librosa in float64: edges differ by 1e-5
        assert (np.abs(power - expected) <= 2e-5 * expected.max(axis=0)).all()
        np.testing.assert_allclose(in_db(power), in_db(expected), rtol=0, atol=0.02)

    def test_musicnns_mel_is_its_power_mel_rounded_to_float16(self, wave_T):
        frontend = Frontend(FRONTENDS["musicnn-mel96"])
        power = frontend._power_mel(torch.from_numpy(wave_T)).numpy()
        np.testing.assert_array_equal(frontend.mel(wave_T).numpy(), power.astype(np.float16))


class TestBlocks:
    @settings(deadline=None, max_examples=60)
    @given(
        num_samples=st.integers(1, 40_000),
        block_frames=st.integers(1, 200),
        name=st.sampled_from(MELS),
    )
    def test_a_mel_in_blocks_is_the_mel_in_one_call(self, num_samples, block_frames, name):
        frontend = Frontend(FRONTENDS[name])
        wave_T = torch.from_numpy(music(2.5)[:num_samples])
        whole = frontend._power_mel(wave_T, block_frames=10_000)
        in_blocks = frontend._power_mel(wave_T, block_frames=block_frames)
        torch.testing.assert_close(in_blocks, whole, rtol=0, atol=0)

    @pytest.mark.parametrize("num_threads", [1, 2])
    def test_four_frames_of_notes_in_blocks_of_two_are_the_same_on_any_threads(self, num_threads):
        before = torch.get_num_threads()
        torch.set_num_threads(num_threads)
        try:
            frontend = Frontend(FRONTENDS["note-mel64"])
            wave_T = torch.from_numpy(music(2.5)[:3024])
            whole = frontend._power_mel(wave_T, block_frames=10_000)
            in_blocks = frontend._power_mel(wave_T, block_frames=2)
        finally:
            torch.set_num_threads(before)
        torch.testing.assert_close(in_blocks, whole, rtol=0, atol=0)

    def test_a_chunk_has_the_mel_that_it_has_alone(self, frontend):
        chunks_NT = torch.from_numpy(music(9)).unfold(0, 48_000, 24_000)
        together = frontend.mel_chunks(chunks_NT)
        assert together.shape == (5, frontend.spec.n_mels, frontend.num_frames(48_000))
        for chunk_T, mel_MF in zip(chunks_NT, together, strict=True):
            torch.testing.assert_close(frontend.mel(chunk_T), mel_MF, rtol=0, atol=0)

    def test_chunks_in_one_piece_as_a_gpu_takes_them_agree(self, frontend):
        chunks_NT = torch.from_numpy(music(9)).unfold(0, 48_000, 24_000)
        together = frontend._power_mel(chunks_NT, block_frames=10_000)
        alone = torch.stack([frontend._power_mel(chunk_T) for chunk_T in chunks_NT])
        torch.testing.assert_close(together, alone, rtol=5e-6, atol=1e-10)


class TestShapes:
    @settings(deadline=None, max_examples=60)
    @given(num_samples=st.integers(1, 5000), name=st.sampled_from(sorted(FRONTENDS)))
    def test_any_wave_however_short_has_finite_frames(self, num_samples, name):
        frontend = Frontend(FRONTENDS[name])
        mel_MF = frontend.mel(music(1)[:num_samples])
        assert mel_MF.shape == (frontend.spec.n_mels, frontend.num_frames(num_samples))
        assert mel_MF.dtype == torch.float32
        assert torch.isfinite(mel_MF).all()

    def test_a_short_wave_has_the_first_frames_of_its_repetition(self):
        frontend = Frontend(FRONTENDS["sota-mel96"])
        wave_T = music(1)[:100]
        repeated = frontend.mel(np.tile(wave_T, 3))
        torch.testing.assert_close(frontend.mel(wave_T), repeated[:, :1])

    def test_the_wave_itself_has_one_band_and_a_frame_a_sample(self):
        frontend, wave_T = Frontend(FRONTENDS["wave-16k"]), torch.from_numpy(music(1))
        torch.testing.assert_close(frontend.mel(wave_T), wave_T[None], rtol=0, atol=0)
        chunks_NT = wave_T.unfold(0, 1000, 500)
        torch.testing.assert_close(frontend.mel_chunks(chunks_NT)[:, 0], chunks_NT, rtol=0, atol=0)
        torch.testing.assert_close(frontend.network_input(wave_T.half()), wave_T.half().float())
        with pytest.raises(ValueError, match="empty"):
            frontend.mel(wave_T[:0])

    def test_an_empty_wave_raises(self, frontend):
        with pytest.raises(ValueError, match="empty"):
            frontend.mel(np.zeros(0, np.float32))

    @pytest.mark.parametrize(
        ("name", "num_samples", "num_frames"),
        [
            ("sota-mel96", 464_000, 1813),
            ("sota-mel96", 48_000, 188),
            ("sota-mel128", 59_049, 231),
            ("musicnn-mel96", 480_000, 1876),
            ("note-mel64", 64_000, 64),
        ],
    )
    def test_published_inputs_have_the_published_number_of_frames(
        self, name, num_samples, num_frames
    ):
        frontend = Frontend(FRONTENDS[name])
        assert frontend.num_frames(num_samples) == num_frames
        assert frontend.mel(np.zeros(num_samples, np.float32)).shape[1] == num_frames

    def test_a_clip_of_30_s_and_a_note_of_4_s_are_one_block(self):
        for name, num_samples in (("sota-mel96", 480_000), ("note-mel64", 64_000)):
            spec = FRONTENDS[name]
            assert Frontend(spec).num_frames(num_samples) == spec.block_frames


class TestStoredForm:
    def test_silence_is_100_db_below_full_scale(self):
        assert (Frontend(FRONTENDS["sota-mel96"]).mel(np.zeros(9000, np.float32)) == -100).all()

    def test_power_beyond_float16_becomes_its_largest_value(self):
        loud = np.full(9000, 1e4, np.float32)
        mel_MF = Frontend(FRONTENDS["musicnn-mel96"]).mel(loud)
        assert mel_MF.max() == 65_504

    def test_musicnn_reads_the_logarithm_in_float32_also_of_float16(self):
        frontend = Frontend(FRONTENDS["musicnn-mel96"])
        stored = torch.tensor([[0.0, 0.5, 60_000.0]]).half()
        given = frontend.network_input(stored)
        expected = np.log10(10_000 * stored.numpy().astype(np.float64) + 1)
        np.testing.assert_allclose(given.numpy(), expected, rtol=1e-6)
        assert given.dtype == torch.float32

    def test_a_db_mel_is_read_as_it_is(self):
        frontend = Frontend(FRONTENDS["sota-mel96"])
        mel_MF = frontend.mel(music(1))
        assert torch.equal(frontend.network_input(mel_MF), mel_MF)


class TestSpec:
    def test_a_spec_survives_json(self):
        for spec in FRONTENDS.values():
            again = FrontendSpec.from_json(json.loads(json.dumps(spec.to_json())))
            assert again == spec
            assert again.spec_id == spec.spec_id

    def test_any_changed_field_changes_the_id(self):
        spec = FRONTENDS["sota-mel96"]
        changes = {
            "name": "x",
            "sample_rate": 8000,
            "n_fft": 1024,
            "win_length": 400,
            "hop_length": 128,
            "n_mels": 95,
            "f_min": 1.0,
            "f_max": 7000.0,
            "mel_scale": "slaney",
            "norm": "slaney",
            "compression": Compression.LOG10_10000,
            "block_frames": 99,
        }
        assert set(changes) == set(spec.to_json())
        ids = {FrontendSpec(**{**vars(spec), key: new}).spec_id for key, new in changes.items()}
        assert len(ids) == len(changes)
        assert spec.spec_id not in ids

    def test_the_ids_of_stored_features_have_not_moved(self):
        ids = [spec.spec_id for spec in FRONTENDS.values()]
        assert ids == [
            "sota-mel96-7bf90142",
            "sota-mel128-5695a492",
            "musicnn-mel96-1c997aac",
            "note-mel64-a5832c38",
            "wave-16k-fd448163",
        ]

    def test_a_spec_with_odd_fields_is_refused(self):
        tree = FRONTENDS["sota-mel96"].to_json()
        tree["n_mel"] = tree.pop("n_mels")
        with pytest.raises(ConfigError, match="missing or unknown: n_mel, n_mels"):
            FrontendSpec.from_json(tree)
        with pytest.raises(ConfigError, match="compression: 'mu' is not a valid"):
            FrontendSpec.from_json({**FRONTENDS["sota-mel96"].to_json(), "compression": "mu"})
