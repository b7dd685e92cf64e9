"""MTG-Jamendo as it is on disk becomes catalog rows, with the tags as published."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from jobs.dataset import main
from pipeline.catalog.datasets import Findings, Place, Track
from pipeline.catalog.datasets.mtg_jamendo import read_mtg_jamendo
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.storage import Storage

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
META = "TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME\tRELEASEDATE\tURL"
METAL, FILM, HIP, OTHER = (
    "track_0000215\tartist_000014\talbum_000031\t15/215.mp3\t151.4\tgenre---metal",
    "track_1048681\tartist_359617\talbum_123563\t81/1048681.mp3\t189.3\tgenre---hiphop"
    "\tinstrument---piano\tmood/theme---happy",
    "track_0656446\tartist_362862\talbum_076018\t46/656446.mp3\t230.6\tgenre---hiphop",
    "track_0524738\tartist_356877\talbum_061330\t38/524738.mp3\t181.3\tgenre---hiphop",
)
LICENSES = """15/215.mp3
Trio "HxC by Both from Jamendo: http://www.jamendo.com/track/215
Available under a Creative Commons license: http://creativecommons.org/licenses/by-nc-sa/3.0/

81/1048681.mp3
Be Happy by Twin from Jamendo: http://www.jamendo.com/track/1048681
Available under a Creative Commons license: http://creativecommons.org/licenses/by-nd/2.0/fr/

46/656446.mp3
Flow by Twin from Jamendo: http://www.jamendo.com/track/656446
Available under a Free Art license: http://artlibre.org/licence/lal/

"""


def write_table(folder, name, lines, *, header=HEADER):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes("".join(f"{line}\r\n" for line in (header, *lines)).encode())


def write_split(folder, kind, *, train=(), validation=(), test=()):
    for part, lines in (("train", train), ("validation", validation), ("test", test)):
        write_table(folder, f"{kind}-{part}.tsv", lines)


@pytest.fixture
def published(tmp_path, make_wave):
    """A checkout of the repository, with the audio of one track in low quality."""
    folder = tmp_path / "mtg-jamendo-dataset"
    split = folder / "data" / "splits" / "split-0"
    lines = {"train": [METAL, FILM], "validation": [HIP], "test": [OTHER]}
    write_split(split, "autotagging_top50tags", **lines)
    meta = [
        'track_0000215\tartist_000014\talbum_000031\tTrio "HxC\tBoth\tSirius\t2004-12-16\tu/215',
        "track_1048681\tartist_359617\talbum_123563\tBe\u2028Happy\tTwin\t\t2013-08-01\tu/1048681",
        "track_0656446\tartist_362862\talbum_076018\tFlow\t\tTwin\tTape\t0000-00-00\tu/656446",
    ]
    write_table(folder / "data", "raw.meta.tsv", meta, header=META)
    (folder / "audio_licenses.txt").write_text(LICENSES)
    make_wave(folder / "raw_30s" / "audio-low" / "15" / "215.low.mp3")
    return folder


def read(folder, **asked):
    findings = Findings()
    place = Place(**{"url": str(folder), "name": None, "storage": Storage()} | asked)
    return list(read_mtg_jamendo(place, findings)), findings


def test_a_track_has_its_tags_as_published_its_names_its_licence_and_its_split(published):
    tracks, findings = read(published)
    audio = published / "raw_30s" / "audio-low"
    assert tracks[0] == Track(
        track_id="mtg-jamendo-0/track_0000215",
        uri=str(audio / "15" / "215.low.mp3"),
        title='Trio "HxC',
        artist="Both",
        album="Sirius",
        year=2004,
        license="CC BY-NC-SA 3.0",
        dataset="mtg-jamendo-0",
        split="train",
        labels=["genre---metal"],
    )
    assert tracks[1].labels == ["genre---hiphop", "instrument---piano", "mood/theme---happy"]
    assert [track.split for track in tracks] == ["train", "train", "validation", "test"]
    assert findings.tracks == {"train": 2, "validation": 1, "test": 1}
    assert not findings.absent
    assert not findings.ignored


def test_artists_that_share_a_name_stay_two_and_one_without_a_name_is_its_id(published):
    tracks, findings = read(published)
    assert [track.artist for track in tracks] == [
        "Both",
        "Twin (artist_359617)",
        "Twin (artist_362862)",
        "artist_356877",
    ]
    assert (tracks[2].title, tracks[2].album, tracks[2].year) == ("Flow", "Tape", None)
    assert (tracks[1].title, tracks[1].album) == ("Be\u2028Happy", None)
    fault = "lines of raw.meta.tsv with an empty field too much, read without it"
    assert findings.faults == {fault: 1}


def test_licences_are_short_where_they_are_creative_commons(published):
    assert [track.license for track in read(published)[0]] == [
        "CC BY-NC-SA 3.0",
        "CC BY-ND 2.0 FR",
        "http://artlibre.org/licence/lal/",
        None,
    ]


@pytest.mark.parametrize("where", ["data/splits", "splits", ""])
def test_the_tables_are_found_below_the_folder_and_what_lacks_is_named(tmp_path, where):
    write_table(tmp_path / where / "split-3", "autotagging_genre-test.tsv", [METAL])
    (track,), findings = read(tmp_path, splits="3", labels="genre", name="mine")
    assert (track.track_id, track.dataset, track.split) == (
        "mine/track_0000215",
        "mine",
        "test",
    )
    assert (track.artist, track.album, track.title) == ("artist_000014", "album_000031", None)
    assert track.uri == str(tmp_path / "15" / "215.mp3")
    assert findings.absent == [
        "split-3/autotagging_genre-train.tsv",
        "split-3/autotagging_genre-validation.tsv",
        "raw.meta.tsv, with titles, artists, albums and years",
        "audio_licenses.txt, with the licence of each track",
        "audio: the folders 00 to 99",
    ]


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (None, "autotagging_top50tags"),
        ("top50", "autotagging_top50tags"),
        ("all", "autotagging"),
        ("genre", "autotagging_genre"),
        ("instrument", "autotagging_instrument"),
        ("moodtheme", "autotagging_moodtheme"),
    ],
)
def test_labels_choose_the_table(tmp_path, labels, kind):
    write_split(tmp_path / "split-0", "autotagging_another", train=[HIP])
    write_split(tmp_path / "split-0", kind, validation=[METAL])
    tracks, findings = read(tmp_path, labels=labels)
    assert [track.labels for track in tracks] == [["genre---metal"]]
    assert findings.tracks == {"validation": 1}


@pytest.mark.parametrize(
    "path",
    ["15/215.mp3", "audio/15/215.mp3", "raw_30s/audio/15/215.mp3", "audio-low/15/215.low.mp3"],
)
def test_audio_is_found_in_full_or_low_quality(tmp_path, make_wave, path):
    write_split(tmp_path / "split-0", "autotagging_top50tags", train=[METAL])
    make_wave(tmp_path / path)
    (tmp_path / "00").mkdir()
    assert read(tmp_path)[0][0].uri == str(tmp_path / path)


def test_full_quality_stands_over_low_in_one_folder(tmp_path, make_wave):
    write_split(tmp_path / "split-0", "autotagging_top50tags", train=[METAL])
    for name in ("215.low.mp3", "215.mp3", "215.npy"):
        make_wave(tmp_path / "15" / name)
    assert read(tmp_path)[0][0].uri == str(tmp_path / "15" / "215.mp3")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (METAL.rpartition("\t")[0], "line 3 has 5 columns, where 6 or more are expected"),
        (METAL.replace("track_", ""), "line 3, TRACK_ID: '0000215'"),
        (METAL.replace("15/215", "215"), "line 3, PATH: '215.mp3'"),
        (METAL.replace("genre---", ""), "line 3, TAGS: 'metal'"),
        (METAL + "\tgenre---", "line 3, TAGS: 'genre---'"),
        (METAL + "\tkey---c", "line 3, TAGS: 'key---c'"),
        (METAL.replace("\t", ","), "line 3 has 1 columns"),
    ],
)
def test_a_line_that_is_not_jamendos_is_refused(tmp_path, line, message):
    write_split(tmp_path / "split-0", "autotagging_top50tags", test=[HIP, line])
    with pytest.raises(ConfigError, match=r"autotagging_top50tags-test\.tsv, ") as error:
        read(tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"track_id\tpath\r\n", "its columns are track_id, path, not TRACK_ID"),
        (HEADER.replace("\t", ",").encode(), "its columns are TRACK_ID,ARTIST_ID"),
        (HEADER.encode() + b"\r\n\xff\xfe\r\n", "is not text in UTF-8"),
    ],
)
def test_a_table_that_is_not_jamendos_is_refused(tmp_path, content, message):
    write_split(tmp_path / "split-0", "autotagging_top50tags")
    (tmp_path / "split-0" / "autotagging_top50tags-train.tsv").write_bytes(content)
    with pytest.raises(ConfigError, match=r"autotagging_top50tags-train\.tsv") as error:
        read(tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (META.replace("ARTIST_NAME", "ARTIST"), "lacks the columns ARTIST_NAME"),
        (META + "\ntrack_0000215\tartist_000014\n", "line 2 has 2 columns, its header 8"),
        (META + "\na\tb\tc\td\te\tf\tg\th\ti\n", "line 2 has 9 columns, its header 8"),
    ],
)
def test_texts_that_are_not_jamendos_are_refused(published, content, message):
    (published / "data" / "raw.meta.tsv").write_text(content)
    with pytest.raises(ConfigError, match=r"raw\.meta\.tsv") as error:
        read(published)
    assert message in str(error.value)


def test_unknown_columns_of_the_texts_are_counted(published):
    lines = [f"a\tb\tc\td\te\tf\tg\th\t{mood}" for mood in ("sad", "glad")]
    write_table(published / "data", "raw.meta.tsv", lines, header=META + "\tMOOD")
    assert read(published)[1].ignored == {"raw.meta.tsv, column MOOD": 2}


def test_a_list_of_licences_without_any_is_refused(published):
    (published / "audio_licenses.txt").write_text("15/215.mp3\nTrio by Both\n")
    with pytest.raises(ConfigError, match=r"audio_licenses\.txt names no licence"):
        read(published)


def test_another_folder_another_split_and_other_labels_are_refused(tmp_path, published):
    with pytest.raises(ConfigError, match="is not MTG-Jamendo: neither it nor splits"):
        read(tmp_path)
    with pytest.raises(ConfigError, match=r"split-4/autotagging_top50tags-train\.tsv"):
        read(published, splits="4")
    with pytest.raises(ConfigError, match="splits of mtg-jamendo: there is no '5'"):
        read(published, splits="5")
    with pytest.raises(ConfigError, match="labels of mtg-jamendo: there is no 'mood'"):
        read(published, labels="mood")


def test_the_command_brings_the_tracks_into_the_catalog(published, root):
    line = ["import", "mtg-jamendo", str(published), "--workspace", str(root)]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 0, result.output
    assert "missing: 3" in result.output
    rows = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    kept = {row["track_id"]: row for row in rows}
    assert kept["mtg-jamendo-0/track_0000215"]["license"] == "CC BY-NC-SA 3.0"
    assert kept["mtg-jamendo-0/track_1048681"]["labels"][2] == "mood/theme---happy"
