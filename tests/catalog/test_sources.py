import os
import shutil

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog.sources import (
    FileListing,
    Kind,
    hashed_id,
    open_source,
    parts_of,
    relative_path,
    stat,
)
from pipeline.errors import ConfigError, DataError, Reason
from pipeline.storage import Storage

STORAGE = Storage()


@pytest.fixture
def listed(scan_config):
    """The rows of a source, and what was omitted."""

    def run(source, **settings):
        scan = scan_config.model_copy(update=settings)
        opened = open_source(str(source), storage=STORAGE)
        listing = FileListing(opened, storage=STORAGE, scan=scan)
        rows = [row for batch in listing.batches() for row in batch.to_pylist()]
        return rows, listing.omitted

    return run


def ids(rows):
    return [row["track_id"] for row in rows]


def test_a_folder_gives_its_audio_files_in_order_and_counts_the_others(music, listed):
    rows, omitted = listed(music)
    names = [os.path.relpath(row["uri"], music) for row in rows]
    assert names == ["a/one.wav", "a/two.wav", "b/one.wav"]
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert omitted.num_files == 1


def test_an_ending_counts_in_any_case(music, listed):
    (music / "a" / "one.wav").rename(music / "a" / "one.WAV")
    assert len(listed(music)[0]) == 3


def test_ids_stay_when_the_folder_moves(music, listed):
    before = ids(listed(music)[0])
    shutil.move(music, music.with_name("elsewhere"))
    assert ids(listed(music.with_name("elsewhere"))[0]) == before


def test_a_data_set_name_is_part_of_the_ids(music, listed):
    plain, _ = listed(music)
    named, _ = listed(music, dataset="mine")
    assert not set(ids(plain)) & set(ids(named))
    assert {row["dataset"] for row in named} == {"mine"}


def test_ids_are_16_hex_characters_of_the_relative_path(music, listed):
    assert ids(listed(music)[0])[0] == hashed_id("a/one.wav", dataset=None)
    assert len(hashed_id("a/one.wav", dataset=None)) == 16


def test_a_glob_is_relative_to_the_part_before_the_pattern(music, listed):
    rows, _ = listed(music / "*" / "o*.wav")
    assert ids(rows) == ids(listed(music)[0])[::2]


def test_a_single_file_is_a_source(music, listed):
    rows, _ = listed(music / "a" / "one.wav")
    assert ids(rows) == [hashed_id("one.wav", dataset=None)]


def test_the_version_changes_when_the_file_does(music, listed, make_wave):
    before, _ = listed(music)
    make_wave(music / "a" / "one.wav", seconds=1.0)
    after, _ = listed(music)
    changed = [a["audio_version"] != b["audio_version"] for a, b in zip(before, after, strict=True)]
    assert changed == [True, False, False]


def test_a_source_may_be_any_url_of_fsspec(listed):
    fsspec.filesystem("memory").pipe("/songs/x/one.mp3", b"x")
    rows, _ = listed("memory://songs")
    assert ids(rows) == [hashed_id("x/one.mp3", dataset=None)]
    assert rows[0]["uri"].startswith("memory://")


def test_a_name_that_is_not_utf8_is_reported_and_stops_nothing(music, listed):
    shutil.copy(music / "a" / "one.wav", os.fsencode(music) + b"/caf\xe9.wav")
    rows, omitted = listed(music)
    assert len(rows) == 3
    assert len(omitted.unnameable) == 1


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        open_source(str(tmp_path / "nowhere"), storage=STORAGE)


@pytest.mark.parametrize("pattern", ["", "*.txt"])
def test_a_source_without_audio_is_refused_with_the_endings(tmp_path, listed, pattern):
    (tmp_path / "readme.txt").write_text("no music")
    with pytest.raises(ConfigError, match=r"1 file\(s\), and none ends in \.wav, \.mp3"):
        listed(tmp_path / pattern if pattern else tmp_path)


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl", "CSV"])
def test_a_table_is_known_by_its_ending(tmp_path, ending):
    (tmp_path / f"tracks.{ending}").touch()
    assert open_source(str(tmp_path / f"tracks.{ending}"), storage=STORAGE).kind is Kind.TABLE


def test_what_is_not_there_is_missing(tmp_path):
    with pytest.raises(DataError) as caught:
        stat(str(tmp_path / "gone.wav"), storage=STORAGE)
    assert caught.value.reason is Reason.MISSING


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="not a file but a directory"):
        stat(str(tmp_path), storage=STORAGE)


def test_a_url_that_no_store_serves_costs_one_row():
    with pytest.raises(DataError) as caught:
        stat("nothing://a/b.wav", storage=STORAGE)
    assert caught.value.reason is Reason.FETCH_FAILED


@given(st.lists(st.integers()), st.integers(1, 5))
def test_parts_hold_every_item_once_in_order(items, size):
    parts = list(parts_of(items, size=size))
    assert [item for part in parts for item in part] == items
    assert all(0 < len(part) <= size for part in parts)


@given(st.from_regex(r"[^/\n][^\n]{0,20}", fullmatch=True))
def test_a_path_below_the_base_comes_back(path):
    assert relative_path(f"s3://bucket/{path}", base_url="s3://bucket") == path
