"""Decoder: every format, every reason, and a child that may die."""

from __future__ import annotations

import inspect
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.audio import sources
from pipeline.audio.decode import DecodeLimits, Decoder
from pipeline.audio.decode_child import Settings, decode_file
from pipeline.errors import DataError, Reason

LIMITS = DecodeLimits(min_s=0.5, max_s=60, timeout_s=30, memory_bytes=2**30)
RATE = 16_000


def tones(seconds: float, *, rate: int = 44_100, channels: int = 2) -> np.ndarray:
    """(T, C): a tone of its own in every channel, and a little noise."""
    times = np.arange(round(seconds * rate))[:, None] / rate
    noise = np.random.default_rng(0).standard_normal((len(times), channels))
    hz = 220.0 * (1 + np.arange(channels))
    return (0.3 * np.sin(2 * np.pi * hz * times) + 0.02 * noise).astype(np.float32)


def encode(wave_TC: np.ndarray, *, rate: int = 44_100, **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave_TC, rate, **options)
    return file.getvalue()


def id3(num_bytes: int) -> bytes:
    """An ID3v2.3 tag whose picture has about so many bytes."""
    picture = b"\0image/jpeg\0\3\0" + np.random.default_rng(1).bytes(num_bytes)
    body = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + body


def without_length(mp3: bytes) -> bytes:
    """The same MP3 without its first frame, which holds the Xing table."""
    second = mp3.index(mp3[:2], 4)
    assert b"Xing" in mp3[:second]
    return mp3[second:]


@pytest.fixture(scope="module")
def decoder():
    with Decoder(sample_rate=RATE, limits=LIMITS) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def mp3() -> bytes:
    return encode(tones(6), format="MP3")


def reason_of(decoder: Decoder, data: bytes) -> tuple[Reason, str]:
    with pytest.raises(DataError) as caught:
        decoder.decode(data)
    return caught.value.reason, caught.value.detail


def strict(**changes: float) -> Decoder:
    return Decoder(sample_rate=RATE, limits=DecodeLimits(**{**LIMITS.__dict__, **changes}))


FORMATS = [
    ("MP3", "MPEG_LAYER_III", 44_100, 2),
    ("FLAC", "PCM_16", 44_100, 2),
    ("FLAC", "PCM_24", 192_000, 1),
    ("OGG", "VORBIS", 44_100, 2),
    ("OGG", "OPUS", 48_000, 2),
    ("WAV", "PCM_16", 44_100, 2),
    ("WAV", "PCM_U8", 8_000, 1),
    ("WAV", "FLOAT", 48_000, 8),
    ("WAVEX", "PCM_24", 16_000, 6),
    ("AIFF", "PCM_16", 22_050, 2),
]


class TestFormats:
    @pytest.mark.parametrize(("format_", "subtype", "rate", "channels"), FORMATS)
    def test_every_format_gives_the_mean_of_its_channels_at_the_wanted_rate(
        self, decoder, format_, subtype, rate, channels
    ):
        wave_TC = tones(2, rate=rate, channels=channels)
        wave = decoder.decode(encode(wave_TC, rate=rate, format=format_, subtype=subtype))
        assert (wave.flaw, wave.detail, wave.sample_rate) == (None, "", RATE)
        assert wave.duration_s == pytest.approx(2, abs=0.06)
        assert wave.wave_T.dtype == np.float32
        assert wave.wave_T.flags.c_contiguous
        assert wave.wave_T.flags.writeable
        levels = np.abs(np.fft.rfft(wave.wave_T[:RATE] * np.hanning(RATE))) / (RATE / 4)
        for channel in range(channels):
            assert levels[220 * (channel + 1)] == pytest.approx(0.3 / channels, rel=0.05)

    def test_samples_at_the_wanted_rate_come_out_as_they_are(self, decoder):
        wave_TC = tones(1, rate=RATE, channels=1)
        data = encode(wave_TC, rate=RATE, format="WAV", subtype="FLOAT")
        np.testing.assert_array_equal(decoder.decode(data).wave_T, wave_TC[:, 0])

    def test_clipped_and_silent_audio_is_sound(self, decoder):
        for wave_TC in (np.zeros((RATE, 1)), np.sign(tones(1, rate=RATE, channels=1))):
            wave = decoder.decode(encode(wave_TC, rate=RATE, format="FLAC"))
            assert wave.flaw is None

    def test_a_large_cover_picture_and_tags_at_the_end_do_no_harm(self, decoder, mp3):
        plain = decoder.decode(mp3)
        trailer = b"APETAGEX\xd0\x07\0\0" + bytes(4000) + b"TAG" + bytes(125)
        wave = decoder.decode(id3(3_000_000) + mp3 + trailer)
        assert wave.flaw is None
        np.testing.assert_array_equal(wave.wave_T, plain.wave_T)

    @pytest.mark.parametrize("junk", [bytes(5000), b"no frame " * 100, id3(900) + bytes(3000)])
    def test_an_mp3_after_junk_is_found(self, decoder, mp3, junk):
        wave = decoder.decode(junk + mp3)
        np.testing.assert_array_equal(wave.wave_T, decoder.decode(mp3).wave_T)

    def test_a_variable_rate_mp3_without_a_length_is_read_to_its_end(self, decoder):
        quiet_then_loud = np.concatenate([np.zeros((44_100, 2), np.float32), tones(5)])
        bare = without_length(encode(quiet_then_loud, format="MP3"))
        assert soundfile.info(io.BytesIO(bare)).duration != pytest.approx(6, abs=0.3)
        wave = decoder.decode(bare)
        assert wave.duration_s == pytest.approx(6, abs=0.1)
        assert wave.flaw is None

    def test_a_flac_of_unknown_length_is_read_to_its_end(self, decoder):
        data = bytearray(encode(tones(3), format="FLAC"))
        data[21] &= 0xF0  # the 36 bits of STREAMINFO's number of samples
        data[22:26] = bytes(4)
        wave = decoder.decode(bytes(data))
        assert (wave.flaw, wave.duration_s) == (None, pytest.approx(3))

    def test_a_wav_from_a_pipe_names_no_size_and_is_whole(self, decoder):
        data = bytearray(encode(tones(3), format="WAV"))
        at = data.index(b"data")
        data[4:8] = data[at + 4 : at + 8] = b"\xff" * 4
        assert decoder.decode(bytes(data)).flaw is None

    def test_decoding_again_gives_the_same_samples(self, decoder, mp3):
        first, second = decoder.decode(mp3), decoder.decode(mp3)
        np.testing.assert_array_equal(first.wave_T, second.wave_T)


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("format_", "subtype"),
        [
            ("MP3", "MPEG_LAYER_III"),
            ("FLAC", "PCM_16"),
            ("OGG", "VORBIS"),
            ("OGG", "OPUS"),
            ("WAV", "PCM_16"),
            ("AIFF", "PCM_16"),
        ],
    )
    def test_a_cut_file_gives_what_is_left_and_is_flagged(self, decoder, format_, subtype):
        data = encode(tones(6, rate=48_000), rate=48_000, format=format_, subtype=subtype)
        whole, cut = decoder.decode(data), decoder.decode(data[: len(data) // 2])
        assert cut.flaw is Reason.TRUNCATED
        assert cut.detail.startswith("decoded ")
        assert 1.8 < cut.duration_s < 3.6
        inner = len(cut.wave_T) - RATE // 10  # the resampler sees another end
        np.testing.assert_array_equal(cut.wave_T[:inner], whole.wave_T[:inner])

    def test_the_detail_of_a_cut_file_says_how_much_there_is(self, decoder):
        data = encode(tones(6), format="WAV")
        assert decoder.decode(data[: len(data) // 2]).detail == "decoded 3.0 of 6.0 s"

    def test_an_mp3_damaged_in_its_middle_gives_what_came_before(self, decoder, mp3):
        middle = len(mp3) // 2
        garbage = np.random.default_rng(0).bytes(4000)
        wave = decoder.decode(mp3[:middle] + garbage + mp3[middle + 4000 :])
        assert wave.flaw is Reason.TRUNCATED
        assert wave.duration_s > 2

    def test_an_error_after_audio_of_unknown_length_is_flagged(self, decoder, mp3):
        garbage = np.random.default_rng(0).bytes(20_000)
        wave = decoder.decode(without_length(mp3) + garbage)
        assert wave.flaw is Reason.UNDECODABLE
        assert wave.duration_s == pytest.approx(6, abs=0.1)

    def test_few_samples_that_are_no_numbers_become_zeros(self, decoder):
        wave_TC = tones(2, rate=RATE, channels=1)
        wave_TC[100:110] = np.nan
        wave_TC[200] = -np.inf
        wave_TC[300] = 1e20
        wave = decoder.decode(encode(wave_TC, rate=RATE, format="WAV", subtype="FLOAT"))
        assert (wave.flaw, wave.detail) == (
            Reason.NON_FINITE,
            "12 of 32000 samples are no numbers",
        )
        assert np.isfinite(wave.wave_T).all()
        assert not wave.wave_T[[105, 200, 300]].any()


class TestReasons:
    """A file that causes each reason; the suite's last test says that none is forgotten."""

    def test_no_bytes(self, decoder):
        assert reason_of(decoder, b"")[0] is Reason.EMPTY

    @pytest.mark.parametrize("format_", ["WAV", "AIFF", "OGG"])
    def test_a_header_without_audio(self, decoder, format_):
        assert reason_of(decoder, encode(tones(0), format=format_))[0] is Reason.EMPTY

    @pytest.mark.parametrize(
        "data",
        [
            b"<html><body>404 Not Found</body></html>" * 20,
            "fehlende Datei\r\n".encode("utf-16") * 50,
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + np.random.default_rng(0).bytes(9000),
            b"\x89PNG\r\n\x1a\n" + np.random.default_rng(0).bytes(9000),
            b"\0\0\0\x20ftypheic" + bytes(100),
            bytes(10_000),
            np.random.default_rng(2).bytes(200_000),
            b"x",
        ],
        ids=["html", "utf16", "jpeg", "png", "heic", "zeros", "random", "byte"],
    )
    def test_what_is_no_audio(self, decoder, data):
        assert reason_of(decoder, data)[0] is Reason.NOT_AUDIO

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (b"\0\0\0\x20ftypM4A " + bytes(400), "MP4"),
            (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(400), "ASF"),
            (b"\x1a\x45\xdf\xa3" + bytes(400), "Matroska"),
            ((b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 20, "AAC (ADTS)"),
            (id3(200), "MP3"),
            (b"RIFF\x24\0\0\0WAVE", "WAV"),
            (b"fLaC" + bytes(50), "FLAC"),
            (b"OggS" + bytes(100), "Ogg"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_known_format_that_does_not_open(self, decoder, data, name):
        reason, detail = reason_of(decoder, data)
        assert reason is Reason.UNDECODABLE
        assert f"looks like {name}" in detail

    def test_a_sample_rate_that_no_recorder_has(self, decoder):
        data = encode(tones(1, channels=1), rate=7, format="WAV")
        assert reason_of(decoder, data) == (Reason.UNDECODABLE, "a sample rate of 7 Hz")

    def test_too_little_left_of_a_cut_file(self, decoder):
        data = encode(tones(6), format="WAV")
        reason, detail = reason_of(decoder, data[: len(data) // 20])
        assert (reason, detail) == (Reason.TRUNCATED, "decoded 0.3 of 6.0 s")

    def test_too_short(self, decoder):
        reason, detail = reason_of(decoder, encode(tones(0.25), format="FLAC"))
        assert (reason, detail) == (Reason.TOO_SHORT, "0.25 s; at least 0.5 s are needed")

    def test_too_long_by_header_or_by_what_comes(self):
        with strict(max_s=3) as decoder:
            for format_, what in (("MP3", "goes on"), ("WAV", "6.0 s"), ("FLAC", "6.0 s")):
                answer = reason_of(decoder, encode(tones(6), format=format_))
                assert answer == (Reason.TOO_LONG, f"{what}; at most 3 s are taken")

    def test_too_many_samples_that_are_no_numbers(self, decoder):
        wave_TC = tones(2, rate=RATE, channels=1)
        wave_TC[:1000] = np.nan
        data = encode(wave_TC, rate=RATE, format="WAV", subtype="FLOAT")
        assert reason_of(decoder, data)[0] is Reason.NON_FINITE

    def test_out_of_memory_costs_one_file(self):
        with strict(memory_bytes=400_000) as decoder:
            reason, _ = reason_of(decoder, encode(tones(6, channels=8), format="WAV"))
            assert reason is Reason.OUT_OF_MEMORY
            assert reason_of(decoder, b"text" * 100)[0] is Reason.NOT_AUDIO

    def test_a_deadline_that_passes_costs_one_file(self, long_file):
        with strict(timeout_s=0.05, max_s=10_000) as decoder:
            reason, detail = reason_of(decoder, long_file)
            assert (reason, detail) == (Reason.TIMED_OUT, "no end within 0.05 s")
            assert reason_of(decoder, b"text" * 100)[0] is Reason.NOT_AUDIO

    def test_a_crash_costs_one_file_and_names_the_signal(self, long_file):
        with strict(max_s=10_000) as decoder:
            assert reason_of(decoder, b"text" * 100)[0] is Reason.NOT_AUDIO  # it has started
            first = decoder.child_pid
            threading.Timer(0.1, os.kill, (first, signal.SIGSEGV)).start()
            reason, detail = reason_of(decoder, long_file)
            assert reason is Reason.DECODER_CRASHED
            assert detail.startswith("signal 11 (Segmentation fault)")
            assert reason_of(decoder, b"text" * 100)[0] is Reason.NOT_AUDIO
            assert decoder.child_pid != first

    def test_every_reason_that_decoding_gives_has_its_test_above(self):
        source = inspect.getsource(TestReasons)
        before_decoding = {Reason.MISSING, Reason.FETCH_FAILED, Reason.TOO_LARGE}
        for reason in set(Reason) - before_decoding:
            assert f"Reason.{reason.name}" in source


class TestChild:
    def test_a_child_that_hangs_is_ended_at_the_deadline(self, mp3):
        with strict(timeout_s=0.5) as decoder:
            decoder.decode(mp3)
            stuck = decoder.child_pid
            os.kill(stuck, signal.SIGSTOP)
            assert reason_of(decoder, mp3)[0] is Reason.TIMED_OUT
            assert not is_running(stuck)
            assert decoder.decode(mp3).flaw is None

    def test_a_child_that_died_between_two_files_costs_none(self, mp3):
        with strict() as decoder:
            decoder.decode(mp3)
            os.kill(decoder.child_pid, signal.SIGKILL)
            time.sleep(0.1)
            assert decoder.decode(mp3).flaw is None

    def test_one_child_decodes_many_files(self, decoder, mp3):
        first = decoder.child_pid
        for _ in range(3):
            decoder.decode(mp3)
        assert decoder.child_pid == first

    def test_closing_ends_the_child(self):
        with strict() as decoder:
            child = decoder.child_pid
            assert is_running(child)
        assert not is_running(child)

    def test_the_child_ends_when_its_parent_is_killed(self, tmp_path):
        program = (
            "import os, signal\n"
            "from pipeline.audio.decode import Decoder, DecodeLimits\n"
            "limits = DecodeLimits(min_s=0, max_s=9, timeout_s=9, memory_bytes=2**29)\n"
            "decoder = Decoder(sample_rate=16000, limits=limits)\n"
            "print(decoder.child_pid, flush=True)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        root = Path(__file__).resolve().parents[2]
        ended = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True)
        assert ended.returncode == -signal.SIGKILL
        child = int(ended.stdout)
        deadline = time.monotonic() + 20
        while is_running(child) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_running(child)

    def test_the_child_loads_no_torch(self):
        program = "import sys, pipeline.audio.decode_child; sys.exit('torch' in sys.modules)"
        root = Path(__file__).resolve().parents[2]
        assert subprocess.run([sys.executable, "-c", program], cwd=root).returncode == 0

    def test_warnings_of_the_codecs_stay_off_the_terminal(self, decoder, mp3, capfd):
        decoder.decode(mp3[: len(mp3) // 2])
        assert capfd.readouterr() == ("", "")

    def test_half_an_hour_takes_little_more_memory_than_a_minute(self, long_file):
        minute = soundfile.read(io.BytesIO(long_file), frames=60 * 8000, dtype="int16")[0]
        peaks = []
        for data in (encode(minute, rate=8000, format="FLAC"), long_file):
            with strict(max_s=10_000) as decoder:
                decoder.decode(data)
                peaks.append(peak_bytes(decoder.child_pid))
        assert peaks[1] < peaks[0] + 20 * 2**20


class TestBlocks:
    @pytest.mark.parametrize("block_values", [700, 8192, 10**8])
    @pytest.mark.parametrize("format_", ["MP3", "FLAC", "OGG", "WAV"])
    def test_the_wave_does_not_depend_on_the_block_size(self, format_, block_values):
        data = encode(tones(3, channels=3 if format_ == "WAV" else 2), format=format_)
        np.testing.assert_array_equal(in_process(data, block_values), in_process(data, 2**17))

    def test_the_child_gives_what_decoding_in_this_process_gives(self, decoder, mp3):
        np.testing.assert_array_equal(decoder.decode(mp3).wave_T, in_process(mp3, 2**17))


class TestCodecsExtra:
    @pytest.mark.parametrize("container", ["ipod", "adts", "matroska"])
    def test_av_reads_what_libsndfile_does_not(self, decoder, container):
        av = pytest.importorskip("av", reason="skipped: earmark[codecs] is not installed")
        wave_TC = tones(3)
        wave = decoder.decode(encode_aac(av, wave_TC, container))
        assert wave.flaw is None
        assert wave.duration_s == pytest.approx(3, abs=0.1)
        levels = np.abs(np.fft.rfft(wave.wave_T[RATE : 2 * RATE] * np.hanning(RATE))) / (RATE / 4)
        assert levels[220] == pytest.approx(0.15, rel=0.1)

    def test_without_av_the_detail_says_what_to_install(self, monkeypatch):
        monkeypatch.setattr(sources, "av", None)
        with pytest.raises(DataError, match=r"looks like MP4 .*install earmark\[codecs\]"):
            in_process(b"\0\0\0\x20ftypM4A " + bytes(400), 2**17)


def in_process(data: bytes, block_values: int) -> np.ndarray:
    settings = Settings(sample_rate=RATE, **LIMITS.__dict__)
    output = io.BytesIO()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        decode_file(file.fileno(), output, settings=settings, block_values=block_values)
    return np.frombuffer(output.getvalue(), np.float32)


def encode_aac(av, wave_TC: np.ndarray, container: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream("aac", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(wave_TC.T), format="fltp", layout="stereo"
        )
        frame.sample_rate = 44_100
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    return file.getvalue()


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip() not in ("", "Z")


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("skipped: no /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.fixture(scope="module")
def long_file() -> bytes:
    """Half an hour of noise at 8 kHz, which takes the better part of a second."""
    noise = np.random.default_rng(0).integers(-9000, 9000, 1800 * 8000, dtype=np.int16)
    return encode(noise, rate=8000, format="FLAC")
