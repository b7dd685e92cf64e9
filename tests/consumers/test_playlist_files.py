from __future__ import annotations

import csv
import io
import json
import xml.sax
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.playlist_files import (
    COLUMNS,
    Entry,
    PlaylistFormat,
    as_uri,
    write_playlist,
)

NAMESPACE = {"x": "http://xspf.org/ns/0/"}
TITLE = 'Rain, "<tea>" & 雨\nevening'
ENTRIES = (
    Entry("a-1", "/music/plain.mp3", "Plain", "One", None, 61.4, "slow 0.91", {"closeness": 0.5}),
    Entry(
        "b 2/ü", "/music/50% off #1, live?.flac", TITLE, "Łódź & <Co>", "雨,\r\nII", None, "", {}
    ),
    Entry("c", "s3://bucket/in rain #2?%20.mp3", None, None, None, 5.0, "a\nb", {}),
    Entry("d", "/music/line\nbreak .mp3", "Bell\x07 \x00", "", None, 3.0, "x", {}),
    Entry("e", "https://host/a%20b.mp3?k=1", "E", "F", None, 3.0, "x", {}),
)


def written(playlist_format: PlaylistFormat, entries=ENTRIES) -> bytes:
    return write_playlist(entries, title=TITLE, playlist_format=playlist_format)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/a b/ü.mp3", "file:///a%20b/%C3%BC.mp3"),
        ("file:///a/b%c.mp3", "file:///a/b%25c.mp3"),
        ("s3://bucket/50% #1?.mp3", "s3://bucket/50%25%20%231%3F.mp3"),
        ("gs://b/a,b&c.mp3", "gs://b/a,b&c.mp3"),
        ("https://host/a%20b.mp3?k=1#t", "https://host/a%20b.mp3?k=1#t"),
        ("http://host/a b.mp3", "http://host/a%20b.mp3"),
    ],
)
def test_places_become_uris(uri, expected):
    assert as_uri(uri) == expected


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_any_object_s_name_comes_back_from_its_uri(name):
    uri = as_uri(f"s3://bucket/{name}")
    assert uri.isascii()
    parts = urlsplit(uri)
    assert (parts.query, parts.fragment) == ("", "")
    assert unquote(parts.path) == f"/{name}"


def test_xspf_is_read_back_by_other_parsers():
    data = written(PlaylistFormat.XSPF)
    xml.sax.parseString(data, xml.sax.ContentHandler())
    root = ElementTree.fromstring(data)
    assert root.tag == "{http://xspf.org/ns/0/}playlist"
    assert root.get("version") == "1"
    assert root.findtext("x:title", namespaces=NAMESPACE) == TITLE
    (listed,) = root.findall("x:trackList", NAMESPACE)
    tracks = listed.findall("x:track", NAMESPACE)
    assert len(tracks) == len(ENTRIES)
    for track, entry in zip(tracks, ENTRIES, strict=True):
        assert track.findtext("x:location", namespaces=NAMESPACE) == as_uri(entry.uri)
    first, second, third, fourth, _ = tracks
    assert first.findtext("x:duration", namespaces=NAMESPACE) == "61400"
    assert first.findtext("x:annotation", namespaces=NAMESPACE) == "slow 0.91"
    assert second.findtext("x:title", namespaces=NAMESPACE) == TITLE
    assert second.findtext("x:creator", namespaces=NAMESPACE) == "Łódź & <Co>"
    assert second.findtext("x:album", namespaces=NAMESPACE) == "雨,\nII"
    assert second.findtext("x:identifier", namespaces=NAMESPACE) == "earmark:b%202%2F%C3%BC"
    assert second.find("x:duration", NAMESPACE) is None
    assert third.find("x:title", NAMESPACE) is None
    assert fourth.findtext("x:title", namespaces=NAMESPACE) == "Bell   "


def test_jspf_has_lists_of_places_and_milliseconds():
    playlist = json.loads(written(PlaylistFormat.JSPF))["playlist"]
    assert playlist["title"] == TITLE
    first, second, *_ = playlist["track"]
    assert first == {
        "location": ["file:///music/plain.mp3"],
        "identifier": ["earmark:a-1"],
        "title": "Plain",
        "creator": "One",
        "annotation": "slow 0.91",
        "duration": 61400,
    }
    assert second["title"] == TITLE
    assert second["album"] == "雨,\r\nII"
    assert "duration" not in second


def test_csv_is_read_back_by_the_csv_module():
    rows = list(csv.DictReader(io.StringIO(written(PlaylistFormat.CSV).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["uri"] for row in rows] == [entry.uri for entry in ENTRIES]
    assert rows[1]["title"] == TITLE
    assert rows[1]["album"] == "雨,\r\nII"
    assert (rows[0]["position"], rows[0]["closeness"], rows[1]["duration_s"]) == ("1", "0.5", "")


def test_m3u8_has_two_lines_a_track_and_one_of_why():
    lines = written(PlaylistFormat.M3U8).decode().splitlines()
    assert lines == [
        "#EXTM3U",
        '#PLAYLIST:Rain, "<tea>" & 雨 evening',
        "#EXTINF:61,One - Plain",
        "# slow 0.91",
        "/music/plain.mp3",
        '#EXTINF:-1,Łódź & <Co> - Rain, "<tea>" & 雨 evening',
        "/music/50% off #1, live?.flac",
        "#EXTINF:5,c",
        "# a b",
        "s3://bucket/in%20rain%20%232%3F%2520.mp3",
        "#EXTINF:3,Bell",
        "# x",
        "file:///music/line%0Abreak%20.mp3",
        "#EXTINF:3,F - E",
        "# x",
        "https://host/a%20b.mp3?k=1",
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXT, TEXT, TEXT)
def test_any_title_survives_every_format(title, artist, reason):
    entries = [Entry("id", "/a.mp3", title, artist, None, 1.0, reason, {})]
    places = [
        line
        for line in written(PlaylistFormat.M3U8, entries).decode().split("\n")
        if line and not line.startswith("#")
    ]
    assert places == ["/a.mp3"]
    track = json.loads(written(PlaylistFormat.JSPF, entries))["playlist"]["track"][0]
    assert (track.get("title", ""), track.get("creator", "")) == (title, artist)
    root = ElementTree.fromstring(written(PlaylistFormat.XSPF, entries))
    found = root.findtext(".//x:track/x:title", "", NAMESPACE)
    allowed = title.replace("\r\n", "\n").replace("\r", "\n")
    assert len(found) == len(allowed)
    assert all(a == b or a == " " for a, b in zip(found, allowed, strict=True))
    (row,) = csv.DictReader(io.StringIO(written(PlaylistFormat.CSV, entries).decode(), newline=""))
    assert (row["title"], row["artist"]) == (title, artist)
