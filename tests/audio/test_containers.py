"""Formats by their first bytes: whatever the bytes are, the answer is a name or None."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio import containers

HEADERS = [b"\xff\xfb\x90\x44", b"\xff\xfa\x90\xc4", b"\xff\xf3\x80\xc4", b"\xff\xe3\x48\x04"]
MAGIC = st.sampled_from([b"", b"ID3", b"\xff\xf1", b"\xff\xfb\x90\x44", b"RIFF", b"OggS", b"FORM"])


@settings(deadline=None)
@given(MAGIC, st.binary(max_size=3000))
def test_no_bytes_make_it_raise(magic, rest):
    data = magic + rest
    assert containers.sniff(data) is None or containers.sniff(data).strip()
    assert containers.id3_bytes(data) >= 0
    assert containers.riff_bytes(data) is None or containers.riff_bytes(data) > 8
    assert containers.ogg_lacks_end(data) in (True, False)


@pytest.mark.parametrize("header", HEADERS)
@given(junk=st.binary(max_size=200).filter(lambda junk: b"\xff" not in junk))
def test_a_chain_of_frames_is_found_behind_junk(header, junk):
    frame = containers.mpeg_length_frame(header)
    assert containers.mpeg_start(junk + frame * 4) == len(junk)


@pytest.mark.parametrize("header", HEADERS)
def test_the_frame_that_names_a_length_is_seen_to_name_it(header):
    frame = containers.mpeg_length_frame(header)
    assert containers.mpeg_names_its_length(frame)
    assert not containers.mpeg_names_its_length(frame.replace(b"Xing", bytes(4)))


def test_a_riff_file_from_a_pipe_has_no_known_length():
    assert containers.riff_bytes(b"RIFF\xff\xff\xff\xffWAVE") is None
    assert containers.riff_bytes(b"RIFF\0\0\0\0WAVE") is None
    assert containers.riff_bytes(b"RIFF\x24\0\0\0WAVE") == 44
    assert containers.riff_bytes(b"FORM\0\0\0\x24AIFF") == 44
