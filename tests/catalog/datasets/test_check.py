"""A copy of a data set beside what is published: every way in which it can differ is told."""

from __future__ import annotations

import hashlib

import pytest
from click.testing import CliRunner

from jobs import dataset as job
from pipeline.catalog.datasets import Checksum, DataSet, Place, Track
from pipeline.catalog.datasets.check import SHOWN, Check, Some, check_dataset
from pipeline.catalog.datasets.known import DATASETS
from pipeline.config import ScanConfig
from pipeline.errors import ConfigError
from pipeline.storage import Storage, join

ROWS = [
    ("a/one.wav", "train", "Ann"),
    ("a/two.wav", "train", "Bea"),
    ("b/three.wav", "validation", "Cay"),
    ("b/four.wav", "test", None),
]
COUNTS = {"train": 2, "validation": 1, "test": 1}
SCAN = ScanConfig(dataset=None, extensions=(".wav", ".mp3"), num_threads=2, probe_timeout_s=5.0)


def data_set(rows=ROWS, *, counts=None, checksums=None, **choices):
    def read(place, findings):
        for path, split, artist in rows:
            findings.tracks[split or "all"] += 1
            yield Track(
                track_id=f"few/{path}", uri=join(place.url, path), artist=artist, split=split
            )

    published = {"": COUNTS} if counts is None else counts
    return DataSet(title="Few", read=read, counts=published, checksums=checksums or {}, **choices)


@pytest.fixture
def copy(tmp_path):
    """Every row has audio, each other bytes of one size; a table stands beside it."""
    for number, (path, _, _) in enumerate(ROWS):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(bytes([number]) * 40_000)
    (tmp_path / "tracks.csv").write_text("x")
    return tmp_path


@pytest.fixture
def check(copy):
    def run(known=None, *, on_progress=lambda done, total: None, **asked) -> Check:
        place = Place(url=str(copy), name=None, storage=Storage(), **asked)
        return check_dataset(known or data_set(), place=place, scan=SCAN, on_progress=on_progress)

    return run


def shown(check, what):
    return next(line for line in check.lines() if line.startswith(f"  {what}"))


def test_a_copy_that_is_as_published_says_so(check):
    result = check()
    assert result.as_published
    assert list(result.lines())[-1] == "  as published"
    assert shown(result, "audio missing") == "  audio missing: none"
    assert shown(result, "train") == "  train: 2 tracks"
    assert not any("wrong count" in line for line in result.lines())


def test_missing_and_empty_audio_are_faults(check, copy):
    (copy / "a" / "one.wav").unlink()
    (copy / "b" / "four.wav").write_bytes(b"")
    result = check()
    assert shown(result, "audio missing") == "  audio missing: 1: a/one.wav"
    assert shown(result, "audio empty") == "  audio empty: 1: b/four.wav"
    assert not result.as_published
    assert list(result.lines())[-1] == "  not as published"


def test_audio_that_no_row_names_is_told_and_no_fault(check, copy):
    (copy / "a" / "five.MP3").write_bytes(b"x")
    (copy / "a" / "._one.wav").write_bytes(b"x")
    (copy / "notes.txt").write_text("x")
    result = check()
    assert shown(result, "audio that no row names") == "  audio that no row names: 1: a/five.MP3"
    assert result.as_published


def test_ids_that_stand_twice_are_faults(check):
    result = check(data_set([*ROWS, ROWS[0]], counts={}))
    assert shown(result, "track ids") == "  track ids that stand twice: 1: few/a/one.wav"
    assert not result.as_published


def test_a_part_with_another_number_of_tracks_is_named(check):
    result = check(data_set(counts={"": {"train": 2, "validation": 2, "extra": 5}}))
    assert result.wrong_counts == {"validation": 2, "test": 0, "extra": 5}
    assert shown(result, "wrong count: extra") == ("  wrong count: extra has 5 tracks as published")
    assert not result.as_published


@pytest.mark.parametrize(
    ("asked", "published"),
    [
        ({}, {"train": 1}),
        ({"splits": "x"}, {"train": 1}),
        ({"labels": "all"}, {"train": 2}),
        ({"splits": "y"}, {"train": 3}),
        ({"splits": "y", "labels": "all"}, {"train": 3}),
    ],
)
def test_counts_are_those_of_the_splits_and_labels_that_were_chosen(check, asked, published):
    counts = {"x top": {"train": 1}, "x all": {"train": 2}, "y": {"train": 3}}
    known = data_set(counts=counts, splits=("x", "y"), labels=("top", "all"))
    assert check(known, **asked).published == published


def test_where_no_counts_are_published_none_is_wrong(check):
    result = check(data_set(counts={}))
    assert result.as_published
    assert "  no counts are published for these splits and labels" in result.lines()


def test_what_the_adapter_finds_absent_is_a_fault(check):
    known = data_set()

    def read(place, findings):
        findings.absent.append("the names")
        yield from known.read(place, findings)

    result = check(DataSet(title="Few", read=read, counts=known.counts))
    assert not result.as_published
    assert "  absent: the names" in result.lines()


def test_bit_exact_copies_are_told_and_those_between_splits_again(check, copy):
    (copy / "a" / "two.wav").write_bytes(bytes([0]) * 40_000)
    (copy / "b" / "four.wav").write_bytes(bytes([2]) * 40_000)
    result = check()
    assert (result.copies.count, result.leaking.count) == (2, 1)
    assert shown(result, "groups of bit-exact copies in") == (
        "  groups of bit-exact copies in several splits: 1: b/four.wav (test) = "
        "b/three.wav (validation)"
    )
    assert "a/one.wav (train) = a/two.wav (train)" in shown(result, "groups of bit-exact copies")
    assert result.as_published


def test_files_that_only_begin_alike_or_only_are_as_long_are_no_copies(check, copy):
    (copy / "a" / "one.wav").write_bytes(bytes(39_999) + b"1")
    (copy / "a" / "two.wav").write_bytes(bytes(39_999) + b"2")
    (copy / "b" / "three.wav").write_bytes(b"")
    (copy / "b" / "four.wav").write_bytes(b"")
    assert check().copies.count == 0


def test_a_large_group_of_copies_is_cut(check, copy):
    for path, _, _ in ROWS:
        (copy / path).write_bytes(b"same")
    assert "= b/four.wav (test) = 1 more" in shown(check(), "groups of bit-exact copies:")


def test_artists_in_several_splits_are_told(check):
    rows = [(path, split, "Ann" if artist else None) for path, split, artist in ROWS]
    result = check(data_set([*rows, ("a/six.wav", None, "Ann")], counts={}))
    assert shown(result, "artists") == "  artists in several splits: 1: Ann (train, validation)"


def test_checksums_are_compared_for_the_files_that_are_there(check, copy):
    (copy / "few.zip").write_bytes(b"few")
    (copy / "bad.zip").write_bytes(b"few")
    result = check(
        data_set(
            checksums={
                "few.zip": Checksum(kind="sha1", digest=hashlib.sha1(b"few").hexdigest()),
                "bad.zip": Checksum(kind="md5", digest="0" * 32),
                "not-there.zip": Checksum(kind="sha256", digest="0" * 64),
            }
        )
    )
    assert result.checksums == {"few.zip": True, "bad.zip": False}
    assert shown(result, "few.zip") == "  few.zip: its checksum is the published one"
    assert shown(result, "bad.zip") == "  bad.zip: its checksum is not the published one"
    assert not result.as_published


def test_audio_outside_the_folder_is_not_looked_for(check):
    known = data_set()

    def read(place, findings):
        yield Track(track_id="few/far", uri="s3://elsewhere/far.wav")
        yield from known.read(place, findings)

    result = check(DataSet(title="Few", read=read, counts=known.counts))
    assert shown(result, "audio elsewhere") == (
        "  audio elsewhere, not looked for: 1: s3://elsewhere/far.wav"
    )
    assert result.as_published


def test_progress_counts_the_files_that_may_be_copies(check, copy):
    (copy / "a" / "one.wav").write_bytes(b"alone")
    seen = []
    check(on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]


def test_some_shows_the_first_few():
    some = Some()
    for number in range(SHOWN + 2):
        some.add(str(number))
    assert str(some) == "5: 0; 1; 2; and 2 more"


def test_it_works_on_any_storage():
    storage = Storage()
    for number, (path, _, _) in enumerate(ROWS):
        storage.write(join("memory://few", path), bytes([number % 2]) * 9)
    result = check_dataset(
        data_set(),
        place=Place(url="memory://few", name=None, storage=storage),
        scan=SCAN,
        on_progress=lambda done, total: None,
    )
    assert result.as_published
    assert result.copies.count == 2
    assert result.leaking.count == 2


def test_a_folder_that_does_not_exist_is_refused(check, copy):
    place = Place(url=str(copy / "nowhere"), name=None, storage=Storage())
    with pytest.raises(ConfigError, match="does not exist"):
        check_dataset(data_set(), place=place, scan=SCAN, on_progress=lambda done, total: None)


def test_a_file_that_cannot_be_read_is_named(check, copy, monkeypatch):
    def fail(self, url, mode="rb"):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Storage, "open", fail)
    with pytest.raises(ConfigError, match=r"a/one\.wav cannot be read: .*Permission denied"):
        check()


@pytest.mark.parametrize(("broken", "code"), [(False, 0), (True, 1)])
def test_the_commands_exit_code_says_whether_the_copy_is_as_published(
    copy, monkeypatch, root, broken, code
):
    monkeypatch.setitem(DATASETS, "gtzan", data_set())
    if broken:
        (copy / "a" / "one.wav").unlink()
    line = ["check", "gtzan", str(copy), "--workspace", str(root)]
    result = CliRunner().invoke(job.main, line)
    assert result.exit_code == code, result.output
    assert result.output.splitlines()[-1] == ("  not as published" if code else "  as published")
    assert f"gtzan: {copy}" in result.output


def test_the_command_says_what_is_wrong_without_a_traceback(copy):
    result = CliRunner().invoke(job.main, ["check", "gtzan", str(copy), "--splits", "filtered"])
    assert result.exit_code == 1
    assert "Error: " in result.output
    assert "is not GTZAN" in result.output


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_what_is_published_is_keyed_by_choices_that_exist(name):
    known = DATASETS[name]
    for key in known.counts:
        splits, _, labels = key.partition(" ")
        assert splits == "" or splits in known.splits
        assert labels == "" or labels in known.labels
