"""GTZAN as it is on disk becomes catalog rows, in every layout and under both splits."""

from __future__ import annotations

from collections import Counter

import pytest
from click.testing import CliRunner

from jobs.dataset import main
from pipeline.catalog.datasets import Findings, Place, Track
from pipeline.catalog.datasets.gtzan import GENRES, read_gtzan
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.storage import Storage

LAYOUTS = ["genres", "Data/genres_original", "genres_original", ""]


@pytest.fixture
def published(tmp_path, make_wave):
    """The common copy: all folders, three excerpts, two AppleDouble files, no table."""
    folder = tmp_path / "gtzan" / "Data" / "genres_original"
    for genre in GENRES:
        (folder / genre).mkdir(parents=True)
    for name in ("blues.00029", "jazz.00054", "rock.00099"):
        make_wave(folder / name.partition(".")[0] / f"{name}.wav")
    for name in ("._blues.00029.wav", "._blues.00030.wav"):
        (folder / "blues" / name).write_bytes(b"\0\5\26\7")
    return tmp_path / "gtzan"


def read(folder, **asked):
    findings = Findings()
    place = Place(**{"url": str(folder), "name": None, "storage": Storage()} | asked)
    return list(read_gtzan(place, findings)), findings


def write_lists(folder, **lists):
    for part, lines in lists.items():
        (folder / f"{part}_filtered.txt").write_text(lines)


def test_the_filtered_split_is_the_published_one(published):
    tracks, findings = read(published)
    assert findings.tracks == {"train": 443, "validation": 197, "test": 290}
    assert len({track.track_id for track in tracks}) == 930
    kept = {track.track_id: track for track in tracks}
    assert kept["gtzan-filtered/blues.00029"] == Track(
        track_id="gtzan-filtered/blues.00029",
        uri=str(published / "Data/genres_original/blues/blues.00029.wav"),
        dataset="gtzan-filtered",
        split="train",
        labels=["genre---blues"],
    )
    assert kept["gtzan-filtered/jazz.00054"].split == "train"
    assert kept["gtzan-filtered/blues.00012"].split == "test"


def test_known_faults_are_told(published):
    assert read(published)[1].faults == {
        "AppleDouble files (._*), which hold no audio, skipped": 2,
        "jazz.00054 cannot be decoded in the common copy; its row stands": 1,
        "repeats, wrong genres and distortion, which the split leaves out": 70,
    }
    findings = read(published, splits="none")[1]
    assert "repeats, wrong genres and distortion, which the split leaves out" not in findings.faults
    assert any("jazz.00054" in line for line in findings.lines())


def test_without_a_split_there_are_all_thousand(published):
    tracks, findings = read(published, splits="none", name="mine")
    assert findings.tracks == {"all": 1000}
    assert Counter(track.labels[0] for track in tracks) == {f"genre---{g}": 100 for g in GENRES}
    assert {track.split for track in tracks} == {None}
    assert tracks[0].track_id == "mine/blues.00000"
    assert tracks[-1].uri.endswith("rock/rock.00099.wav")
    assert {track.dataset for track in tracks} == {"mine"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_known_layout_is_found(tmp_path, layout):
    (tmp_path / layout / "disco").mkdir(parents=True)
    tracks, findings = read(tmp_path, splits="none")
    assert tracks[0].uri == str(tmp_path / layout / "blues/blues.00000.wav")
    assert findings.absent == [f"folder {genre}" for genre in GENRES if genre != "disco"]


def test_lists_in_the_folder_stand_over_the_shipped_ones(published):
    lists = {
        "train": "blues/blues.00029.wav\njazz/jazz.00001.wav\n",
        "valid": "rock/rock.00099.wav\r\n\r\n",
        "test": "pop/pop.00000.wav",
    }
    write_lists(published, **lists)
    tracks, findings = read(published)
    assert [(track.track_id.partition("/")[2], track.split) for track in tracks] == [
        ("blues.00029", "train"),
        ("jazz.00001", "train"),
        ("rock.00099", "validation"),
        ("pop.00000", "test"),
    ]
    assert findings.faults["repeats, wrong genres and distortion, which the split leaves out"] == (
        996
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "blues/blues.00001.wav\nblues.00002.wav\n",
            "line 2: 'blues.00002.wav' is not of the form",
        ),
        ("blues/rock.00001.wav\n", "line 1: 'blues/rock.00001.wav' is not of the form"),
        ("polka/polka.00001.wav\n", "line 1: GTZAN has no excerpt 'polka.00001'"),
        ("rock/rock.00100.wav\n", "line 1: GTZAN has no excerpt 'rock.00100'"),
        (
            "pop/pop.00001.wav\npop/pop.00001.wav\n",
            "line 2: pop.00001 stands before, in train",
        ),
    ],
)
def test_a_line_that_is_not_gtzans_is_refused(published, lines, message):
    write_lists(published, train=lines, valid="", test="")
    with pytest.raises(ConfigError) as error:
        read(published)
    assert str(error.value).startswith(f"{published}/train_filtered.txt, ")
    assert message in str(error.value)


def test_a_name_in_two_lists_is_refused(published):
    line = "pop/pop.00001.wav\n"
    write_lists(published, train=line, valid="", test=line)
    with pytest.raises(ConfigError, match=r"test_filtered\.txt, line 1: pop\.00001 stands before"):
        read(published)


def test_lists_that_are_not_all_there_are_refused(published):
    write_lists(published, train="", test="")
    with pytest.raises(ConfigError, match=r"valid_filtered\.txt is missing, though train_filtered"):
        read(published)


def test_a_list_that_is_not_text_is_refused(published):
    write_lists(published, train="", valid="", test="")
    (published / "test_filtered.txt").write_bytes(b"pop/pop.00001.wav\n\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"test_filtered\.txt, after line [01], is not text"):
        read(published)


def test_another_folder_another_split_and_other_labels_are_refused(tmp_path, published):
    (tmp_path / "genres" / "polka").mkdir(parents=True)
    with pytest.raises(ConfigError, match="is not GTZAN: neither it nor genres"):
        read(tmp_path / "genres")
    with pytest.raises(ConfigError, match="splits of gtzan: there is no 'lee'"):
        read(published, splits="lee")
    with pytest.raises(ConfigError, match="labels of gtzan: there is no 'mood'"):
        read(published, labels="mood")


def test_the_command_brings_excerpts_into_the_catalog_and_audio_that_lacks_is_missing(
    published, root
):
    line = ["import", "gtzan", str(published), "--splits", "none", "--workspace", str(root)]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 0, result.output
    assert "missing: 997" in result.output
    assert "known fault: AppleDouble" in result.output
    rows = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    kept = {row["track_id"]: row for row in rows}
    assert kept["gtzan-none/rock.00099"]["sample_rate_hz"] == 8000
    assert kept["gtzan-none/rock.00099"]["labels"] == ["genre---rock"]
    assert kept["gtzan-none/pop.00000"]["reason"] == "missing"
