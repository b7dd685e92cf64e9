"""MagnaTagATune as it is on disk becomes catalog rows, under both splits and all labels."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from jobs.dataset import main
from pipeline.catalog.datasets import Findings, Place, Track
from pipeline.catalog.datasets.magnatagatune import read_magnatagatune
from pipeline.catalog.datasets.magnatagatune_tags import SYNONYMS, TAGS, labels_by_tag
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.models.published_tags import mtat50
from pipeline.storage import Storage

EMPTY = "6/norine_braun-now_and_zen-08-gently-117-146.mp3"
CLIPS = {
    "2": ("f/american_bach-heinichen-01-concerto-30-59.mp3", ["clasical", "classical", "violins"]),
    "6": ("0/jami_sieber-lush_mechanique-01-maenam-0-29.mp3", ["no voice", "cello", "string"]),
    "10": ("c/william_brooke-bitter_ballads-03-eyes-88-117.mp3", []),
    "35644": (EMPTY, ["female", "guitar"]),
    "57": ("b/dj_markitos-slower_emotions-01-twilight-0-29.mp3", ["techno", "metal", "lol"]),
}
INFO = ("clip_id", "track_number", "title", "artist", "album", "url", "segmentStart")
INFO += ("segmentEnd", "original_url", "mp3_path")
HEADER = ("clip_id", *TAGS, "mp3_path")


def quoted(*fields):
    return "\t".join(f'"{field}"' for field in fields)


def write_annotations(folder, rows, *, header=HEADER):
    lines = [quoted(*header), *(quoted(*row) for row in rows)]
    (folder / "annotations_final.csv").write_text("\n".join(lines) + "\n")


def row(clip_id, path, tags):
    return [clip_id, *(int(tag in tags) for tag in TAGS), path]


def write_list(folder, part, entries):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{part}.npy", np.array(entries))


@pytest.fixture
def published(tmp_path, make_wave):
    """Five clips, of which one is known to be empty, one has no tag, and one has audio here."""
    folder = tmp_path / "mtat"
    make_wave(folder / "mp3" / CLIPS["6"][0])
    (folder / "mp3" / EMPTY).parent.mkdir()
    (folder / "mp3" / EMPTY).touch()
    write_annotations(folder, [row(clip_id, *clip) for clip_id, clip in CLIPS.items()])
    info = [
        quoted(*INFO),
        quoted("2", 1, 'Concerto ""a 6""', "American Bach", "Heinichen", "u", 30, 59, "o", "p"),
        quoted("6", 1, "Maenam", "Jami Sieber", "Lush Mechanique", "u", 0, 29, "o", "p"),
        quoted("7", 1, "Not published", "Jami Sieber", "Lush Mechanique", "u", 0, 29, "o"),
        quoted("57", 1, "Twilight", "DJ Markitos", "", "u", 0, 29, "o", "p"),
    ]
    (folder / "clip_info_final.csv").write_text("\n".join(info))
    return folder


@pytest.fixture
def lists(published):
    """Lee's lists beside it: clips with one of the 50 tags."""
    folder = published / "split" / "mtat"
    write_list(folder, "train", ["1\t" + CLIPS["6"][0], "4\t" + CLIPS["57"][0]])
    write_list(folder, "valid", np.array([], dtype="<U1"))
    write_list(folder, "test", ["0\t" + CLIPS["2"][0]])
    return folder


def read(folder, **asked):
    findings = Findings()
    place = Place(**{"url": str(folder), "name": None, "storage": Storage()} | asked)
    return list(read_magnatagatune(place, findings)), findings


def labels(folder, choice):
    return {t.track_id.partition("/")[2]: t.labels for t in read(folder, labels=choice)[0]}


def test_a_clip_has_its_song_its_folders_split_and_its_labels(published):
    tracks, findings = read(published)
    assert tracks[1] == Track(
        track_id="magnatagatune-pons/6",
        uri=str(published / "mp3" / CLIPS["6"][0]),
        title="Maenam",
        artist="Jami Sieber",
        album="Lush Mechanique",
        license="CC BY-NC-SA 3.0",
        dataset="magnatagatune-pons",
        split="train",
        labels=["vocal---no voice", "instrument---cello"],
    )
    assert [(t.track_id.partition("/")[2], t.split) for t in tracks] == [
        ("2", "test"),
        ("6", "train"),
        ("10", "validation"),
        ("57", "train"),
    ]
    assert tracks[0].title == 'Concerto "a 6"'
    assert (tracks[2].artist, tracks[3].artist, tracks[3].album) == (None, "DJ Markitos", None)
    assert findings.tracks == {"train": 2, "validation": 1, "test": 1}
    assert findings.faults == {"clip 35644, whose published file is empty, left out": 1}
    assert not findings.absent
    assert not findings.ignored


def test_lees_lists_say_who_takes_part_and_where(published, lists):
    tracks, findings = read(published, splits="lee")
    assert [(t.track_id, t.dataset, t.split) for t in tracks] == [
        ("magnatagatune-lee/2", "magnatagatune-lee", "test"),
        ("magnatagatune-lee/6", "magnatagatune-lee", "train"),
        ("magnatagatune-lee/57", "magnatagatune-lee", "train"),
    ]
    assert findings.tracks == {"train": 2, "test": 1}
    left_out = "clips without one of the 50 tags, or too short, left out by lee"
    assert findings.faults[left_out] == 1


def test_a_name_of_its_own_stands_in_ids_and_rows(published):
    track = read(published, name="mtat")[0][0]
    assert (track.track_id, track.dataset) == ("mtat/2", "mtat")


def test_labels_are_the_fifty_or_all_or_merged(published):
    assert labels(published, "top50") == {
        "2": ["genre---classical"],
        "6": ["vocal---no voice", "instrument---cello"],
        "10": [],
        "57": ["genre---techno", "genre---metal"],
    }
    assert labels(published, "all") == {
        "2": ["tag---clasical", "genre---classical", "tag---violins"],
        "6": ["vocal---no voice", "tag---string", "instrument---cello"],
        "10": [],
        "57": ["tag---lol", "genre---techno", "genre---metal"],
    }
    assert labels(published, "merged") == {
        "2": ["genre---classical", "instrument---violin"],
        "6": ["vocal---no singer", "instrument---string", "instrument---cello"],
        "10": [],
        "57": ["tag---lol", "genre---techno", "genre---heavy"],
    }


def test_the_fifty_are_those_of_the_published_taggers_whatever_is_chosen():
    assert set(labels_by_tag("top50").values()) == set(mtat50().tags)
    assert set(mtat50().tags) <= set(labels_by_tag("all").values())
    assert len(set(labels_by_tag("all").values())) == len(TAGS) == 188


def test_a_group_of_synonyms_has_one_label_and_no_tag_is_in_two_groups():
    merged = labels_by_tag("merged")
    members = [tag for group in SYNONYMS for tag in group]
    assert len(set(members)) == len(members) == 82
    assert set(members) <= set(TAGS)
    for group in SYNONYMS:
        assert len({merged[tag] for tag in group}) == 1
    assert merged["women"] == "vocal---female"
    assert merged["female vocal"] == "vocal---female vocal"
    assert merged["no drums"] == "tag---no beat"
    assert len(set(merged.values())) == 188 - 82 + 29


def test_without_clip_info_and_audio_the_rows_stand(tmp_path):
    write_annotations(tmp_path, [row("2", *CLIPS["2"])])
    (track,), findings = read(tmp_path)
    assert (track.title, track.artist) == (None, None)
    assert track.uri == str(tmp_path / CLIPS["2"][0])
    assert findings.absent == [
        "clip_info_final.csv, with titles, artists and albums",
        "audio: the folders 0 to f",
    ]


def test_unknown_columns_of_clip_info_are_counted(tmp_path):
    write_annotations(tmp_path, [row("2", *CLIPS["2"])])
    lines = [quoted("clip_id", "title", "artist", "album", "mood"), quoted(2, "a", "b", "c", "d")]
    (tmp_path / "clip_info_final.csv").write_text("\n".join(lines))
    (track,), findings = read(tmp_path)
    assert track.artist == "b"
    assert findings.ignored == {"clip_info_final.csv, column mood": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\t", ","), "lacks the column"),
        (lambda text: text.replace('"loud"', '"LOUD"'), "lacks the column 'loud'"),
        (lambda text: text.replace('"loud"', '"loud"\t"louder"'), "the unknown column 'louder'"),
        (lambda text: text.replace('"loud"', '"loud"\t"loud"'), "has twice the column 'loud'"),
        (lambda text: text.replace('"2"\t"0"', '"2"', 1), "line 2 has 189 columns, its header 190"),
        (lambda text: text.replace('"2"\t', '"2"\t"0"\t', 1), "line 2 has 191 columns"),
        (lambda text: text.replace('"2"\t"0"', '"2"\t"yes"', 1), "line 2, column no voice: 'yes'"),
        (lambda text: text.replace('"6"\t', '"six"\t', 1), "line 3, column clip_id: 'six'"),
        (lambda text: text.replace('"f/am', '"z/am', 1), "line 2, column mp3_path: 'z/am"),
        (lambda text: "", "is empty"),
    ],
)
def test_annotations_that_are_not_magnatagatunes_are_refused(published, change, message):
    path = published / "annotations_final.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(ConfigError, match=r"annotations_final\.csv") as error:
        read(published)
    assert message in str(error.value)


def test_annotations_that_are_not_text_are_refused(published):
    path = published / "annotations_final.csv"
    path.write_bytes(path.read_bytes().replace(b"-0-29", b"\xff\xfe"))
    with pytest.raises(ConfigError, match=r"annotations_final\.csv, after line .* UTF-8"):
        read(published)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"clip_id"\t"title"\t"artist"\n', "lacks the column 'album'"),
        (quoted("clip_id", "title", "artist", "album") + "\n" + quoted("", 1, 2, 3), "is empty"),
        (quoted("clip_id", "title", "artist", "album") + "\n" + quoted(*"12345"), "line 2 has 5"),
    ],
)
def test_clip_info_that_is_not_magnatagatunes_is_refused(published, text, message):
    (published / "clip_info_final.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"clip_info_final\.csv") as error:
        read(published)
    assert message in str(error.value)


def test_without_lees_lists_it_is_said_where_they_are_published(published):
    with pytest.raises(ConfigError, match=r"train\.npy is missing.*sota-music-tagging-models"):
        read(published, splits="lee")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["f/a-0-29.mp3"], "entry 1: 'f/a-0-29.mp3' is not a row, a tab and a path"),
        (["0\t" + CLIPS["2"][0], "0\t" + CLIPS["2"][0]], "entry 2: f/american"),
        (["0\t" + CLIPS["6"][0]], "entry 1: 0/jami"),
        (["0\tf/another-0-29.mp3"], "lacks, for example f/another-0-29.mp3"),
        (np.array([{"a": 1}], dtype=object), "is not a list of Lee's split"),
    ],
)
def test_lists_that_do_not_fit_are_refused(published, lists, entries, message):
    write_list(lists, "test", entries)
    with pytest.raises(ConfigError) as error:
        read(published, splits="lee")
    assert message in str(error.value)


def test_a_list_that_is_no_array_is_refused(published, lists):
    (lists / "valid.npy").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"valid\.npy is not a list of Lee's split"):
        read(published, splits="lee")


def test_another_folder_another_split_and_other_labels_are_refused(tmp_path, published):
    with pytest.raises(
        ConfigError, match=r"is not MagnaTagATune: it has no annotations_final\.csv"
    ):
        read(tmp_path)
    with pytest.raises(ConfigError, match="splits of magnatagatune: there is no 'clean'"):
        read(published, splits="clean")
    with pytest.raises(ConfigError, match="labels of magnatagatune: there is no 'top'"):
        read(published, labels="top")


def test_the_command_brings_the_clips_into_the_catalog(published, lists, root):
    line = ["import", "magnatagatune", str(published), "--workspace", str(root)]
    result = CliRunner().invoke(main, [*line, "--splits", "lee", "--labels", "all"])
    assert result.exit_code == 0, result.output
    assert "known fault: clip 35644" in result.output
    rows = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    kept = {row["track_id"]: row for row in rows}
    assert set(kept) == {f"magnatagatune-lee/{clip_id}" for clip_id in ("2", "6", "57")}
    assert kept["magnatagatune-lee/6"]["sample_rate_hz"] == 8000
    assert kept["magnatagatune-lee/57"]["labels"][0] == "tag---lol"
    assert kept["magnatagatune-lee/2"]["reason"] == "missing"
