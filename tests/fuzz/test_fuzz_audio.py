"""Damaged audio files cost one row: headers are read or refused, waves are numbers or a reason."""

from __future__ import annotations

import http.server
import threading
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest
from fuzzed import EDITS, RATE_HZ, damaged, sounds
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.audio.decode import DecodeLimits, Decoder, Wave
from pipeline.catalog.probe import PROBED, probe
from pipeline.errors import DataError, Reason
from pipeline.storage import Storage

NAMES = sorted(sounds())
CHILD_LOST = {Reason.DECODER_CRASHED, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY}
BOUNDED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def decoder():
    limits = DecodeLimits(min_s=0.05, max_s=60, timeout_s=20, memory_bytes=2**30)
    with Decoder(sample_rate=RATE_HZ, limits=limits) as decoder:
        yield decoder


def decoded(decoder: Decoder, data: bytes) -> Wave | DataError:
    try:
        return decoder.decode(data)
    except DataError as error:
        return error


def test_the_sounds_are_whole(decoder):
    assert len(NAMES) >= 12
    for name in NAMES:
        wave = decoded(decoder, sounds()[name])
        assert isinstance(wave, Wave), name
        assert wave.flaw is None, name


@BOUNDED
@given(name=st.sampled_from(NAMES), edits=EDITS)
def test_a_damaged_header_is_a_row_or_a_reason(tmp_path, name, edits):
    path = tmp_path / "x.mp3"
    path.write_bytes(damaged(sounds()[name], edits))
    row: dict[str, object] = {"position": 0}
    try:
        row |= asdict(probe(str(path), storage=Storage(), timeout_s=20))
    except DataError as error:
        row |= {"reason": str(error.reason), "detail": error.detail}
    assert row.get("reason") not in CHILD_LOST
    pa.RecordBatch.from_pylist([row], schema=PROBED)


@BOUNDED
@given(name=st.sampled_from(NAMES), edits=EDITS)
def test_a_damaged_file_gives_a_wave_or_a_reason_and_keeps_the_child(decoder, name, edits):
    child = decoder.child_pid
    found = decoded(decoder, damaged(sounds()[name], edits))
    if isinstance(found, DataError):
        assert found.reason not in CHILD_LOST, found
    else:
        assert np.isfinite(found.wave_T).all()
    assert decoder.child_pid == child


@BOUNDED
@given(data=st.binary(max_size=3000))
@example(data=b"")
def test_any_bytes_are_refused_in_words(decoder, data):
    found = decoded(decoder, data)
    assert isinstance(found, Wave) or found.reason not in CHILD_LOST


def without_id3(data: bytes) -> bytes:
    return b"ID3\x03\0\0\0\0\0\x14TIT2\0\0\0\x0a\0\0\x03" + b"a" * 9 + data


def test_an_opus_header_that_ends_before_its_skip_is_read(tmp_path):
    """Found by fuzzing: struct.error, which ended the scan of the whole catalog."""
    path = tmp_path / "x.ogg"
    path.write_bytes(sounds()["OGG VORBIS"][:78] + b"OpusHead\1\2")
    header = probe(str(path), storage=Storage(), timeout_s=5)
    assert (header.codec, header.sample_rate_hz) == ("vorbis", RATE_HZ)


def test_a_title_that_is_not_utf8_leaves_the_audio_readable(decoder):
    """Found by fuzzing: PyAV raised UnicodeDecodeError, and the child died of it."""
    pytest.importorskip("av", reason="skipped: earmark[codecs] is not installed")
    title = "Só".encode()
    for name in ("ipod", "matroska"):
        data = sounds()[name]
        assert data.count(title) == 1
        wave = decoded(decoder, data.replace(title, b"S\xf3\xff"))
        assert isinstance(wave, Wave), name


def test_a_file_that_names_others_opens_none_of_them(decoder):
    """FFmpeg's sdp, concat, hls and dash read what they name: addresses, files beside them."""
    pytest.importorskip("av", reason="skipped: earmark[codecs] is not installed")
    asked: list[str] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.mp3"
        lists = [
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:9,\n{url}\n",
            f"ffconcat version 1.0\nfile '{url}'\n",
            "ffconcat version 1.0\nfile pyproject.toml\n",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            "m=audio 5004 RTP/AVP 97\na=rtpmap:97 L16/8000/1\n",
            f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-'
            f'live:2011"><BaseURL>{url}</BaseURL><Period/></MPD>',
        ]
        for text in lists:
            for data in (text.encode(), without_id3(text.encode()), b"    AVI " + text.encode()):
                found = decoded(decoder, data)
                assert isinstance(found, DataError)
                assert found.reason in (Reason.UNDECODABLE, Reason.NOT_AUDIO)
        server.shutdown()
    assert asked == []
    sdp = decoded(decoder, without_id3(lists[3].encode()))
    assert "Invalid argument" in str(sdp)  # FFmpeg's word for a format that is not on the list
