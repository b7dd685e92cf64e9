from __future__ import annotations

import gc
import io
import json
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from listens import Listen, write_listenbrainz, write_spotify, write_table

from pipeline.consumers import recap_zips
from pipeline.consumers.recap_files import find_history
from pipeline.consumers.recap_formats import Container, Kind
from pipeline.consumers.recap_zips import plain_name
from pipeline.errors import ConfigError
from pipeline.storage import Storage

STORAGE = Storage()
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LINE = json.dumps({"track": "t1", "time": 1709294400}).encode() + b"\n"
LISTENS = [
    Listen("ada", "t1", "Björk", f"Song {i % 7}", NOON + timedelta(hours=i), 100_000)
    for i in range(50)
]


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files, in which nothing may stay."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(path: Path, members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def read(files) -> dict[str, bytes]:
    return {url: Path(url).read_bytes() for urls in files.by_format.values() for url in urls}


def of_listenbrainz(tmp_path: Path) -> Path:
    """Named as the service names them."""
    members = {"user.json": b'{"username": "ada"}', "feedback.jsonl": b'{"score": 1}\n'}
    for year, month, some in ((2023, 12, LISTENS[:20]), (2024, 1, LISTENS[20:])):
        data = write_listenbrainz(tmp_path / "part.jsonl", some).read_bytes()
        members[f"listens/{year}/{month}.jsonl"] = data
    return zipped(tmp_path / "listenbrainz_ada.zip", members)


def test_an_export_of_listenbrainz_is_read_and_the_rest_of_it_named(tmp_path):
    export = of_listenbrainz(tmp_path)
    files = find_history(str(export), storage=STORAGE)
    assert [form.kind for form in files.by_format] == [Kind.LISTENBRAINZ]
    assert files.num_files == 2
    assert sum(data.count(b"\n") for data in read(files).values()) == len(LISTENS)
    assert set(files.left_out) == {f"{export.name}/user.json", f"{export.name}/feedback.jsonl"}


def test_an_export_of_spotify_is_read(tmp_path):
    folder = write_spotify(tmp_path / "Spotify Extended Streaming History", LISTENS, rows_a_file=20)
    members = {f"{folder.name}/{one.name}": one.read_bytes() for one in folder.iterdir()}
    members[f"{folder.name}/ReadMeFirst_ExtendedStreamingHistory.pdf"] = b"%PDF-1.4\x00"
    files = find_history(str(zipped(tmp_path / "my data.zip", members)), storage=STORAGE)
    ((form, urls),) = files.by_format.items()
    assert (form.kind, form.container, len(urls)) == (Kind.SPOTIFY, Container.JSON_ARRAY, 3)
    assert files.left_out == ("my data.zip/ReadMeFirst_ExtendedStreamingHistory.pdf",)


def test_archives_in_a_folder_stand_beside_its_files(tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "z.jsonl").write_bytes(LINE)
    zipped(folder / "a.zip", {"x/1.jsonl": LINE, "y/1.jsonl": LINE})
    write_table(tmp_path / "t.parquet", LISTENS)
    zipped(folder / "b.zip", {"t": (tmp_path / "t.parquet").read_bytes()})
    files = find_history(str(folder), storage=STORAGE)
    by_container = {form.container: urls for form, urls in files.by_format.items()}
    assert len(by_container[Container.JSON_LINES]) == 3
    assert by_container[Container.JSON_LINES][0] == str(folder / "z.jsonl")
    assert len(by_container[Container.PARQUET]) == 1


def test_an_archive_of_an_object_store_is_copied_and_read(tmp_path, scratch):
    url = f"memory://zips/{tmp_path.name}/export.zip"
    STORAGE.write(url, of_listenbrainz(tmp_path).read_bytes())
    files = find_history(url, storage=STORAGE)
    assert files.num_files == 2
    assert all(Path(one).is_relative_to(scratch) for one in read(files))
    assert not list(scratch.rglob("*.zip"))


def test_what_was_unpacked_goes_with_the_files(tmp_path, scratch):
    files = find_history(str(of_listenbrainz(tmp_path)), storage=STORAGE)
    assert len([one for one in scratch.rglob("*") if one.is_file()]) == 2
    del files
    gc.collect()
    assert list(scratch.iterdir()) == []
    with pytest.raises(ConfigError):
        find_history(str(zipped(tmp_path / "no.zip", {"a.txt": b"words"})), storage=STORAGE)
    gc.collect()
    assert list(scratch.iterdir()) == []


EVIL = [
    "../../evil",
    "/etc/evil",
    "C:\\evil",
    "..\\..\\evil",
    "a/../../b",
    "x*?[1].jsonl",
    "\n",
    "ü",
]


@pytest.mark.parametrize("name", EVIL)
def test_a_members_path_is_never_used(tmp_path, scratch, name):
    export = zipped(tmp_path / "e.zip", {name: LINE})
    before = {one for one in tmp_path.rglob("*") if not one.is_relative_to(scratch)}
    files = find_history(str(export), storage=STORAGE)
    assert {one for one in tmp_path.rglob("*") if not one.is_relative_to(scratch)} == before
    (url,) = read(files)
    assert Path(url).parent.parent == scratch
    assert not set(url) & set("*?[]\n")


@given(name=st.text(max_size=200))
def test_any_name_becomes_a_plain_one(name):
    plain = plain_name(name)
    assert 0 < len(plain) <= recap_zips.LONGEST_NAME
    assert plain.isascii()
    assert plain.replace("_", "").replace("-", "").isalnum() or not plain.strip("_-")


def test_an_encrypted_member_is_named(tmp_path):
    export = zipped(tmp_path / "e.zip", {"a.jsonl": LINE})
    data = bytearray(export.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    export.write_bytes(data)
    with pytest.raises(ConfigError, match=r"e\.zip/a\.jsonl: encrypted: unpack .* password"):
        find_history(str(export), storage=STORAGE)


def test_an_archive_within_another_is_named_and_the_rest_is_read(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a.jsonl": LINE}).read_bytes()
    export = zipped(tmp_path / "e.zip", {"inner.zip": inner})
    with pytest.raises(ConfigError, match="a zip archive within another: unpack it first"):
        find_history(str(export), storage=STORAGE)
    files = find_history(
        str(zipped(tmp_path / "f.zip", {"inner.zip": inner, "a.jsonl": LINE})), storage=STORAGE
    )
    assert (files.num_files, files.left_out) == (1, ("f.zip/inner.zip",))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_reader_does_not_stop_are_not_read(tmp_path, method):
    export = zipped(tmp_path / "e.zip", {"a.jsonl": LINE}, method=method)
    with pytest.raises(ConfigError, match="packed by a method that is not read"):
        find_history(str(export), storage=STORAGE)


@pytest.mark.parametrize("members", [{}, {"a.jsonl": b""}, {"folder/": b"", "b.json": b"[]"}])
def test_an_archive_without_a_row_is_empty(tmp_path, members):
    with pytest.raises(ConfigError, match="is empty: no row"):
        find_history(str(zipped(tmp_path / "e.zip", members)), storage=STORAGE)


def test_a_bomb_is_refused_before_a_byte_is_written(tmp_path, scratch, monkeypatch):
    monkeypatch.setattr(recap_zips, "RATIO_FROM_BYTES", 2**20)
    export = tmp_path / "bomb.zip"
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", LINE + b"\n" * 2**22)
    with pytest.raises(ConfigError, match=r"4\.0 MiB, [\d,]+ times its own size.* zip bomb"):
        find_history(str(export), storage=STORAGE)
    assert not [one for one in scratch.rglob("*") if one.is_file()]


def test_members_that_share_their_bytes_count_each(tmp_path, monkeypatch):
    """D. Fifield, A better zip bomb (WOOT 2019): a list of members of one and the same place."""
    monkeypatch.setattr(recap_zips, "RATIO_FROM_BYTES", 2**20)
    one = zipped(tmp_path / "one.zip", {"a.jsonl": LINE * 1000}).read_bytes()
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    listed, tail = one[start:end] * 2000, bytearray(one[end:])
    for place, number, size in ((8, 2000, 2), (10, 2000, 2), (12, len(listed), 4)):
        tail[place : place + size] = number.to_bytes(size, "little")
    (tmp_path / "bomb.zip").write_bytes(one[:start] + listed + tail)
    with pytest.raises(ConfigError, match="zip bomb"):
        find_history(str(tmp_path / "bomb.zip"), storage=STORAGE)


def test_limits_hold_for_all_archives_together(tmp_path, monkeypatch):
    monkeypatch.setattr(recap_zips, "MOST_BYTES", 3 * len(LINE))
    folder = tmp_path / "history"
    folder.mkdir()
    zipped(folder / "a.zip", {"1": LINE, "2": LINE})
    assert find_history(str(folder), storage=STORAGE).num_files == 2
    zipped(folder / "b.zip", {"1": LINE, "2": LINE})
    with pytest.raises(ConfigError, match=r"b\.zip has .* unpacked, over the limit"):
        find_history(str(folder), storage=STORAGE)


def test_members_and_their_list_have_limits(tmp_path, monkeypatch):
    export = zipped(tmp_path / "e.zip", {f"{i}.jsonl": LINE for i in range(30)})
    monkeypatch.setattr(recap_zips, "MOST_MEMBERS", 29)
    with pytest.raises(ConfigError, match=r"e\.zip has 30 members, over the limit of 29"):
        find_history(str(export), storage=STORAGE)
    monkeypatch.setattr(recap_zips, "DIRECTORY_BYTES", 1000)
    with pytest.raises(ConfigError, match="a list of members of"):
        find_history(str(export), storage=STORAGE)


def test_a_disk_without_room_is_said(tmp_path, monkeypatch):
    usage = recap_zips.shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(recap_zips.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ConfigError, match="set TMPDIR to a folder on a larger disk"):
        find_history(str(zipped(tmp_path / "e.zip", {"a": LINE})), storage=STORAGE)


def whole_archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"listens/{i}.jsonl", LINE * (i + 1))
    return data.getvalue()


WHOLE = whole_archive()


@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(4, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4
    ),
    kept=st.integers(5, len(WHOLE)),
)
def test_a_damaged_archive_is_read_or_refused_in_words(tmp_path, changes, kept):
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    path = tmp_path / "broken.zip"
    path.write_bytes(data[:kept] if kept % 3 == 0 else data)
    said = ""
    try:
        assert find_history(str(path), storage=STORAGE).num_files <= 3
    except ConfigError as error:
        said = str(error)
    assert not said or "broken.zip" in said


def test_what_is_no_history_is_not_unpacked(tmp_path, scratch):
    export = zipped(tmp_path / "e.zip", {"zeros": b"\0" * 2**20, "a.jsonl": LINE})
    files = find_history(str(export), storage=STORAGE)
    assert [one.read_bytes() for one in scratch.rglob("*") if one.is_file()] == [LINE]
    assert files.left_out == ("e.zip/zeros",)


def test_an_archive_that_breaks_off_is_said(tmp_path):
    (tmp_path / "half.zip").write_bytes(WHOLE[: len(WHOLE) // 2])
    with pytest.raises(
        ConfigError, match=r"half\.zip is damaged or breaks off .*download it again"
    ):
        find_history(str(tmp_path / "half.zip"), storage=STORAGE)
