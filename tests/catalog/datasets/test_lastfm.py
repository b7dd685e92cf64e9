"""The Million Song Dataset with Last.fm's tags: splits, tags, names and previews, and refusals."""

from __future__ import annotations

import os
import pickle
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.dataset import main
from pipeline.catalog.datasets import Findings, Place, Track, lastfm_splits
from pipeline.catalog.datasets.lastfm import LASTFM, read_lastfm
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.storage import Storage

ROCK, MELLOW, FOLK, BARE, STRANGE = (
    *("TRAADIN128F931D672", "TRABBAJ12903CA736F", "TRMMGKQ128F9325E10"),
    *("TRZZZKU128F421A5CE", "TRQQQRZ128F42B3EFE"),
)
TAGS = {
    ROCK: [("rock", 100), ("Rock", 90), ("seen live", 60), ("happy", 3), ("pop", 0)],
    MELLOW: [("Mellow", 50), ("female vocalists", 100), ("  ", 7)],
    FOLK: [("folk", 100)],
    BARE: [("favourite; really", 12)],
}
SONGS = {ROCK: "The Band", MELLOW: "Bj\u00f6rk", FOLK: "Linkwood", BARE: "Nobody"}


def write_tags(path: Path, tags: dict[str, list[tuple[str, float]]] = TAGS) -> None:
    """A database as published: three tables that are joined by ROWID, which is not the id."""
    words = sorted({word for pairs in tags.values() for word, _ in pairs})
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE tids (tid TEXT)")
        base.execute("CREATE TABLE tags (tag TEXT)")
        base.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
        base.executemany("INSERT INTO tags VALUES (?)", [(word,) for word in words])
        for number, (track_id, pairs) in enumerate(reversed(tags.items()), start=1):
            base.execute("INSERT INTO tids VALUES (?)", (track_id,))
            base.executemany(
                "INSERT INTO tid_tag VALUES (?, ?, ?)",
                [(number, words.index(word) + 1, value) for word, value in pairs],
            )
    base.close()


def python2_list(ids: list[str]) -> bytes:
    """As cPickle wrote it."""
    entries = "".join(f"S'{one}'\np{n}\na" for n, one in enumerate(ids, start=2))
    return f"(lp1\n{entries}.".encode()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Four tagged tracks, and one of the split that the database does not know."""
    monkeypatch.setattr(lastfm_splits, "NUM_LEE_TRAIN", 2)
    monkeypatch.setattr(
        lastfm_splits,
        "NUM_LEE",
        {"filtered_list_train.cP": 3, "filtered_list_test.cP": 2},
    )
    folder = tmp_path / "msd"
    (folder / "split" / "msd").mkdir(parents=True)
    write_tags(folder / "lastfm_tags.db")
    (folder / "unique_tracks.txt").write_text(
        "".join(
            f"{track_id}<SEP>SOMUMNSI12AB018280<SEP>{artist}<SEP>Song, or \x85 <SO\n"
            for track_id, artist in SONGS.items()
        )
    )
    (folder / "sid_mismatches.txt").write_text("")
    lists = folder / "split" / "msd"
    (lists / "filtered_list_train.cP").write_bytes(python2_list([MELLOW, ROCK, FOLK]))
    (lists / "filtered_list_test.cP").write_bytes(python2_list([STRANGE, BARE]))
    (folder / "A").mkdir()
    return folder


def read(
    folder: Path, *, name: str | None = None, splits: str | None = None, labels: str | None = None
) -> tuple[list[Track], Findings]:
    findings = Findings()
    place = Place(url=str(folder), name=name, storage=Storage(), splits=splits, labels=labels)
    return list(read_lastfm(place, findings)), findings


def test_a_track_has_its_names_its_split_and_its_top_tags_with_their_categories(published):
    tracks, findings = read(published)
    assert tracks[0] == Track(
        track_id=f"msd-lastfm-lee/{ROCK}",
        uri=str(published / "A" / "A" / "D" / f"{ROCK}.mp3"),
        title="Song, or \x85 <SO",
        artist="The Band",
        dataset="msd-lastfm-lee",
        split="train",
        labels=["genre---rock", "mood---happy"],
    )
    assert tracks[1].artist == "Bj\u00f6rk"
    assert tracks[1].labels == ["mood---Mellow", "vocal---female vocalists"]
    assert not findings.absent
    assert not findings.ignored


def test_lees_train_list_ends_in_the_validation_part(published):
    tracks, findings = read(published)
    splits = {track.track_id[-18:]: track.split for track in tracks}
    assert splits == {
        ROCK: "train",
        MELLOW: "train",
        FOLK: "validation",
        BARE: "test",
        STRANGE: "test",
    }
    assert findings.tracks == {"train": 2, "validation": 1, "test": 2}


def test_other_tags_leave_no_labels_and_an_unknown_track_has_unknown_ones(published):
    tracks, findings = read(published)
    labels = {track.track_id[-18:]: track.labels for track in tracks}
    assert labels[BARE] == []
    assert labels[STRANGE] is None
    assert findings.faults == {"tracks that lastfm_tags.db does not know; their rows stand": 1}


def test_a_higher_value_can_be_asked_for(published):
    tracks, _ = read(published, labels="top50-over:50")
    assert [track.labels for track in tracks[:2]] == [
        ["genre---rock"],
        ["vocal---female vocalists"],
    ]


def test_all_labels_are_every_tag_as_it_is_spelled(published):
    tracks, findings = read(published, labels="all")
    assert tracks[0].labels == [f"lastfm---{tag}" for tag in ("rock", "Rock", "seen live", "happy")]
    assert tracks[1].labels == ["lastfm---Mellow", "lastfm---female vocalists"]
    assert findings.ignored == {"tag without a letter": 1}


def test_without_a_split_every_tagged_track_is_there(published):
    untagged = {ROCK: TAGS[ROCK], FOLK: [("folk", 0)], STRANGE: []}
    (published / "lastfm_tags.db").unlink()
    write_tags(published / "lastfm_tags.db", untagged)
    tracks, findings = read(published, splits="none", name="mine")
    assert [(track.track_id, track.split) for track in tracks] == [(f"mine/{ROCK}", None)]
    assert findings.tracks == {"all": 1}


@pytest.mark.parametrize("header", ["clip_ids\tsplits\tlength", "\tclip_ids\tsplits"])
def test_cals_leaves_out_what_has_no_labels(published, header):
    lines = [(ROCK, "TRAIN"), (MELLOW, "VALID"), (FOLK, "TEST"), (BARE, "STUDENT"), (STRANGE, "")]
    rows = [header]
    for track_id, split in lines:
        fields = {"clip_ids": track_id, "splits": split or "NONE", "length": "1314891", "": "7"}
        rows.append("\t".join(fields[column] for column in header.split("\t")))
    (published / "split" / "msd_splits.tsv").write_text("\n".join(rows))
    tracks, findings = read(published, splits="cals")
    assert [track.split for track in tracks] == ["train", "validation", "test"]
    assert tracks[0].dataset == "msd-lastfm-cals"
    assert findings.ignored == {
        "split STUDENT of msd_splits.tsv, without labels": 1,
        "split NONE of msd_splits.tsv, without labels": 1,
    }


def test_tracks_with_another_songs_tags_are_left_out_and_counted(published):
    (published / "sid_mismatches.txt").write_text(
        f"ERROR: <SOUMNSI12AB0182807 {FOLK}> Digital Underground  -  The Way We Swing  !=  "
        "Linkwood  -  Whats up with the Underground\n"
        "ERROR: <SOCMRBE12AB018C546 TRMMREB12903CEB1B1> Jimmy Reed  -  The Sun  !=  Slim Harpo\n"
    )
    tracks, findings = read(published)
    assert FOLK not in {track.track_id[-18:] for track in tracks}
    assert findings.faults["tracks with another song's tags, left out"] == 1
    assert findings.tracks["validation"] == 1, "the split is counted as it is published"


def test_an_id_that_stands_twice_keeps_its_first_place(published):
    test_list = published / "split" / "msd" / "filtered_list_test.cP"
    test_list.write_bytes(python2_list([BARE, ROCK]))
    tracks, findings = read(published)
    assert {track.track_id[-18:]: track.split for track in tracks}[ROCK] == "train"
    assert findings.faults == {"ids that stand twice in lee; the first place holds": 1}


def test_previews_are_found_by_7digitals_ids(published):
    (published / "A").rmdir()
    lists = published / "split" / "msd"
    (lists / "MSD_id_to_7D_id.pkl").write_bytes(pickle.dumps({ROCK: "8947470", FOLK: 12}, 2))
    (lists / "7D_id_to_path.pkl").write_bytes(
        pickle.dumps({"8947470": "8/9/8947470.clip.mp3", 12: "1/2/12.clip.mp3"}, 2)
    )
    uris = {track.track_id[-18:]: track.uri for track in read(published)[0]}
    assert uris[ROCK] == str(published / "8" / "9" / "8947470.clip.mp3")
    assert uris[FOLK] == str(published / "1" / "2" / "12.clip.mp3")
    assert uris[BARE] == str(published / "Z" / "Z" / "Z" / f"{BARE}.mp3")


def test_what_is_not_there_is_told(published):
    (published / "A").rmdir()
    (published / "unique_tracks.txt").unlink()
    (published / "sid_mismatches.txt").unlink()
    (published / "split" / "msd" / "filtered_list_test.cP").write_bytes(python2_list([BARE]))
    tracks, findings = read(published)
    assert (tracks[0].artist, tracks[0].title) == (None, None)
    assert sorted(findings.absent) == [
        "filtered_list_test.cP as published: 2 ids, not 1",
        "previews",
        "sid_mismatches.txt; tracks with another song's tags stay",
        "unique_tracks.txt, with artists and titles",
    ]


class Command:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_a_list_that_would_run_a_command_runs_nothing(published, tmp_path):
    trap = tmp_path / "sprung"
    (published / "split" / "msd" / "filtered_list_test.cP").write_bytes(
        pickle.dumps([BARE, Command(f"touch {trap}")])
    )
    with pytest.raises(ConfigError, match=r"filtered_list_test\.cP is not a pickle of plain"):
        read(published)
    assert not trap.exists()


def test_a_list_with_something_else_than_track_ids_is_refused(published):
    path = published / "split" / "msd" / "filtered_list_test.cP"
    path.write_bytes(python2_list([BARE, "SOUMNSI12AB0182807"]))
    with pytest.raises(ConfigError, match=r"filtered_list_test\.cP, entry 2: 'SOUMNSI12AB0182807'"):
        read(published)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("clip_ids\tlength\n", "the columns are 'clip_ids', 'length'; those of the split cals"),
        ("clip_ids\tsplits\tmood\n", "the columns are 'clip_ids', 'splits', 'mood'"),
        (f"clip_ids\tsplits\n{ROCK}\n", "line 2 has 1 columns, the header has 2"),
        ("clip_ids\tsplits\n12\tTRAIN\n", "line 2, column clip_ids: '12' is not a track id"),
        (f"clip_ids\tsplits\n{ROCK}\tFOO\n", "line 2, column splits: 'FOO' is none of TRAIN"),
    ],
)
def test_a_table_that_is_not_the_split_cals_is_refused(published, content, message):
    (published / "msd_splits.tsv").write_text(content)
    with pytest.raises(ConfigError, match=r"msd_splits\.tsv") as error:
        read(published, splits="cals")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("unique_tracks.txt", f"{ROCK}<SEP>SO<SEP>x", "line 5: 'TRAADIN128F931D672<SEP>SO<SEP>x'"),
        ("unique_tracks.txt", "x<SEP>SO<SEP>x<SEP>y", "line 5: 'x<SEP>SO<SEP>x<SEP>y' is not of"),
        ("sid_mismatches.txt", "ERROR: <SO TR> x", "line 1: 'ERROR: <SO TR> x' does not begin"),
    ],
)
def test_a_malformed_line_is_named(published, name, line, message):
    with (published / name).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(ConfigError, match=name) as error:
        read(published)
    assert message in str(error.value)


def test_a_database_of_something_else_is_refused(published):
    path = published / "lastfm_tags.db"
    path.write_bytes(b"SQLite, but not really" * 100)
    with pytest.raises(ConfigError, match=r"lastfm_tags\.db cannot be read as .* not a database"):
        read(published)
    path.unlink()
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE tids (tid TEXT)")
        base.execute("CREATE TABLE tags (tag TEXT)")
    base.close()
    with pytest.raises(ConfigError, match=r"lastfm_tags\.db .* table tid_tag has no column tid"):
        read(published)


def test_a_database_with_odd_ids_is_refused(published):
    (published / "lastfm_tags.db").unlink()
    write_tags(published / "lastfm_tags.db", {"../../etc/passwd": [("rock", 100)]})
    with pytest.raises(ConfigError, match=r"table tids: '\.\./\.\./etc/passwd' is not a track id"):
        read(published, splits="none")


def test_the_published_database_is_left_as_it_is(published):
    before = (published / "lastfm_tags.db").read_bytes()
    names = sorted(published.iterdir())
    read(published, labels="all")
    assert (published / "lastfm_tags.db").read_bytes() == before
    assert sorted(published.iterdir()) == names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"splits": "choi"}, "splits of msd-lastfm: there is no 'choi'; choose among lee, cals"),
        ({"labels": "top500"}, "labels of msd-lastfm: there is no 'top500'; choose among top50"),
        ({"labels": "top50-over:a"}, "top50-over:a should end in a number from 0 to 99"),
        ({"labels": "top50-over:100"}, "top50-over:100 should end in a number"),
        ({"splits": "cals"}, r"has no msd_splits\.tsv, which the split cals needs"),
    ],
)
def test_a_choice_that_is_not_there_is_refused(published, given, message):
    with pytest.raises(ConfigError, match=message):
        read(published, **given)


def test_a_folder_without_the_database_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"is not the Million Song .*: it has no lastfm_tags\.db"):
        read(tmp_path)


def test_the_published_counts_of_lee_are_those_of_its_lists():
    counts = LASTFM.counts["lee"]
    assert counts["train"] == lastfm_splits.NUM_LEE_TRAIN
    train_list = lastfm_splits.NUM_LEE["filtered_list_train.cP"]
    assert counts["train"] + counts["validation"] == train_list
    assert counts["test"] == lastfm_splits.NUM_LEE["filtered_list_test.cP"]


def test_the_command_brings_the_tracks_into_the_catalog(published, root, make_wave):
    make_wave(published / "A" / "A" / "D" / f"{ROCK}.mp3")
    line = ["import", "msd-lastfm", str(published), "--workspace", str(root)]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 0, result.output
    assert "train: 2 tracks" in result.output
    assert "missing: 4" in result.output
    rows = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    kept = {row["track_id"]: row for row in rows}[f"msd-lastfm-lee/{ROCK}"]
    assert (kept["labels"], kept["sample_rate_hz"]) == (["genre---rock", "mood---happy"], 8000)
