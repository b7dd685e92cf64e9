import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.header import OGG_TAIL_BYTES, Header, read_header
from pipeline.errors import DataError, Reason

FORMATS = [
    ("MP3", "MPEG_LAYER_III", 44100, "mp3"),
    ("FLAC", "PCM_16", 44100, "flac"),
    ("OGG", "VORBIS", 44100, "vorbis"),
    ("OGG", "OPUS", 48000, "opus"),
    ("WAV", "PCM_16", 22050, "pcm_16"),
    ("WAV", "PCM_24", 44100, "pcm_24"),
    ("WAV", "FLOAT", 44100, "float_32"),
    ("WAV", "ULAW", 8000, "ulaw"),
    ("WAVEX", "PCM_16", 44100, "pcm_16"),
    ("AIFF", "PCM_16", 44100, "pcm_16"),
    ("AIFF", "FLOAT", 44100, "float_32"),
]


class CountingFile(io.BytesIO):
    num_read_bytes = 0

    def read(self, size=-1):
        data = super().read(size)
        self.num_read_bytes += len(data)
        return data


class BrokenFile(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 0:
            raise ConnectionError("the store went away")
        return super().read(size)


def audio_file(container="WAV", coding="PCM_16", rate=44100, seconds=2.0, **tags):
    wave = 0.1 * np.random.default_rng(0).standard_normal((int(seconds * rate), 2))
    data = io.BytesIO()
    with soundfile.SoundFile(
        data, "w", samplerate=rate, channels=2, format=container, subtype=coding
    ) as file:
        for name, value in tags.items():
            setattr(file, name, value)
        for start in range(0, len(wave), rate):  # libsndfile crashes on much Vorbis at once
            file.write(wave[start : start + rate].astype("float32"))
    return data.getvalue()


def read_or_reason(data):
    try:
        return read_header(io.BytesIO(data)), None
    except DataError as error:
        return None, error.reason


def id3(*, title):
    text = b"\3" + title.encode()
    frame = b"TIT2" + struct.pack(">I", len(text)) + b"\0\0" + text
    return b"ID3\4\0\0" + struct.pack(">I", len(frame)) + frame


@pytest.mark.parametrize(("container", "coding", "rate", "codec"), FORMATS)
def test_the_header_agrees_with_libsndfile(container, coding, rate, codec):
    data = audio_file(container, coding, rate)
    header = read_header(io.BytesIO(data))
    expected = soundfile.info(io.BytesIO(data))
    assert header.codec == codec
    assert (header.sample_rate_hz, header.num_channels) == (expected.samplerate, expected.channels)
    assert header.duration_s == pytest.approx(expected.duration, abs=0.06)  # MP3 counts its padding


def test_tags_come_from_the_file():
    data = audio_file(
        "OGG", "VORBIS", title="Rain", artist="A Band", album="Weather", date="2012-12-15"
    )
    header = read_header(io.BytesIO(data))
    assert (header.title, header.artist, header.album) == ("Rain", "A Band", "Weather")
    assert header.year == 2012


def test_tags_of_an_mp3_stand_before_the_audio():
    header = read_header(io.BytesIO(id3(title="Rain") + audio_file("MP3", "MPEG_LAYER_III")))
    assert (header.codec, header.title) == ("mp3", "Rain")


def test_a_file_without_tags_has_none():
    header = read_header(io.BytesIO(audio_file()))
    assert (header.title, header.artist, header.album, header.year) == (None, None, None, None)


@pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
def test_a_long_ogg_file_costs_its_two_ends(coding):
    file = CountingFile(audio_file("OGG", coding, 48000, seconds=20.0))
    header = read_header(file)
    num_read_bytes = file.num_read_bytes
    seconds = soundfile.info(io.BytesIO(file.getvalue())).duration
    assert header.duration_s == pytest.approx(seconds, abs=0.001)
    assert num_read_bytes < 2 * OGG_TAIL_BYTES < len(file.getvalue()) / 2


def test_an_ogg_file_that_was_cut_is_as_long_as_what_is_left():
    data = audio_file("OGG", "VORBIS", seconds=6.0)
    header = read_header(io.BytesIO(data[: len(data) // 2]))
    assert 2 < header.duration_s < 4


def test_a_wrong_ending_does_not_matter_because_the_content_decides():
    assert read_header(io.BytesIO(audio_file("FLAC", "PCM_16"))).codec == "flac"


def test_a_raw_aac_stream_is_named_without_facts():
    assert read_header(io.BytesIO(b"\xff\xf1\x50\x80" + bytes(100))) == Header(codec="aac")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"<html>not found</html>", Reason.NOT_AUDIO),
        (b"OggS" + bytes(100), Reason.UNDECODABLE),
        (b"RIFF\0\0\0\0WAVE", Reason.UNDECODABLE),
        (b"fLaC", Reason.UNDECODABLE),
    ],
)
def test_what_is_no_audio_has_a_reason(data, reason):
    with pytest.raises(DataError) as caught:
        read_header(io.BytesIO(data))
    assert caught.value.reason is reason


def test_a_fault_of_the_store_is_not_blamed_on_the_file():
    with pytest.raises(ConnectionError):
        read_header(BrokenFile(audio_file("FLAC", "PCM_16")))


@given(
    data=st.sampled_from([audio_file(c, s, r, seconds=0.1) for c, s, r, _ in FORMATS]),
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=8),
    kept=st.floats(0, 1),
)
def test_a_damaged_file_gives_a_header_that_a_table_can_hold_or_a_reason(data, edits, kept):
    damaged = bytearray(data[: int(len(data) * kept)])
    for place, value in edits:
        if place < len(damaged):
            damaged[place] = value
    header, reason = read_or_reason(bytes(damaged))
    assert (header is None) == (reason in (Reason.EMPTY, Reason.NOT_AUDIO, Reason.UNDECODABLE))
    if header is not None:
        assert header.codec
        assert header.sample_rate_hz is None or 0 < header.sample_rate_hz < 2**31
        assert header.duration_s is None or header.duration_s > 0
