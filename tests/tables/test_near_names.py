from __future__ import annotations

import pytest
from tagged import STORAGE, track, write_tracks

from pipeline.errors import UserError
from pipeline.tables.near_names import near_names
from pipeline.tables.show import find_track
from pipeline.tables.views import open_views


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws")
    tracks = [
        track("t1", title="Gymnopedie No. 1", artist="Erik Satie"),
        track("t2", title="Clair de Lune", artist="Claude Debussy"),
        track("t3", title=None, artist=None, uri="/music/field-recording.wav"),
    ]
    write_tracks(root, tracks)
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        yield connection


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("gymnopedia no 1", "t1 (Gymnopedie No. 1, Erik Satie)"),
        ("claude debusy clair", "t2 (Clair de Lune, Claude Debussy)"),
        ("feild-recording", "t3 (.../music/field-recording.wav)"),
    ],
)
def test_a_name_with_a_wrong_letter_finds_its_track_first(session, asked, first):
    assert near_names(session, name=asked)[0] == first


def test_a_name_like_none_finds_none(session):
    assert near_names(session, name="zzzzqqqq") == []


def test_a_track_that_is_not_there_is_an_error_with_near_names(session):
    with pytest.raises(UserError, match=r"no track 'clare de lune'.*; near it are: t2 \(Clair"):
        find_track(session, track="clare de lune")
    with pytest.raises(UserError, match=r"no track 'zzzzqqqq' in the catalog\. Give a track_id"):
        find_track(session, track="zzzzqqqq")
