from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.file_tags_places import LIST_FOLDER, copy_path, is_below


@pytest.mark.parametrize(
    ("uri", "source", "path"),
    [
        ("/music/a/b.mp3", "/music", "a/b.mp3"),
        ("/music/a/b.mp3", "/music/", "a/b.mp3"),
        ("/musical/b.mp3", "/music", "musical/b.mp3"),
        ("/data/audio/b.mp3", "/data/tracks.parquet", "audio/b.mp3"),
        ("/elsewhere/b.mp3", "/data/tracks.csv", "elsewhere/b.mp3"),
        ("/music/a/b.mp3", "/music/*/*.mp3", "a/b.mp3"),
        ("s3://bucket/m/a.mp3", "s3://bucket/m", "a.mp3"),
        ("s3://bucket/m/a.mp3", "/list.csv", "bucket/m/a.mp3"),
        ("/music/../../etc/x.mp3", "/data", "music/etc/x.mp3"),
        (f"/music/{LIST_FOLDER}/x.mp3", "/music", f"_{LIST_FOLDER}/x.mp3"),
        ("/music", "/music", "music"),
    ],
)
def test_a_copy_lies_as_its_original_does(uri, source, path):
    assert copy_path(uri, source_url=source) == path


@given(st.text("ab./%*[:", max_size=12), st.text("ab./*", max_size=8))
def test_no_copy_leads_out_of_the_output(uri, source):
    path = copy_path("/" + uri, source_url="/" + source)
    assert path
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert path.split("/")[0] != LIST_FOLDER


def test_below_is_below_a_folder_and_no_name_that_begins_alike():
    assert is_below("/a/b", "/a")
    assert is_below("/a/b", "/a/")
    assert not is_below("/a", "/a")
    assert not is_below("/ab", "/a")
    assert not is_below("/ab", "")
