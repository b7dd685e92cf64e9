from __future__ import annotations

import csv
import io
import json

import pytest
from browsing import press


def test_a_playlist_from_tags_says_why_and_is_taken_away_in_each_format(client):
    query = "like=wild&match=any&tracks=2&per_artist=1"
    text = client.get(f"/playlist?{query}").text
    assert "wild 0.45" in text
    assert (
        "/playlist/file?like=wild&amp;match=any&amp;tracks=2&amp;per_artist=1&amp;form=m3u8" in text
    )
    m3u8 = client.get(f"/playlist/file?{query}&form=m3u8")
    assert m3u8.text.startswith("#EXTM3U")
    assert 'attachment; filename="playlist.m3u8"' in m3u8.headers["content-disposition"]
    assert m3u8.text.count("\n/") == 2
    assert "<location>file:///" in client.get(f"/playlist/file?{query}&form=xspf").text
    jspf = json.loads(client.get(f"/playlist/file?{query}&form=jspf").content)
    assert len(jspf["playlist"]["track"]) == 2
    rows = list(csv.DictReader(io.StringIO(client.get(f"/playlist/file?{query}&form=csv").text)))
    assert rows[0]["track_id"] == "t009"


def test_a_playlist_like_my_list_has_an_address_that_holds_the_tracks(client):
    press(client, "/desk", do="list", track="t001")
    text = client.get("/playlist?mine=1&tracks=3&per_artist=2").text
    assert "like the seeds" in text
    assert "seed_track=t001" in text
    again = client.get("/playlist/file?seed_track=t001&tracks=3&per_artist=2&form=csv").text
    assert len(again.splitlines()) == 4


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("like=wyld", "no tag 'wyld'"),
        ("like=wild&not=wild", "Leave one of them out"),
        ("like=wild&tracks=2&minutes=3", "give one of"),
        ("like=wild&diversity=7", "diversity"),
        ("like=wild&tracks=two", "is no number"),
        ("seed_track=nobody", "nobody"),
        ("like=wild&curve=spiral", "curve"),
    ],
)
def test_what_cannot_be_built_is_said(client, query, said):
    answer = client.get(f"/playlist?{query}")
    assert answer.status_code == 400
    assert said in answer.text.replace("&#39;", "'")


def test_my_list_is_a_playlist_too(client):
    press(client, "/desk", do="list", track="t003")
    m3u8 = client.get("/list/file?form=m3u8").text
    assert "#EXTINF:4,Bob - <script>" in m3u8
    assert "# chosen by hand" in m3u8
    assert client.get("/list/file?form=exe").status_code == 404
