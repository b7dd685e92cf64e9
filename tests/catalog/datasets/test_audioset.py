"""AudioSet's lists become clips: odd ids, labels by the ontology, and audio that is mostly gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.dataset import main
from pipeline.catalog.datasets import Findings, Place, Track
from pipeline.catalog.datasets.audioset import AUDIOSET, read_audioset
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.storage import Storage

CLASSES = """\
index,mid,display_name
0,/m/09x0r,Speech
1,/m/05zppz,"Male speech, man speaking"
2,/m/04rlf,Music
3,/m/04szw,Musical instrument
4,/m/0342h,Guitar
5,/m/02sgy,Electric guitar
6,/m/064t9,Pop music
7,/t/dd00031,Happy music
8,/m/0l14j_,Flute
"""


def node(mid: str, name: str, *children: str, **changes: object) -> dict[str, object]:
    """An entry as AudioSet's authors wrote it."""
    return {
        "id": mid,
        "name": name,
        "description": "A sound.",
        "citation_uri": "http://en.wikipedia.org/",
        "positive_examples": ["youtu.be/--PG66A3lo4?start=80&end=90"],
        "child_ids": list(children),
        "restrictions": [],
    } | changes


NODES = [
    node("/m/09x0r", "Speech", "/m/05zppz"),
    node("/m/05zppz", "Male speech, man speaking"),
    node("/m/04rlf", "Music", "/m/04szw", "/m/0kpv1t", "/t/dd00030", "/m/0l14j_"),
    node("/m/04szw", "Musical instrument", "/m/0342h", "/m/02sgy"),
    node("/m/0342h", "Guitar", "/m/02sgy"),
    node("/m/02sgy", "Electric guitar"),
    node("/m/0kpv1t", "Music genre", "/m/064t9", "/m/02sgy", restrictions=["abstract"]),
    node("/m/064t9", "Pop music"),
    node("/t/dd00030", "Music mood", "/t/dd00031"),
    node("/t/dd00031", "Happy music"),
    node("/m/0l14j_", "Flute"),
]
BALANCED = """\
# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=3, num_segs=3, num_unique_labels=5, num_positive_labels=6
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/m/05zppz"
Y_Hxph-WEs_, 0.000, 10.000, "/m/04rlf,/m/04szw,/m/02sgy,/m/0l14j_"
-0SdAVK79lg, 29.500, 39.500, "/m/064t9,/t/dd00031"
"""
EVAL = """\
# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=1, num_segs=1, num_unique_labels=1, num_positive_labels=1
# YTID, start_seconds, end_seconds, positive_labels
-0RWZT-miFs, 420.000, 430.000, "/m/04rlf"
"""
UNBALANCED = """\
# Segments csv created Sun Mar  5 10:54:43 2017
# num_ytids=2, num_segs=2, num_unique_labels=1, num_positive_labels=1
# YTID, start_seconds, end_seconds, positive_labels
---1_cCGK4M, 0.000, 10.000, "/m/0342h"
"""
INCOMPLETE = [
    "518 of class_labels_indices.csv's 527 classes",
    "621 of ontology.json's 632 classes",
]


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "audioset"
    folder.mkdir()
    (folder / "class_labels_indices.csv").write_text(CLASSES)
    (folder / "ontology.json").write_text(json.dumps(NODES))
    for part, text in (("balanced_train", BALANCED), ("eval", EVAL)):
        (folder / f"{part}_segments.csv").write_text(text)
    (folder / "unbalanced_train_segments.csv").write_text(UNBALANCED)
    return folder


def read(
    folder: Path, *, name: str | None = None, splits: str | None = None, labels: str | None = None
) -> tuple[list[Track], Findings]:
    findings = Findings()
    place = Place(url=str(folder), name=name, storage=Storage(), splits=splits, labels=labels)
    return list(read_audioset(place, findings)), findings


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_without_any_audio_every_clip_stands_with_its_display_names(published):
    tracks, findings = read(published)
    assert tracks[0] == Track(
        track_id="audioset-balanced/--PJHxphWEs",
        uri=str(published / "audio" / "balanced_train" / "--PJHxphWEs.wav"),
        dataset="audioset-balanced",
        split="train",
        labels=["audioset---Speech", "audioset---Male speech, man speaking"],
    )
    assert [track.split for track in tracks] == ["train", "train", "train", "test"]
    assert findings.tracks == {"balanced_train": 3, "eval": 1}
    assert findings.absent == [INCOMPLETE[0], "audio of every clip; all rows stand"]
    assert not findings.faults


def test_unbalanced_has_both_train_lists_and_a_short_list_is_told_from_its_header(published):
    tracks, findings = read(published, splits="unbalanced", name="mine")
    assert tracks[0].track_id == "mine/---1_cCGK4M"
    assert [track.split for track in tracks] == ["train"] * 4 + ["test"]
    assert "1 of unbalanced_train_segments.csv's 2 clips" in findings.absent


def test_a_list_that_is_longer_than_its_header_says_is_told(published):
    (published / "eval_segments.csv").write_text(EVAL + '0RWZT-miFs_, 0.000, 9.000, "/m/04rlf"\n')
    assert read(published)[1].faults == {"clips of eval_segments.csv beyond the 1 of its header": 1}


def test_clips_without_audio_are_left_out_and_counted_when_some_have_it(published):
    touch(published / "audio" / "balanced_train" / "--PJHxphWEs.flac")
    touch(published / "eval" / "Y-0RWZT-miFs.wav")
    touch(published / "balanced_train" / "-0SdAVK79lg_60.000.wav")
    tracks, findings = read(published)
    assert [track.uri for track in tracks] == [
        str(published / "audio" / "balanced_train" / "--PJHxphWEs.flac"),
        str(published / "eval" / "Y-0RWZT-miFs.wav"),
    ]
    assert findings.tracks == {"balanced_train": 1, "eval": 1}
    assert findings.absent[1:] == ["audio of 2 clip(s) of balanced_train, which are left out"]


def labels_of(folder: Path, labels: str) -> list[list[str] | None]:
    return [track.labels for track in read(folder, labels=labels)[0]]


def test_labels_of_music_have_the_category_of_the_first_of_its_branches(published):
    assert labels_of(published, "music") == [
        [],
        ["music---Musical instrument", "instrument---Electric guitar", "music---Flute"],
        ["genre---Pop music", "mood---Happy music"],
        [],
    ]
    assert read(published, labels="music")[1].absent[:2] == INCOMPLETE


@pytest.mark.parametrize("root", ["/m/04szw", "Musical instrument", "musical Instrument"])
def test_labels_of_a_subtree_are_in_a_category_of_its_roots_name(published, root):
    expected = [[], ["musical_instrument---Electric guitar"], [], []]
    assert labels_of(published, f"subtree:{root}") == expected


def test_a_circle_in_the_ontology_ends(published):
    nodes = [*NODES[:-1], node("/m/0l14j_", "Flute", "/m/04rlf")]
    (published / "ontology.json").write_text(json.dumps(nodes))
    assert labels_of(published, "subtree:Music")[3] == []


def test_unknown_keys_of_the_ontology_are_counted(published):
    (published / "ontology.json").write_text(json.dumps([*NODES, node("/m/1", "New", age=3)]))
    assert read(published, labels="music")[1].ignored == {"age": 1}


def test_all_labels_need_no_ontology(published):
    (published / "ontology.json").unlink()
    assert len(read(published)[0]) == 4
    with pytest.raises(ConfigError, match=r"has no ontology\.json.*take the labels all"):
        read(published, labels="music")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('--PJHxphWEs, 30.000, 40.000, "/m/09x0r', "is not csv"),
        ("--PJHxphWEs, 30.000, 40.000, /m/09x0r,/m/04rlf", "has 5 fields instead of YTID"),
        ("#NAME?, 30.000, 40.000, /m/09x0r", "YTID: '#NAME?' is not the id of a YouTube video"),
        ("--PJHxphWE, 30.000, 40.000, /m/09x0r", "YTID: '--PJHxphWE' is not the id"),
        ("--PJHxphWEs, x, 40.000, /m/09x0r", "start_seconds and end_seconds: could not convert"),
        ("--PJHxphWEs, 40.000, 30.000, /m/09x0r", "the clip goes from 40.000 to 30.000 seconds"),
        ("--PJHxphWEs, nan, 30.000, /m/09x0r", "the clip goes from nan to 30.000 seconds"),
        ("--PJHxphWEs, 0, 9, /m/nothing", "positive_labels: there is no class '/m/nothing'"),
        ('--PJHxphWEs, 0, 9, ""', "positive_labels: there is no class ''"),
    ],
)
def test_a_malformed_segment_is_named_by_its_line(published, line, message):
    (published / "balanced_train_segments.csv").write_text(f"{BALANCED}{line}\n")
    with pytest.raises(ConfigError, match=r"balanced_train_segments\.csv, line 7") as error:
        read(published)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("mid,display_name\n", "the columns are mid, display_name; AudioSet's are index, mid"),
        (CLASSES + "9,/m/1\n", "line 11: '9,/m/1' is not a number, a new class id and a name"),
        (CLASSES + "9,/m/04rlf,Music\n", "line 11: '9,/m/04rlf,Music' is not"),
        (CLASSES + '9,/m/1,"Bell\n', "line 11: '9,/m/1,\"Bell' is not csv"),
    ],
)
def test_a_table_of_classes_that_is_not_audiosets_is_refused(published, content, message):
    (published / "class_labels_indices.csv").write_text(content)
    with pytest.raises(ConfigError, match=r"class_labels_indices\.csv") as error:
        read(published)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "the file: Input should be a valid array"),
        ("[{", "Invalid JSON"),
        (json.dumps([{"id": "/m/1", "name": "New"}]), "0.child_ids: Field required"),
        (json.dumps([node("/m/1", "New", "/m/2")]), "/m/1, child_ids: there is no '/m/2'"),
        (json.dumps([node("/m/1", "New")]), "is not AudioSet's ontology: no '/m/04rlf'"),
    ],
)
def test_an_ontology_that_is_not_audiosets_is_refused(published, content, message):
    (published / "ontology.json").write_text(content)
    with pytest.raises(ConfigError, match=r"ontology\.json") as error:
        read(published, labels="music")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"splits": "strong"}, "splits of audioset: there is no 'strong'; choose among balanced"),
        ({"labels": "speech"}, "labels of audioset: there is no 'speech'; choose among all, music"),
        ({"labels": "subtree:Bagpipe"}, "no class with the id or name 'Bagpipe'"),
        ({"labels": "subtree:Flute"}, r"no class of class_labels_indices\.csv is below"),
    ],
)
def test_a_choice_that_is_not_there_is_refused(published, given, message):
    with pytest.raises(ConfigError, match=message):
        read(published, **given)


def test_a_folder_without_lists_or_classes_is_refused(published, tmp_path):
    with pytest.raises(ConfigError, match=r"is not AudioSet: it has none of balanced_train_seg"):
        read(tmp_path / "nowhere")
    (published / "class_labels_indices.csv").unlink()
    with pytest.raises(ConfigError, match=r"has no class_labels_indices\.csv"):
        read(published)


def test_a_missing_list_is_told(published):
    (published / "eval_segments.csv").unlink()
    tracks, findings = read(published)
    assert len(tracks) == 3
    assert findings.absent[0] == "eval_segments.csv"


def test_the_published_counts_add_up_to_the_clips_of_the_title():
    assert f"{sum(AUDIOSET.counts['unbalanced'].values()):,}" in AUDIOSET.title


def test_the_command_brings_the_clips_into_the_catalog(published, root, make_wave):
    make_wave(published / "audio" / "eval" / "-0RWZT-miFs_420000.wav")
    line = ["import", "audioset", str(published), "--workspace", str(root), "--labels", "all"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 0, result.output
    assert "absent: audio of 3 clip(s) of balanced_train, which are left out" in result.output
    (row,) = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    assert (row["track_id"], row["split"]) == ("audioset-balanced/-0RWZT-miFs", "test")
    assert (row["labels"], row["sample_rate_hz"]) == (["audioset---Music"], 8000)
