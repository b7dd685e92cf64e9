"""FMA's two tables become rows: cumulative subsets, genres by title, known faults, and refusals."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.dataset import main
from pipeline.catalog.datasets import Findings, Place, Track
from pipeline.catalog.datasets.fma import COLUMNS, EMPTY, FMA, SHORT, read_fma
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.storage import Storage

NAMES = [f"{group}.{name}" for group, names in COLUMNS.items() for name in names.split()]
GENRES = """\
genre_id,#tracks,parent,title,top_level
12,32923,0,Rock,12
21,12706,0,Hip-Hop,21
45,1498,12,"Loud-Rock, Noise",12
"""


def row(number: int, **changes: str) -> list[str]:
    """A track as FMA's authors wrote it; `album__title` is the column album.title."""
    values = dict.fromkeys(NAMES, "") | {
        "album.date_released": "2009-01-05 00:00:00",
        "album.title": "AWOL - A Way Of Life",
        "album.tags": "[]",
        "artist.bio": 'A way of life, "A Way Of Life" from hard knocks,\n\nto a first line.\n',
        "artist.name": "AWOL",
        "set.split": "training",
        "set.subset": "small",
        "track.date_created": "2008-11-26 01:48:12",
        "track.duration": "168",
        "track.genre_top": "Hip-Hop",
        "track.genres": "[21]",
        "track.genres_all": "[21]",
        "track.license": "Attribution-NonCommercial-ShareAlike 3.0 International",
        "track.title": "Food",
    }
    changed = values | {key.replace("__", "."): value for key, value in changes.items()}
    return [str(number), *(changed[name] for name in NAMES)]


def table(*rows: list[str], names: list[str] = NAMES, third: str = "track_id") -> str:
    """tracks.csv with its header of three lines."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["", *(name.split(".")[0] for name in names)])
    writer.writerow(["", *(name.split(".")[1] for name in names)])
    writer.writerow([third, *[""] * len(names)])
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def published(tmp_path):
    """Six tracks of three subsets, two of them with known faults."""
    folder = tmp_path / "fma"
    (folder / "fma_metadata").mkdir(parents=True)
    (folder / "fma_metadata" / "genres.csv").write_text(GENRES)
    (folder / "fma_metadata" / "tracks.csv").write_text(
        table(
            row(2),
            row(5, set__split="validation", album__date_released="", album__title=""),
            row(99134, set__split="test"),
            row(98565, set__subset="medium", track__genre_top="Rock", track__genres="[45]"),
            row(
                155320,
                set__subset="large",
                track__genre_top="",
                track__genres="[45, 21]",
                track__genres_all="[45, 21, 12, 21]",
                track__license="",
                artist__name=" ",
                album__date_released="",
                track__date_created="",
            ),
            row(155321, set__subset="large", track__genre_top="", track__genres="[]"),
        )
    )
    return folder


def read(
    folder: Path, *, name: str | None = None, splits: str | None = None, labels: str | None = None
) -> tuple[list[Track], Findings]:
    findings = Findings()
    place = Place(url=str(folder), name=name, storage=Storage(), splits=splits, labels=labels)
    return list(read_fma(place, findings)), findings


def test_a_track_has_its_names_genre_licence_and_split(published):
    (published / "fma_small").mkdir()
    tracks, findings = read(published)
    assert tracks[0] == Track(
        track_id="fma-small/2",
        uri=str(published / "fma_small" / "000" / "000002.mp3"),
        title="Food",
        artist="AWOL",
        album="AWOL - A Way Of Life",
        year=2009,
        license="Attribution-NonCommercial-ShareAlike 3.0 International",
        dataset="fma-small",
        split="train",
        labels=["genre---Hip-Hop"],
    )
    assert [track.split for track in tracks] == ["train", "validation", "test"]
    assert (tracks[1].album, tracks[1].year) == (None, 2008)
    assert not findings.absent


def test_a_subset_holds_the_smaller_ones(published):
    ids = {choice: [t.track_id for t in read(published, splits=choice)[0]] for choice in FMA.splits}
    assert ids["medium"] == [f"fma-medium/{n}" for n in (2, 5, 99134, 98565)]
    assert ids["large"][4:] == ["fma-large/155320", "fma-large/155321"]
    assert ids["full"] == [one.replace("large", "full") for one in ids["large"]]
    assert read(published, splits="large")[1].tracks == {"small": 3, "medium": 1, "large": 2}


def test_the_published_counts_of_a_subset_are_those_of_its_parts():
    totals = {choice: sum(counts.values()) for choice, counts in FMA.counts.items()}
    assert totals == {"small": 8000, "medium": 25000, "large": 106574, "full": 106574}


def test_labels_are_the_top_genre_all_genres_or_the_given_ones_by_title(published):
    by_choice = {
        labels: [track.labels for track in read(published, splits="large", labels=labels)[0]]
        for labels in FMA.labels
    }
    assert by_choice["top"][3:] == [["genre---Rock"], None, None]
    assert by_choice["all"][4] == ["genre---Loud-Rock, Noise", "genre---Hip-Hop", "genre---Rock"]
    assert by_choice["genres"][4:] == [["genre---Loud-Rock, Noise", "genre---Hip-Hop"], None]


def test_clips_known_as_empty_or_short_are_counted_and_stand(published):
    tracks, findings = read(published, splits="medium")
    assert {"fma-medium/99134", "fma-medium/98565"} <= {track.track_id for track in tracks}
    assert findings.faults == {
        "clips without audio; their rows stand, and the decoder rejects them": 1,
        "clips shorter than 30 s; their rows stand": 1,
    }
    assert not read(published, splits="full")[1].faults, "full is untrimmed"
    assert not EMPTY & SHORT


@pytest.mark.parametrize(
    ("folders", "found", "absent"),
    [
        (["fma_small", "fma_large"], "fma_small", []),
        (["fma_large"], "fma_large", ["fma_small; the clips of fma_large stand for it"]),
        (["fma_full"], "fma_full", ["fma_small; the untrimmed tracks of fma_full stand for it"]),
        (["000"], "", []),
        ([], "fma_small", ["fma_small, the audio"]),
    ],
)
def test_audio_is_looked_for_in_every_published_folder(published, folders, found, absent):
    for folder in folders:
        (published / folder).mkdir()
    tracks, findings = read(published)
    assert tracks[2].uri == str(published / found / "099" / "099134.mp3")
    assert findings.absent == absent


def test_a_smaller_folder_serves_as_far_as_it_goes(published):
    (published / "fma_small").mkdir()
    tracks, findings = read(published, splits="medium")
    assert tracks[3].uri == str(published / "fma_small" / "098" / "098565.mp3")
    assert findings.absent == ["fma_medium; the clips of fma_small stand for it"]


def test_a_name_of_its_own_enters_ids_and_data_set(published):
    track = read(published, name="mine")[0][0]
    assert (track.track_id, track.dataset) == ("mine/2", "mine")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"set__subset": "tiny"}, "column set.subset: 'tiny' is none of small, medium, large"),
        ({"set__split": "train"}, "column set.split: 'train' is none of training"),
        ({"track__genre_top": "Polka"}, "column track.genre_top: fma_metadata/genres.csv has no"),
        ({"album__date_released": "soon"}, "column album.date_released: 'soon' is not a date"),
    ],
)
def test_a_malformed_line_is_named_by_its_number_and_column(published, changes, message):
    tracks = published / "fma_metadata" / "tracks.csv"
    tracks.write_text(table(row(2), row(3, **changes)))
    with pytest.raises(ConfigError, match=r"tracks\.csv, line 8,") as error:
        read(published)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[21, ", "is no list of numbers"),
        ("__import__('os').getcwd()", "is no list of numbers"),
        ("{21: 1}", "is no list of numbers"),
        ("['21']", "is no list of numbers"),
        ("[22]", "has no genre 22"),
    ],
)
def test_a_list_of_genres_that_is_none_is_refused(published, text, message):
    (published / "fma_metadata" / "tracks.csv").write_text(table(row(2, track__genres_all=text)))
    with pytest.raises(ConfigError, match=r"line 4, column track\.genres_all") as error:
        read(published, labels="all")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its header should have three lines"),
        ("track_id,title\n2,Food\n3,Bar\n", "its header should have three lines"),
        (table(row(2), third="id"), "its header should have three lines"),
        (table(names=NAMES[1:]), "lacks column(s) album.comments"),
        (table(names=[*NAMES, "track.mood"]), "has the unknown column(s) track.mood"),
        (table(names=[*NAMES, "track.title"]), "has twice column(s) track.title"),
        (table(row(2)[:-1]), "line 4 has 52 columns, the header has 53"),
        (table(["T1", *row(2)[1:]]), "line 4, column track_id: 'T1' is not a number"),
        (table() + '2,"never closed', "line 4, is not csv in UTF-8"),
    ],
)
def test_a_table_that_is_not_fmas_is_refused(published, content, message):
    (published / "fma_metadata" / "tracks.csv").write_text(content)
    with pytest.raises(ConfigError, match=r"fma_metadata/tracks\.csv") as error:
        read(published)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the columns are none; FMA's are genre_id, #tracks"),
        ("genre_id,title\n", "line 1: the columns are genre_id, title"),
        (GENRES + "46,1,12\n", "line 5 has 3 columns, the header has 5"),
        (GENRES + "46,1,12,,12\n", "line 5, column title: it is empty"),
        (GENRES + "x,1,12,Polka,12\n", "line 5, column genre_id: 'x' is not a number"),
    ],
)
def test_genres_that_are_not_fmas_are_refused(published, content, message):
    (published / "fma_metadata" / "genres.csv").write_text(content)
    with pytest.raises(ConfigError, match=r"fma_metadata/genres\.csv") as error:
        read(published)
    assert message in str(error.value)


def test_bytes_that_are_not_text_are_refused(published):
    (published / "fma_metadata" / "tracks.csv").write_bytes(table().encode() + b"2,\xff\xfe\n")
    with pytest.raises(ConfigError, match="is not csv in UTF-8"):
        read(published)


def test_a_biography_may_be_longer_than_the_csv_module_allows(published):
    (published / "fma_metadata" / "tracks.csv").write_text(
        table(row(2, artist__bio="la " * 100_000))
    )
    assert len(read(published)[0]) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"splits": "huge"}, "splits of fma: there is no 'huge'; choose among small, medium"),
        ({"labels": "mood"}, "labels of fma: there is no 'mood'; choose among top, all, genres"),
    ],
)
def test_an_unknown_choice_is_refused(published, given, message):
    with pytest.raises(ConfigError, match=message):
        read(published, **given)


def test_a_folder_without_the_tables_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"is not FMA: it has no fma_metadata/tracks\.csv and no"):
        read(tmp_path)


def test_the_command_brings_the_tracks_into_the_catalog(published, root, make_wave):
    make_wave(published / "fma_small" / "000" / "000002.mp3")
    result = CliRunner().invoke(main, ["import", "fma", str(published), "--workspace", str(root)])
    assert result.exit_code == 0, result.output
    assert "small: 3 tracks" in result.output
    assert "missing: 2" in result.output
    rows = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    kept = {one["track_id"]: one for one in rows}
    assert kept["fma-small/2"]["sample_rate_hz"] == 8000
    assert kept["fma-small/2"]["labels"] == ["genre---Hip-Hop"]
    assert kept["fma-small/99134"]["reason"] == "missing"
