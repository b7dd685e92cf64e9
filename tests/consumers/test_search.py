from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searchable import NUM_TRACKS, shared
from tagged import STORAGE, small_workspace

from pipeline.consumers import track_columns
from pipeline.consumers.search import Searcher, open_searcher, search_tracks
from pipeline.consumers.search_request import Range, Search, UnwantedTag, WantedTag
from pipeline.errors import ConfigError, TableError
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with open_views(shared(tmp_path_factory), storage=STORAGE, memory_mb=200) as connection:
        yield connection


@pytest.fixture(scope="module")
def searcher(session):
    return Searcher(session)


def naive(connection, search: Search) -> list[tuple]:
    """The same search as one SQL statement over the views: id and combined key."""
    joins, conditions, keys = ["FROM tracks t LEFT JOIN descriptors d USING (track_id)"], [], []
    for i, one in enumerate((*search.like, *search.unlike)):
        tag = f"(SELECT track_id, score, positive FROM tags WHERE tag = '{one.tag}') s{i}"
        joins.append(f"JOIN {tag} ON t.track_id = s{i}.track_id")
        if isinstance(one, WantedTag):
            keys.append(f"s{i}.score::DOUBLE")
            if one.minimum is not None:
                conditions.append(f"s{i}.score >= {one.minimum}")
        elif one.maximum is not None:
            conditions.append(f"s{i}.score <= {one.maximum}")
        elif one.tag in ("sung", "spoken"):
            conditions.append(f"NOT s{i}.positive")
        else:
            known = f"FROM tags JOIN tracks USING (track_id) WHERE tag = '{one.tag}'"
            share = search.unwanted_percentile / 100
            conditions.append(
                f"s{i}.score <= (SELECT quantile_cont(score::DOUBLE, {share}) {known})::FLOAT"
            )
    for one in search.ranges:
        column = f"d.{one.column}" if one.column == "tempo_bpm" else f"t.{one.column}"
        conditions += [f"{column} >= {one.low}"] if one.low is not None else []
        conditions += [f"{column} <= {one.high}"] if one.high is not None else []
    conditions += [f"d.key IN {(*search.keys, '')}"] if search.keys else []
    conditions += [f"d.mode = '{search.mode}'"] if search.mode else []
    conditions += [f"t.dataset IN {(*search.datasets, '')}"] if search.datasets else []
    artists = (*tuple(name.lower() for name in search.artists), "")
    conditions += [f"lower(t.artist) IN {artists}"] if search.artists else []
    key = " * ".join(keys) or "0"
    sql = f"SELECT t.track_id, {key} AS k, t.artist AS artist {' '.join(joins)}"
    sql += f" WHERE {' AND '.join(conditions)}" if conditions else ""
    most = search.per_artist or NUM_TRACKS
    return run_query(
        connection,
        f"SELECT track_id, k FROM ({sql}) QUALIFY artist IS NULL OR row_number() OVER "
        f"(PARTITION BY lower(artist) ORDER BY k DESC, track_id) <= {most} "
        f"ORDER BY k DESC, track_id LIMIT {search.limit}",
    ).to_pylist()


EIGHTHS = st.integers(0, 8).map(lambda n: n / 8)
NAMES = {"toy": ["m0", "m1", "m2", "m3"], "fine": ["sung", "spoken"]}


@st.composite
def searches(draw):
    names = draw(st.permutations(NAMES[draw(st.sampled_from(list(NAMES)))]))
    num_like = draw(st.integers(0, len(names)))
    num_unlike = draw(st.integers(0, len(names) - num_like))
    unlike = names[num_like : num_like + num_unlike]
    low = draw(st.none() | st.integers(60, 100))
    year = draw(st.none() | st.integers(1980, 2019))
    ranges = () if low is None else (Range("tempo_bpm", low, draw(st.none() | st.just(low + 30))),)
    ranges += () if year is None else (Range("year", None, year),)
    return {
        "like": tuple(WantedTag(n, draw(st.none() | EIGHTHS)) for n in names[:num_like]),
        "unlike": tuple(UnwantedTag(n, draw(st.none() | EIGHTHS)) for n in unlike),
        "ranges": ranges,
        "keys": draw(st.sampled_from([(), ("C",), ("C", "A"), ("B",)])),
        "mode": draw(st.sampled_from([None, None, "minor"])),
        "datasets": draw(st.sampled_from([(), ("set1",), ("set1", "set2")])),
        "artists": draw(st.sampled_from([(), (), ("artist 0", "Artist 1")])),
        "per_artist": draw(st.none() | st.integers(1, 3)),
        "limit": draw(st.integers(1, 60)),
        "unwanted_percentile": draw(st.sampled_from([0.0, 50.0, 75.0, 100.0])),
    }


@settings(max_examples=30, deadline=None)
@given(searches())
def test_a_search_finds_what_plain_sql_finds_in_the_same_order(session, searcher, asked):
    if not any(
        v for k, v in asked.items() if k not in ("per_artist", "limit", "unwanted_percentile")
    ):
        asked["mode"] = "major"
    search = Search(**asked)
    expected = naive(session, search)
    found = searcher.search(search)
    assert found["track_id"].to_pylist() == [row["track_id"] for row in expected]
    if search.like:
        roots = [row["k"] ** (1 / len(search.like)) for row in expected]
        assert found["score"].to_pylist() == pytest.approx(roots, rel=1e-6)
    else:
        assert set(found["score"].to_pylist()) <= {None}
    everything = Search(**(asked | {"per_artist": None, "limit": NUM_TRACKS}))
    ids = [row["track_id"] for row in naive(session, everything)]
    assert searcher.matching(search).to_pylist() == sorted(ids)


def test_the_answer_has_a_column_for_each_wanted_tag(searcher):
    found = searcher.search(Search(like=(WantedTag("m1"), WantedTag("mood---m0")), limit=3))
    assert found.column_names == ["track_id", "title", "artist", "score", "m1", "m0"]
    for row in found.to_pylist():
        assert row["score"] == pytest.approx((row["m1"] * row["m0"]) ** 0.5)
        assert row["title"] == f"Title of {row['track_id']}"


def test_a_weight_changes_the_order(searcher):
    def order(weight: float) -> list[str]:
        like = (WantedTag("m1", weight=weight), WantedTag("m0"))
        return searcher.search(Search(like=like))["track_id"].to_pylist()

    first = searcher.search(Search(like=(WantedTag("m1", weight=9), WantedTag("m0"))))
    keys = [(row["m1"] ** 0.9) * (row["m0"] ** 0.1) for row in first.to_pylist()]
    assert keys == pytest.approx(sorted(keys, reverse=True))
    assert order(9) != order(1)


def test_the_notes_say_from_where_an_unwanted_tag_counts(searcher):
    (percentile,) = searcher.notes(Search(unlike=(UnwantedTag("m0"),)))
    assert "percentile 75" in percentile
    assert "no thresholds" in percentile
    (threshold,) = searcher.notes(Search(unlike=(UnwantedTag("sung"),)))
    assert "threshold 0.5" in threshold
    (asked,) = searcher.notes(Search(unlike=(UnwantedTag("sung", 0.25),)))
    assert "at most 0.25" in asked


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"like": (WantedTag("m9"),)}, "no tag 'm9'; the nearest names are m3"),
        ({"like": (WantedTag("m0"),), "unlike": (UnwantedTag("m0"),)}, "wanted and not wanted"),
        ({"like": (WantedTag("m0"), WantedTag("mood---m0"))}, "wanted twice"),
        (
            {"like": (WantedTag("m0", 0.5),), "unlike": (UnwantedTag("mood---m0", 0.25),)},
            "m0 cannot be 0.5 or more and 0.25 or less",
        ),
        ({"ranges": (Range("tempo", 1, 2),)}, "'tempo'; the nearest names are tempo_bpm"),
        ({"ranges": (Range("loudness_lufs", -20, -9),)}, "earmark describe"),
        ({"artists": ("Artist 10",)}, "no artist 'Artist 10'; the nearest names are artist"),
        ({"datasets": ("set9",)}, "no dataset 'set9'"),
        ({"like": (WantedTag("m0"),), "model": "fine"}, "no tag 'm0'"),
    ],
)
def test_what_is_not_there_is_named_with_what_is_near(searcher, asked, said):
    with pytest.raises(ConfigError, match=said):
        searcher.search(Search(**asked))


def test_a_tag_may_be_wanted_within_bounds(searcher):
    search = Search(like=(WantedTag("m0", 0.25),), unlike=(UnwantedTag("m0", 0.5),))
    assert set(searcher.search(search)["m0"].to_pylist()) == {0.25, 0.375, 0.5}


def test_columns_that_do_not_fit_are_read_again(session, searcher, monkeypatch):
    search = Search(like=(WantedTag("m0"), WantedTag("m1")), ranges=(Range("year", 1990, 2000),))
    expected = searcher.search(search)
    small = Searcher(session)
    small.columns._keep_bytes = 1
    assert small.search(search) == expected
    assert small.search(search) == expected
    assert len(small.columns._kept) == 1


def test_several_threads_get_the_same_answers(session):
    fresh, found = Searcher(session), []
    searches = [Search(like=(WantedTag(f"m{i % 4}"),), limit=5) for i in range(8)]
    threads = [
        threading.Thread(target=lambda one=one: found.append((one, fresh.search(one))))
        for one in searches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(fresh.search(one) == answer for one, answer in found)


def test_a_second_searcher_of_a_session_and_one_question_alone(session, searcher):
    search = Search(like=(WantedTag("m2"),))
    assert search_tracks(session, search) == searcher.search(search)


def test_without_thresholds_descriptors_or_a_catalog_an_answer_says_what_is_missing(tmp_path):
    root = small_workspace(tmp_path)
    publish(root, storage=STORAGE, memory_mb=200)
    with open_searcher(root, storage=STORAGE, memory_mb=200) as found:
        assert found.search(Search(like=(WantedTag("wild"),)))["track_id"].to_pylist() == [
            "t1",
            "t2",
        ]
        with pytest.raises(ConfigError, match="no track has tempo_bpm"):
            found.search(Search(ranges=(Range("tempo_bpm", 80, 100),)))
    with (
        pytest.raises(TableError, match="no workspace"),
        open_searcher(str(tmp_path / "typo"), storage=STORAGE, memory_mb=200),
    ):
        pass


def test_every_number_that_a_range_takes_is_a_column_of_the_views(session):
    numbers, of_tracks = track_columns.NUMBERS, track_columns.TRACK_NUMBERS
    for view, names in (("tracks", of_tracks), ("descriptors", numbers[len(of_tracks) :])):
        columns = ", ".join(f"{name}::DOUBLE" for name in names)
        assert run_query(session, f"SELECT {columns} FROM {view} LIMIT 1").num_rows == 1
