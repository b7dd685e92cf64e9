from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.browse.audio import Span, wanted_span
from pipeline.browse.audio_kinds import audio_kind


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("bytes=0-", Span(0, 100)),
        ("bytes=10-19", Span(10, 20)),
        ("bytes=90-500", Span(90, 100)),
        ("bytes=-5", Span(95, 100)),
        ("bytes=-500", Span(0, 100)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_ranges_are_read_as_the_standard_says(header, span):
    assert wanted_span(header, size_bytes=100) == span


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_outside_the_file_cannot_be_answered(header):
    with pytest.raises(ValueError, match="no byte"):
        wanted_span(header, size_bytes=100)


@given(st.integers(0, 50), st.integers(0, 60), st.integers(1, 40))
def test_a_span_lies_in_the_file(first, last, size_bytes):
    try:
        span = wanted_span(f"bytes={first}-{last}", size_bytes=size_bytes)
    except ValueError:
        assert first >= size_bytes
    else:
        assert span is None or 0 <= span.start < span.stop <= size_bytes


def test_ranges_of_a_track_are_its_bytes(client, tones):
    whole = (tones / "music" / "t000.wav").read_bytes()
    answer = client.get("/audio?id=t000")
    assert (answer.status_code, answer.content) == (200, whole)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    part = client.get("/audio?id=t000", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    changed = {"Range": "bytes=100-199", "If-Range": '"another"'}
    assert client.get("/audio?id=t000", headers=changed).status_code == 200
    outside = client.get("/audio?id=t000", headers={"Range": f"bytes={len(whole)}-"})
    assert outside.status_code == 416
    assert client.head("/audio?id=t000").headers["content-length"] == str(len(whole))


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../t000", "file:///etc/passwd", "T000"])
def test_only_tracks_of_the_catalog_are_read(client, name):
    answer = client.get("/audio", params={"id": name})
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_a_file_that_is_gone_is_said(client, tones):
    path = tones / "music" / "x-old.wma"
    away = path.rename(path.with_suffix(".away"))
    assert "not there any more" in client.get("/audio?id=x-old").text
    away.rename(path)


def test_formats_are_known_by_their_endings():
    assert audio_kind("/m/Song::Live.MP3").media_type == "audio/mpeg"
    assert audio_kind("s3://b/a.flac").is_played
    assert not audio_kind("/m/a.wma").is_played
    assert audio_kind("/m/what?.is").media_type == "application/octet-stream"
