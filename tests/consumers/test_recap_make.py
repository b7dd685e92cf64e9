from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from listens import (
    Listen,
    make_listens,
    write_lastfm,
    write_listenbrainz,
    write_spotify,
    write_table,
)
from tagged import MOODS, SOUNDS, ok, scoring, track, write_results, write_scorings, write_tracks
from tagged import STORAGE as STORE

from pipeline.config import load
from pipeline.config_recap import RecapJob
from pipeline.consumers.recap_formulas import exploration, newness, uniqueness, variety
from pipeline.consumers.recap_make import make_recap
from pipeline.errors import ConfigError, TableError
from pipeline.tables.tags import publish

CONF = Path(__file__).resolve().parents[2] / "conf" / "smoke" / "recap.yaml"
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SONGS = [
    track("t1", artist="Björk", title="Jóga", year=1997, duration_s=300.0),
    track("t2", artist="Björk", title="Hyperballad", year=1995, duration_s=320.0),
    track("t3", artist="Chopin", title="Mazurka (Live)", year=2020, duration_s=180.0),
    track("USRC17607839", artist="Nobody", title="By ISRC", year=None, duration_s=100.0),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> str:
    root = tmp_path_factory.mktemp("ws")
    write_scorings(root, scoring("s1", MOODS), scoring("s2", SOUNDS, (0.5, 0.5, 0.5)))
    write_tracks(root, SONGS)
    moods = {"t1": [0.6, 0.2, 0.9, 0.1], "t2": [0.1, 0.3, 0.2, 0.2], "t3": [0.4, 0.0, 0.1, 0.3]}
    sounds = {"t1": [0.9, 0.1, 0.8], "t2": [0.1, 0.9, 0.1], "t3": [0.1, 0.1, 0.1]}
    rows = [ok(name, scores) for name, scores in moods.items()]
    write_results(root, rows + [ok(name, scores, by="s2") for name, scores in sounds.items()])
    publish(str(root), storage=STORE, memory_mb=200)
    return str(root)


def listen(song: int, *, at: datetime = NOON, user: str = "ada", s: float = 100.0) -> Listen:
    one = SONGS[song]
    return Listen(user, one["track_id"], one["artist"], one["title"], at, int(1000 * s))


def recap(root: str, source: Path, *overrides: str):
    places = (f"workspace.root_url={root}", f"history.source={source}")
    return make_recap(load(RecapJob, CONF, overrides=(*places, *overrides)))


def of(root: str, folder: Path, listens: list[Listen], *overrides: str):
    return recap(root, write_table(folder / "history.parquet", listens), *overrides)


@pytest.fixture(scope="module")
def many():
    return make_listens(
        SONGS, users=[f"user {i}" for i in range(6)], days=130, sessions_a_day=0.3, seed=3
    )


def test_every_format_gives_the_same_recap(root, tmp_path, many):
    mine = [one for one in many if one.user == "user 0"]
    whole = [replace(one, ms_played=one.ms_played // 1000 * 1000) for one in mine]
    sources = [
        write_table(tmp_path / "h.parquet", whole),
        write_table(tmp_path / "h.csv", whole),
        write_table(tmp_path / "h.jsonl", whole),
        write_listenbrainz(tmp_path / "lb.jsonl", whole),
        write_spotify(tmp_path / "spotify", whole, rows_a_file=200),
    ]
    found = [recap(root, source) for source in sources]
    for one in found[1:]:
        assert one.artists == found[0].artists
        assert one.tracks == found[0].tracks
        assert (one.months, one.slots) == (found[0].months, found[0].slots)
        assert one.sessions == found[0].sessions
        assert one.personality == found[0].personality
        assert one.moods == found[0].moods
    assert found[4].read.files > 1
    assert found[4].read.faults == {"no track": 1}
    assert found[3].match.by == {"name": found[3].match.matched}


def test_lastfm_says_no_length_and_the_catalog_does(root, tmp_path):
    listens = [listen(0), listen(2, at=NOON + HOUR)]
    found = recap(root, write_lastfm(tmp_path / "lastfm.csv", listens))
    assert found.listened_s == 480.0
    bare = write_lastfm(tmp_path / "bare.csv", listens, header=False)
    assert recap(root, bare, "history.timezone=UTC").listened_s == 480.0
    assert recap(root, bare, "history.timezone=UTC").hours == found.hours


def test_times_without_a_zone_are_refused_with_the_row_and_the_setting(root, tmp_path):
    bare = write_lastfm(tmp_path / "bare.csv", [listen(0), listen(1)], header=False)
    with pytest.raises(ConfigError, match=r"2 times .* no time zone") as error:
        recap(root, bare)
    assert "01 Mar 2024 12:00" in str(error.value)
    assert "--set history.timezone=" in str(error.value)
    with pytest.raises(ConfigError, match=r"near it are .*Europe/Berlin"):
        recap(root, bare, "history.timezone=Europe/Berln")


def test_a_zone_for_times_without_one_moves_them(root, tmp_path):
    bare = write_lastfm(tmp_path / "bare.csv", [listen(0)], header=False)
    found = recap(root, bare, "history.timezone=America/New_York")
    assert [one.label for one in found.hours] == ["17"]


def test_hours_weekdays_and_months_are_those_of_the_person(root, tmp_path):
    late = datetime(2024, 3, 31, 23, 30, tzinfo=UTC)  # already summer time in Berlin
    found = of(root, tmp_path, [listen(0, at=late)], "recap.timezone=Europe/Berlin")
    assert [one.label for one in found.hours] == ["01"]
    assert [one.label for one in found.weekdays] == ["Monday"]
    assert [one.label for one in found.months] == ["2024-04"]
    assert found.first_day == "2024-04-01"


def test_tracks_are_found_by_id_isrc_and_name(root, tmp_path):
    rows = [
        {"track": "t1", "time": "2024-03-01T12:00:00Z"},
        {"isrc": "us-rc1-76-07839", "time": "2024-03-01T13:00:00Z"},
        {"artist": "BJÖRK", "title": "Hyperballad (Remastered 2011)", "time": 1709301600},
        {"artist": "Chopin", "title": "Mazurka", "time": 1709305200000},
        {"track": "t9", "time": "2024-03-01T16:00:00+02:00"},
    ]
    path = tmp_path / "h.jsonl"
    rows = [{"track": None} | row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = recap(root, path)
    assert found.match.by == {"id": 1, "isrc": 1, "name": 1}
    assert found.match.share == pytest.approx(0.6)
    assert set(found.match.unmatched) == {("Chopin", "Mazurka", 1), ("", "t9", 1)}


def test_bad_rows_are_counted_and_shown_and_end_nothing(root, tmp_path):
    good = {"track": "t1", "time": "2024-03-01T12:00:00Z", "ms_played": 9000}
    rows = [
        json.dumps(good),
        "{broken",
        json.dumps(good | {"time": "yesterday"}),
        json.dumps(good | {"time": None}),
        json.dumps(good | {"time": 0}),
        json.dumps(good | {"time": "2924-03-01T12:00:00Z"}),
        json.dumps(good | {"track": ""}),
        json.dumps(good | {"ms_played": -5}),
        json.dumps([1]),
        json.dumps(good),
        json.dumps(good | {"time": "2024-03-01T12:30:00Z", "ms_played": 100}),
    ]
    path = tmp_path / "h.jsonl"
    path.write_text("\n".join(rows) + "\n\n")
    found = recap(root, path)
    assert found.read.rows == 11
    assert found.read.faults == {
        "malformed": 2,
        "negative length": 1,
        "no time": 1,
        "no track": 1,
        "time out of range": 2,
        "unreadable time": 1,
    }
    assert (found.plays, found.read.skips, found.read.duplicates) == (1, 1, 1)
    assert len(found.read.shown) == 5


def test_lines_of_a_csv_that_do_not_fit_are_counted(root, tmp_path):
    path = tmp_path / "h.csv"
    path.write_text('track,time\nt1,2024-03-01T12:00:00Z\nt1\n"t2",2024-03-01T13:00:00Z,x,y\n')
    found = recap(root, path)
    assert (found.plays, found.read.faults) == (1, {"malformed": 2})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("h.json", "[]", "is empty"),
        ("h.csv", "track,time\n", "is empty"),
        ("h.jsonl", "", "is empty"),
        ("h.json", '[{"endTime": "x", "artistName": "y"}]', r"Seen: .*endTime.*Read are: Listen"),
        ("h.txt", "hello", "Seen: h.txt: text that begins"),
        ("h.jsonl", '{"track": "t1", "time": "soon"}\n', r"none of the 1 rows .*unreadable time 1"),
        (
            "h.json",
            '[{"ts": "2024-03-01T12:00Z", "ms_played": 1, "master_metadata_track_name": "x"},\n {',
            "breaks off",
        ),
        ("h.csv", "track,time,ms_played\nt1,1709294400,10\n", "shorter than history.min_s"),
    ],
)
def test_a_history_that_cannot_be_used_says_why(root, tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        recap(root, tmp_path / name)


def test_a_history_that_is_not_there_and_a_workspace_that_is_not_there(root, tmp_path):
    with pytest.raises(ConfigError, match="no listening history at"):
        recap(root, tmp_path / "nothing")
    path = write_table(tmp_path / "h.csv", [listen(0)])
    with pytest.raises(TableError, match="no workspace"):
        recap(str(tmp_path / "ws"), path)


def test_of_several_users_one_must_be_named(root, tmp_path):
    listens = [listen(0), listen(1, user="bob")]
    with pytest.raises(ConfigError, match=r"has 2 users: give --user"):
        of(root, tmp_path, listens)
    with pytest.raises(ConfigError, match=r"no user 'bop'; near it are 'bob'"):
        of(root, tmp_path, listens, "recap.user=bop")
    assert of(root, tmp_path, listens, "recap.user=bob").tracks[0].name == "Hyperballad"


def test_a_pause_of_more_than_30_minutes_ends_a_session(root, tmp_path):
    ends = NOON + timedelta(seconds=100)
    listens = [
        listen(0),
        listen(1, at=ends + timedelta(minutes=30)),
        listen(2, at=ends + timedelta(minutes=30, seconds=100) + timedelta(minutes=30, seconds=1)),
    ]
    found = of(root, tmp_path, listens).sessions
    assert (found.count, found.longest_s, found.longest_on) == (2, 200.0, "2024-03-01")


def test_tags_are_weighted_by_the_time_that_was_listened(root, tmp_path):
    found = of(root, tmp_path, [listen(0, s=300), listen(1, at=NOON + HOUR, s=100)])
    sounds = {one.tag: one.share for one in found.tags if one.taxonomy == "sounds"}
    assert sounds == pytest.approx({"piano": 0.75, "singing": 0.75, "drums": 0.25})
    moods = {one.tag: one.share for one in found.moods}
    calm = 0.75 * (0.6 / 0.8) + 0.25 * (0.1 / 0.4)
    assert moods == pytest.approx({"calm": calm, "wild": 1 - calm})
    grid = found.moods_by_hour
    assert grid.periods == ("12", "13")
    assert dict(zip(("12", "13"), grid.rows[0].shares, strict=True)) == pytest.approx(
        {"12": 0.75, "13": 0.25}
    )


def test_an_unknown_taxonomy_is_named_with_those_that_are_there(root, tmp_path):
    with pytest.raises(ConfigError, match="no 'msd50'; it shows moods, sounds"):
        of(root, tmp_path, [listen(0)], "tags.taxonomies=[msd50]")


def by_hand(listens: list[Listen], *, user: str, zone: str):
    """The four axes from the rows, as the docs say them."""
    mine = [one for one in listens if one.user == user and one.ms_played >= 1000]
    months = {}
    for one in mine:
        local = one.time.astimezone(ZoneInfo(zone))
        months.setdefault(one.artist, []).append(12 * local.year + local.month)
    first = min(min(values) for values in months.values())
    late = [(m, min(values)) for values in months.values() for m in values if m >= first + 3]
    years = {song["title"]: song["year"] for song in SONGS}
    ages = Counter(
        one.time.astimezone(ZoneInfo(zone)).year - years[one.title]
        for one in mine
        if years.get(one.title)
    )
    counts = Counter(one.artist for one in mine)
    fans = defaultdict(set)
    for one in listens:
        fans[one.artist].add(one.user)
    others = len({one.user for one in listens}) - 1
    shared = sum(n * (len(fans[artist]) - 1) / others for artist, n in counts.items())
    return (
        exploration(sum(m == start for m, start in late), plays=len(late)),
        newness(ages.items()),
        variety(sum(n * n for n in counts.values()), plays=len(mine)),
        uniqueness(shared, plays=len(mine)),
    )


def test_the_axes_are_those_of_the_formulas_whatever_the_order_of_the_rows(root, tmp_path, many):
    zone = "Europe/Berlin"
    settings = ("recap.user=user 2", f"recap.timezone={zone}")
    found = of(root, tmp_path, many, *settings)
    assert found.personality.values == pytest.approx(by_hand(many, user="user 2", zone=zone))
    turned = of(root, tmp_path, many[::-1], *settings)
    assert replace(turned, read=found.read) == found


def test_a_short_history_of_one_leaves_axes_unknown(root, tmp_path):
    found = of(root, tmp_path, [listen(3)]).personality
    assert found.values == (None, None, 0.0, None)
    assert found.letters == "--L-"
    assert len(found.notes) == 3


def test_a_population_adds_up_and_names_nobody(root, tmp_path, many):
    found = of(root, tmp_path, many, "recap.scope=population")
    once = {(one.user, one.time, one.title): one for one in many}.values()
    usable = [one for one in once if one.ms_played >= 1000]
    assert (found.users, found.plays) == (6, len(usable))
    assert found.listened_s == pytest.approx(sum(one.ms_played for one in usable) / 1000)
    assert sum(one.plays for one in found.weekdays) == len(usable)
    assert all(one.users == 6 for one in found.artists)
    assert "user 1" not in found.to_json()


def test_small_cells_of_a_population_are_left_out(root, tmp_path):
    listens = [listen(0, user=f"user {i}") for i in range(5)]
    listens += [listen(2, user=f"user {i}", at=NOON + HOUR) for i in range(4)]
    alone = Listen("user 4", "", "Secret Band", "Secret Song", NOON + 3 * HOUR, 100_000)
    found = of(root, tmp_path, [*listens, alone], "recap.scope=population", "recap.min_users=4")
    assert [one.name for one in found.artists] == ["Björk"]
    assert [one.label for one in found.hours] == ["12"]
    assert found.slots == ()
    assert found.match.unmatched == ()
    assert found.suppressed["artists"] == 2
    assert "Secret" not in found.to_json()


def test_a_population_under_the_minimum_is_refused(root, tmp_path):
    with pytest.raises(ConfigError, match=r"has 2 user\(s\), fewer than recap.min_users = 3"):
        of(root, tmp_path, [listen(0), listen(0, user="bob")], "recap.scope=population")


def test_the_facts_are_json(root, tmp_path):
    facts = json.loads(of(root, tmp_path, [listen(0)]).to_json())
    assert facts["artists"][0]["name"] == "Björk"
    assert facts["match"]["share"] == 1.0
