from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import ConfigError, DataError, Reason
from pipeline.storage import Storage, absolute, join

STORAGE = Storage()


def test_a_walk_gives_files_in_order_with_size_and_version(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.wav").write_bytes(b"22")
    (tmp_path / "a one.wav").write_bytes(b"1")
    entries = list(STORAGE.walk(str(tmp_path)))
    assert [entry.url for entry in entries] == [
        str(tmp_path / "a one.wav"),
        str(tmp_path / "b" / "two.wav"),
    ]
    assert [entry.size_bytes for entry in entries] == [1, 2]


def test_a_version_changes_with_the_file(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"1")
    (before,) = STORAGE.walk(str(path))
    os.utime(path, ns=(1, 1))
    (after,) = STORAGE.walk(str(path))
    assert before.version != after.version


def test_a_glob_gives_what_it_names(tmp_path):
    for name in ("a.mp3", "b.wav", "c.mp3"):
        (tmp_path / name).write_bytes(b"1")
    found = [entry.url for entry in STORAGE.walk(str(tmp_path / "*.mp3"))]
    assert found == [str(tmp_path / "a.mp3"), str(tmp_path / "c.mp3")]


def test_fetch_gives_bytes_or_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.storage.RETRY_PAUSES_S", (0.0,))
    path = tmp_path / "x.wav"
    path.write_bytes(b"12345")
    assert STORAGE.fetch(str(path), max_bytes=5) == b"12345"
    empty = tmp_path / "empty.wav"
    empty.touch()
    for url, limit, reason in [
        (str(path), 4, Reason.TOO_LARGE),
        (str(tmp_path / "none.wav"), 5, Reason.MISSING),
        (str(empty), 5, Reason.EMPTY),
        (str(tmp_path), 5000, Reason.FETCH_FAILED),
        ("nosuch://bucket/x.wav", 5, Reason.FETCH_FAILED),
    ]:
        with pytest.raises(DataError) as error:
            STORAGE.fetch(url, max_bytes=limit)
        assert error.value.reason == reason


def test_a_store_whose_library_is_not_here_is_the_users_to_mend(monkeypatch):
    def refuse(url, **options):
        raise ImportError("install gcsfs")

    monkeypatch.setattr("pipeline.storage.url_to_fs", refuse)
    with pytest.raises(ConfigError, match="install gcsfs"):
        STORAGE.fetch("gs://bucket/x.wav", max_bytes=5)


def test_colons_and_brackets_in_names_are_just_names(tmp_path):
    """Past bugs: fsspec takes `::` for a chain of URLs, and brackets for a pattern."""
    folder = tmp_path / "Album [2004]"
    folder.mkdir()
    (folder / "Song::Live.mp3").write_bytes(b"abc")
    (entry,) = STORAGE.walk(str(folder))
    assert STORAGE.fetch(entry.url, max_bytes=10) == b"abc"


def test_a_store_that_fails_is_asked_again(monkeypatch):
    monkeypatch.setattr("pipeline.storage.RETRY_PAUSES_S", (0.0, 0.0))
    STORAGE.write("memory://flaky/y.wav", b"abc")
    filesystem, _ = STORAGE.filesystem("memory://flaky/y.wav")
    opened, real = [], type(filesystem).open

    def flaky(self, *args, **kwargs):
        opened.append(args)
        if len(opened) < 3:
            raise OSError("503 slow down")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(filesystem), "open", flaky)
    assert STORAGE.fetch("memory://flaky/y.wav", max_bytes=10) == b"abc"
    assert len(opened) == 3
    monkeypatch.undo()
    STORAGE.delete("memory://flaky/y.wav")


def test_many_processes_may_put_one_file_at_once(tmp_path):
    """A past bug: one temporary name for all of them."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * 2_000_000)
    target = str(tmp_path / "plans" / "p.parquet")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: STORAGE.put(str(source), target), range(64)))
    assert STORAGE.read(target) == source.read_bytes()
    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["p.parquet"]


def test_other_protocols_go_the_same_way():
    STORAGE.write("memory://bucket/x.wav", b"abc")
    assert STORAGE.fetch("memory://bucket/x.wav", max_bytes=10) == b"abc"
    (entry,) = STORAGE.walk("memory://bucket")
    assert entry.url == "memory:///bucket/x.wav"
    STORAGE.delete("memory://bucket/x.wav")
    assert not STORAGE.exists("memory://bucket/x.wav")


def test_a_written_file_is_whole_or_not_there(tmp_path):
    url = str(tmp_path / "deep" / "x.json")
    STORAGE.write(url, b"{}")
    source = tmp_path / "source"
    source.write_bytes(b"[]")
    STORAGE.put(str(source), url)
    assert STORAGE.read(url) == b"[]"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.json"]


def test_urls_join_and_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert join("s3://bucket/", "a", "b") == "s3://bucket/a/b"
    assert absolute("data") == str(tmp_path / "data")
    assert absolute("s3://bucket/x/") == "s3://bucket/x"
