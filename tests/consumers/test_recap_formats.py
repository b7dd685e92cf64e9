from __future__ import annotations

import json

import pytest

from pipeline.consumers.recap_formats import Container, Kind, recognise

LISTEN = {"listened_at": 1, "track_metadata": {"artist_name": "A", "track_name": "T"}}
STREAM = {"ts": "2024-01-01T00:00:00Z", "ms_played": 1, "master_metadata_track_name": "T"}
KNOWN = [
    (json.dumps(LISTEN), Kind.LISTENBRAINZ, Container.JSON_LINES),
    ('{"broken\n' + json.dumps(LISTEN), Kind.LISTENBRAINZ, Container.JSON_LINES),
    ("garbage\n" + json.dumps(LISTEN), Kind.LISTENBRAINZ, Container.JSON_LINES),
    (json.dumps([LISTEN], indent=2), Kind.LISTENBRAINZ, Container.JSON_ARRAY),
    (json.dumps([STREAM]), Kind.SPOTIFY, Container.JSON_ARRAY),
    ("\ufeff" + json.dumps([STREAM], indent=4), Kind.SPOTIFY, Container.JSON_ARRAY),
    ('{"track": "t1", "time": 1700000000}', Kind.TABLE, Container.JSON_LINES),
    ("user,track,time,ms_played\na,t,1,2\n", Kind.TABLE, Container.CSV),
    ("track;time\nt;1\n", Kind.TABLE, Container.CSV),
    ("uts,utc_time,artist,album,track\n1,x,A,B,T\n", Kind.LASTFM, Container.CSV),
    ('"Artist","Album","Track","Date"\nA,B,T,x\n', Kind.LASTFM, Container.CSV),
    ('"A, B",C,T,01 Jan 2020 12:34\n', Kind.LASTFM, Container.CSV),
    ("PAR1....", Kind.TABLE, Container.PARQUET),
]
OTHER = [
    ('[{"endTime": "2020-01-01 10:00", "artistName": "A", "msPlayed": 1}]', "endTime, artistName"),
    ('{"name": "x"}', "the keys name"),
    ("id,name,age\n1,2,3\n", "the columns id, name, age"),
    ("just words", "begins with 'just words'"),
    ("\x1f\x8b...", "gzip"),
    ("ID3\x00\x01", "binary"),
]


@pytest.mark.parametrize(("text", "kind", "container"), KNOWN)
def test_a_history_is_known_by_its_beginning(text, kind, container):
    form = recognise(text.encode()).form
    assert (form.kind, form.container) == (kind, container)


def test_a_csv_without_a_header_is_known_by_its_dates():
    form = recognise(b'A,B,T,"01 Jan 2020, 12:34"\n').form
    assert not form.has_header
    assert form.columns == ("artist", "album", "track", "date")


@pytest.mark.parametrize(("text", "words"), OTHER)
def test_anything_else_is_named(text, words):
    seen = recognise(text.encode("latin-1"))
    assert seen.form is None
    assert words in seen.words


@pytest.mark.parametrize("text", ["", "  \n", "[]", "[ ]\n", "user,track,time\n"])
def test_what_holds_no_row_is_empty(text):
    assert recognise(text.encode()).is_empty


def test_an_object_longer_than_the_head_is_no_crash():
    assert "without a readable object" in recognise(b'[{"a": "' + b"x" * 100).words
