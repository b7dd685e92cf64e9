from __future__ import annotations

import pytest
from searchable import NUM_TRACKS, shared
from tagged import STORAGE

from pipeline.consumers import similar
from pipeline.consumers.search_request import Range, UnwantedTag, WantedTag
from pipeline.consumers.similar import SimilarRequest, similar_tracks
from pipeline.errors import ConfigError, UserError
from pipeline.tables.views import open_views


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    root = shared(tmp_path_factory)
    folder = str(tmp_path_factory.mktemp("cache"))
    with open_views(root, storage=STORAGE, memory_mb=200) as connection:
        yield lambda track="t007", model="toy", **asked: similar_tracks(
            connection, SimilarRequest(track, model=model, folder=folder, **asked)
        )


def test_the_nearest_have_names_and_the_track_itself_is_not_among_them(ask):
    found = ask(limit=10)
    assert found.column_names == ["track_id", "title", "artist", "similarity"]
    assert found.num_rows == 10
    assert "t007" not in found["track_id"].to_pylist()
    assert all(row["title"] == f"Title of {row['track_id']}" for row in found.to_pylist())


def test_a_track_is_found_by_its_title(ask):
    assert ask(track="title of t007", limit=5) == ask(limit=5)


@pytest.mark.parametrize("first", [1, 7, 200])
@pytest.mark.parametrize("per_artist", [1, 3])
def test_the_limit_an_artist_holds_whatever_is_looked_at_first(ask, monkeypatch, per_artist, first):
    monkeypatch.setattr(similar, "FIRST_CANDIDATES", first)
    everything = ask(limit=NUM_TRACKS).to_pylist()
    counts: dict[str, int] = {}
    expected = []
    for row in everything:
        artist = row["artist"] and row["artist"].lower()
        counts[artist] = counts.get(artist, 0) + 1
        if artist is None or counts[artist] <= per_artist:
            expected.append(row)
    assert ask(limit=25, per_artist=per_artist).to_pylist() == expected[:25]
    assert ask(limit=NUM_TRACKS, per_artist=per_artist).to_pylist() == expected


def test_filters_leave_the_order_of_what_passes(ask):
    asked = {
        "like": (WantedTag("m0", 0.25),),
        "unlike": (UnwantedTag("m1", 0.75),),
        "ranges": (Range("tempo_bpm", 70, 130),),
    }
    kept = ask(limit=NUM_TRACKS, **asked)["track_id"].to_pylist()
    everything = ask(limit=NUM_TRACKS)["track_id"].to_pylist()
    assert 5 < len(kept) < len(everything)
    assert [one for one in everything if one in set(kept)] == kept


def test_tags_of_another_model_can_filter(ask):
    kept = ask(limit=NUM_TRACKS, unlike=(UnwantedTag("sung"),))
    assert 5 < kept.num_rows < ask(limit=NUM_TRACKS).num_rows


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": None}, "several models"),
        ({"model": "nobody"}, "is called 'nobody'"),
        ({"limit": 0}, "1 or more"),
        ({"like": (WantedTag("m0"),)}, "m0>=0.5"),
        ({"unlike": (UnwantedTag("m7"),)}, "nearest names"),
        ({"track": "t000"}, "no embedding"),
        ({"track": "nothing like it"}, "no track"),
    ],
)
def test_what_cannot_be_answered_says_why(ask, asked, said):
    with pytest.raises((ConfigError, UserError), match=said):
        ask(**asked)
