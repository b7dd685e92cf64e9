"""Attributes, groups, clusters and tables of facts over a small catalog."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tagged import SOUNDS, STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks

from pipeline.consumers.study_attributes import find_attributes
from pipeline.consumers.study_columns import SubjectColumns
from pipeline.consumers.study_facts import add_facts, read_facts
from pipeline.consumers.study_groups import Limits, Standing, read_grouping, read_years
from pipeline.errors import ConfigError
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views

PERIODS = {"Renaissance": 1400, "Baroque": 1600, "Classical": 1750, "20th century": 1900}
SONGS = [
    ("t0", "Bach", "Suites", 1720, ["composer---bach", "form---suite"]),
    ("t1", "BACH ", "Suites", 1721, ["composer---bach"]),
    ("t2", "Haydn", "Trios", 1799, ["composer---haydn"]),
    ("t3", "Haydn", None, 1800, ["composer---haydn"]),
    ("t4", "Haydn", None, 1801, []),
    ("t5", "Cage", "Hits", 1952, ["composer---cage"]),
    ("t6", "Monk", "Hits", 1952, None),
    ("t7", None, None, None, None),
    ("t8", "Anon", None, 0, None),
]
LIMITS = Limits(min_tracks=2, min_clusters=2, groups=10)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> str:
    root = tmp_path_factory.mktemp("ws")
    write_scorings(root, scoring("s2", SOUNDS))
    write_tracks(
        root,
        [
            track(name, artist=artist, album=album, year=year, labels=labels, title=name)
            for name, artist, album, year, labels in SONGS
        ],
    )
    write_results(root, [ok(f"t{i}", [0.1 * i, 0.35, 0.2], by="s2") for i in range(7)])
    publish(str(root), storage=STORAGE, memory_mb=200)
    return str(root)


def grouping(root: str, by: str, *, resample: str = "auto", facts: str | None = None):
    table = read_facts(facts, storage=STORAGE) if facts else None
    with open_views(root, storage=STORAGE, memory_mb=200) as views:
        num_tracks = len(SubjectColumns(views, threshold=None))
        attributes = find_attributes(views, facts=table, periods=PERIODS)
        said = None
        if table is not None:
            keys = find_attributes(views, facts=None, periods=PERIODS).sql(table.key)
            said = add_facts(views, table, keys_sql=keys)
        found = read_grouping(
            views,
            attributes=attributes,
            by=by,
            resample=resample,
            num_tracks=num_tracks,
            limits=LIMITS,
        )
        years = read_years(views, attributes=attributes, num_tracks=num_tracks)
        return found, said, years


def sizes(root: str, by: str, **asked) -> dict[str, int]:
    return {one.name: one.tracks for one in grouping(root, by, **asked)[0].groups}


def test_names_that_differ_in_case_alone_are_one_group(root):
    assert sizes(root, "artist") == {"Anon": 1, "Bach": 2, "Cage": 1, "Haydn": 3, "Monk": 1}


def test_albums_of_one_title_are_those_of_their_artists(root):
    assert sizes(root, "album", resample="track") == {
        "Hits (Cage)": 1,
        "Hits (Monk)": 1,
        "Suites (Bach)": 2,
        "Trios (Haydn)": 1,
    }


def test_times_follow_each_other_and_year_zero_is_none(root):
    assert list(sizes(root, "year")) == ["1720", "1721", "1799", "1800", "1801", "1952"]
    assert sizes(root, "decade") == {"1720s": 2, "1790s": 1, "1800s": 2, "1950s": 2}
    assert sizes(root, "century") == {"18th century": 4, "19th century": 1, "20th century": 2}
    assert sizes(root, "period") == {
        "Baroque (1600-1749)": 2,
        "Classical (1750-1899)": 3,
        "20th century (from 1900)": 2,
    }


def test_labels_are_attributes_and_tracks_without_one_are_not_grouped(root):
    found, _, _ = grouping(root, "composer")
    assert {one.name: one.tracks for one in found.groups} == {"bach": 2, "cage": 1, "haydn": 2}
    assert found.grouped_N.sum() == 5


def test_the_best_tag_of_a_category_is_an_attribute(root):
    assert sizes(root, "tag:instrument") == {"drums": 4, "piano": 3}


def test_small_groups_are_listed_and_those_beyond_the_largest_too():
    limits = Limits(min_tracks=3, min_clusters=2, groups=2)
    assert limits.standings([(9, 9), (2, 2), (5, 1), (4, 4)]) == [
        Standing.JUDGED,
        Standing.TOO_SMALL,
        Standing.TOO_FEW_CLUSTERS,
        Standing.NOT_AMONG_LARGEST,
    ]


def test_what_is_drawn_follows_the_attribute(root):
    assert grouping(root, "decade")[0].resample == "artist"
    assert grouping(root, "composer")[0].resample == "album"  # three of five tracks have one
    assert grouping(root, "artist")[0].resample == "album"
    found, _, _ = grouping(root, "composer", resample="track")
    assert len(set(found.clusters_N.tolist())) == len(SONGS)


def test_a_track_without_the_drawn_attribute_counts_by_itself(root):
    found, _, _ = grouping(root, "composer")
    assert found.alone == 1
    assert found.clusters_N[0] == found.clusters_N[1]
    assert len(set(found.clusters_N.tolist())) == len(SONGS) - 1


def test_facts_bring_attributes_and_years(root, tmp_path):
    file = tmp_path / "artists.csv"
    file.write_text("Artist,year,country\nbach,1710,de\nHaydn,,at\nNobody,1900,us\n")
    assert sizes(root, "country", facts=str(file)) == {"at": 3, "de": 2}
    found, said, years = grouping(root, "period", facts=str(file))
    assert "1 of 3 rows of the facts meet no track by artist: nobody" in said
    assert years[:4].tolist() == [1710.0, 1710.0, 1799.0, 1800.0]
    assert found.groups[0].name == "Baroque (1600-1749)"


def test_facts_can_be_joined_by_a_label(root, tmp_path):
    file = tmp_path / "composers.parquet"
    pq.write_table(pa.table({"composer": ["bach", "cage"], "school": ["old", "new"]}), file)
    assert sizes(root, "school", facts=str(file)) == {"new": 1, "old": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("artist\nbach\n", "a key"),
        ("artist,year\nbach,1710\nBach,1720\n", "more than one row of 'bach'"),
        ("artist,year\nbach,soon\n", "no whole number"),
        ("", "cannot be read"),
    ],
)
def test_bad_facts_are_refused(text, said, tmp_path):
    file = tmp_path / "facts.csv"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_facts(str(file), storage=STORAGE)


def test_facts_of_another_ending_or_place_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="ends in none"):
        read_facts(str(tmp_path / "facts.xlsx"), storage=STORAGE)
    with pytest.raises(ConfigError, match="there is no file"):
        read_facts(str(tmp_path / "facts.csv"), storage=STORAGE)


def test_an_unknown_attribute_is_refused_with_the_nearest_and_a_way(root):
    with pytest.raises(ConfigError, match="nearest names are composer"):
        grouping(root, "compser")
    with pytest.raises(ConfigError, match=r"no label of the catalog is genre---.*--facts"):
        grouping(root, "genre")
