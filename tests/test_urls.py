from __future__ import annotations

import pytest

from pipeline.urls import absolute, has_glob, is_below, is_local, join, local_path


@pytest.mark.parametrize(
    ("url", "local"),
    [("music", True), ("file:///music", True), ("local://music", True), ("s3://bucket/x", False)],
)
def test_what_has_a_protocol_of_its_own_is_not_local(url, local):
    assert is_local(url) is local


def test_paths_become_absolute_and_urls_lose_their_last_slash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("music") == local_path("file://music") == str(tmp_path / "music")
    assert absolute("s3://bucket/x/") == "s3://bucket/x"
    assert join("s3://bucket/x/", "a", "b") == "s3://bucket/x/a/b"


def test_a_pattern_is_seen():
    assert has_glob("s3://bucket/*.mp3")
    assert not has_glob("s3://bucket/one.mp3")


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("/ws/catalog/part.parquet", True),
        ("/ws/catalog/x/../part.parquet", True),
        ("/ws/catalog/../part.parquet", False),
        ("/ws/catalog/../../etc/passwd", False),
        ("/ws/catalog2/part.parquet", False),
        ("/ws/catalog", False),
        ("/etc/passwd", False),
    ],
)
def test_what_leaves_a_folder_is_seen(url, below):
    assert is_below(url, "/ws/catalog/") is below
    assert is_below(f"s3://b{url}", "s3://b/ws/catalog") is below
