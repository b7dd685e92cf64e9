from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tagged import (
    MOODS,
    SOUNDS,
    STORAGE,
    ok,
    scoring,
    track,
    write_results,
    write_scorings,
    write_tracks,
)
from workspace import CONF

from pipeline import config
from pipeline.config_playlist import PlaylistJob
from pipeline.consumers import playlist_asked
from pipeline.consumers.playlist import make_playlist
from pipeline.errors import ConfigError, TableError, UserError
from pipeline.schemas import DESCRIPTORS
from pipeline.tables import delta
from pipeline.tables.tags import publish

NUM_TRACKS = 20
SMALL = ("length.tracks=5", "rules.per_artist=null")


def angle(i: int) -> np.ndarray:
    """Embeddings on a quarter of a circle: track i is like its neighbours."""
    turn = i / NUM_TRACKS * np.pi / 2
    return np.array([np.cos(turn), np.sin(turn)], np.float32)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Track i: calm i/20 (not calibrated), piano i/20 from 0.5 on, drums in every third track."""
    root = tmp_path_factory.mktemp("ws")
    write_scorings(root, scoring("s1", MOODS), scoring("s2", SOUNDS, (0.5, 0.5, 0.9)))
    names = [f"t{i:02d}" for i in range(NUM_TRACKS)]
    artists = [f"artist {i % 4}" for i in range(NUM_TRACKS)]
    write_tracks(root, [track(n, artist=a) for n, a in zip(names, artists, strict=True)])
    shares = [i / NUM_TRACKS for i in range(NUM_TRACKS)]
    moods = [ok(n, [s, 1 - s, 0.5, 0.1]) for n, s in zip(names, shares, strict=True)]
    sounds = [
        ok(n, [s, 0.9 * (i % 3 == 0), 0.0], by="s2") | {"embedding": angle(i)}
        for i, (n, s) in enumerate(zip(names, shares, strict=True))
    ]
    write_results(root, [row | {"embedding": None} for row in moods] + sounds)
    publish(str(root), storage=STORAGE, memory_mb=200)
    return root


def make(root, *overrides: str):
    given = (f"workspace.root_url={root}", *SMALL, *overrides)
    return make_playlist(config.load(PlaylistJob, CONF / "playlist.yaml", overrides=given))


def ids(playlist) -> list[str]:
    return [entry.track_id for entry in playlist.entries]


def test_a_calibrated_tag_counts_from_its_threshold_on_and_the_best_come_first(root):
    playlist = make(root, "ask.like=[piano]", "rules.diversity=0", "weights.near_tie=0")
    assert ids(playlist) == ["t19", "t18", "t17", "t16", "t15"]
    assert playlist.entries[0].reason == "piano 0.95"
    every = make(root, "ask.like=[piano]", "length.tracks=20")
    assert sorted(ids(every)) == [f"t{i}" for i in range(10, 20)]
    assert "tracks: 10 with piano, 10 answer" in every.notes
    assert "shorter than asked: 10 of 20 tracks, all that answer" in every.notes
    assert not any("percentile stands in" in note for note in every.notes)


def test_without_thresholds_a_percentile_counts_and_is_said(root):
    playlist = make(root, "ask.like=[wild]", "tags.percentile=80")
    assert sorted(ids(playlist)) == ["t00", "t01", "t02", "t03"]
    assert "liked 'wild': moods:mood---wild from 0.810 on (percentile)" in playlist.notes
    assert any("percentile stands in" in note for note in playlist.notes)


def test_a_refused_tag_is_never_there(root):
    playlist = make(root, "ask.like=[piano]", "ask.refuse=[drums]", "length.tracks=20")
    assert sorted(ids(playlist)) == ["t10", "t11", "t13", "t14", "t16", "t17", "t19"]
    assert "refused tags took 3 of 10" in playlist.notes
    assert all("no drums (0.00)" in entry.reason for entry in playlist.entries)


def test_all_or_any_of_the_liked_tags(root):
    both = make(root, "ask.like=[piano, drums]", "length.tracks=20")
    assert sorted(ids(both)) == ["t12", "t15", "t18"]
    either = make(root, "ask.like=[piano, drums]", "tags.match=any", "length.tracks=20")
    assert len(either.entries) == 14


def test_seed_tracks_find_what_is_like_them(root):
    playlist = make(root, "ask.seed_tracks=[t05]", "rules.diversity=0", "length.tracks=4")
    assert sorted(ids(playlist)) == ["t03", "t04", "t06", "t07"]
    assert "like the seeds" in playlist.entries[0].reason
    between = make(root, "ask.seed_tracks=[t05, Title of t07]", "length.tracks=1")
    assert ids(between) == ["t06"]


def test_seeds_and_tags_hold_together(root):
    playlist = make(root, "ask.seed_tracks=[t15]", "ask.like=[piano]", "length.tracks=20")
    assert sorted(ids(playlist)) == [f"t{i}" for i in range(10, 20) if i != 15]


def test_a_prompt_becomes_tags_and_says_what_it_did_not_understand(root, monkeypatch):
    monkeypatch.setattr(playlist_asked, "load_sentences", lambda: None)
    playlist = make(root, "ask.prompt='Some piano for rainy days, without drums'")
    assert set(ids(playlist)) <= {"t10", "t11", "t13", "t14", "t16", "t17", "t19"}
    assert any(
        note.startswith("no tag stands for: rainy days; pip install") for note in playlist.notes
    )


class RainIsCalm:
    def vectors(self, texts):
        places = ["calm", "wild", "rock", "piano", "drums", "singing"]
        rows = np.eye(len(places))
        found = [
            rows[[name in text.replace("rainy", "calm") for name in places].index(True)]
            for text in texts
        ]
        return np.array(found, np.float32)


def test_words_without_a_tag_lean_to_the_nearest_one(root, monkeypatch):
    monkeypatch.setattr(playlist_asked, "load_sentences", RainIsCalm)
    playlist = make(root, "ask.prompt=rainy", "length.tracks=2")
    assert sorted(ids(playlist)) == ["t18", "t19"]
    assert any("leaning 'rainy' (nearest in meaning, 1.00)" in note for note in playlist.notes)


def test_the_pool_is_bounded_and_says_so(root):
    playlist = make(root, "ask.like=[piano]", "pool.max_candidates=6", "length.tracks=9")
    assert sorted(ids(playlist)) == [f"t{i}" for i in range(14, 20)]
    assert any(note.startswith("the closest 6 of 10 were considered") for note in playlist.notes)


def test_the_same_seed_gives_the_same_playlist(root):
    asked = ("ask.like=[calm]", "tags.percentile=0", "weights.near_tie=0.5", "length.tracks=12")
    first, again, other = (make(root, *asked, f"rules.seed={seed}") for seed in (1, 1, 2))
    assert ids(first) == ids(again)
    assert ids(first) != ids(other)


def test_descriptors_give_tempo_key_and_energy(root, tmp_path):
    here = tmp_path / "ws"
    shutil.copytree(root, here)
    rows = [
        track_row(f"t{i}", tempo_bpm=90.0 + i, key="C" if i % 2 else "A", energy=i)
        for i in range(10, 20)
    ]
    table = delta.open_table(f"{here}/descriptors", storage=STORAGE, schema=DESCRIPTORS)
    write_deltalake(table, pa.Table.from_pylist(rows, schema=DESCRIPTORS), mode="append")
    playlist = make(here, "ask.like=[piano]", "rules.curve=rising", "rules.diversity=0")
    energies = [pick.track.energy for pick in playlist.picks]
    assert energies == sorted(energies)
    assert "energy: ranks of loudness, onset density and spectral centroid" in playlist.notes
    reasons = " ".join(entry.reason for entry in playlist.entries)
    assert " bpm after 1" in reasons
    assert "A minor next to C major" in reasons or "C major next to A minor" in reasons
    assert "a rising curve asks 0.10" in reasons


def track_row(track_id: str, *, tempo_bpm: float, key: str, energy: float) -> dict:
    row = ok(track_id, [])
    kept = {name: row[name] for name in row if name in DESCRIPTORS.names}
    return kept | {
        "spec_id": "spec",
        "tempo_bpm": tempo_bpm,
        "key": key,
        "mode": "major" if key == "C" else "minor",
        "loudness_lufs": -30.0 + energy,
        "onset_density_hz": energy,
        "spectral_centroid_hz_mean": 1000.0 + energy,
        "made_at": row["tagged_at"],
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((), "nothing was asked"),
        (("ask.like=[pianno]",), "no tag 'pianno'; the nearest names are: piano"),
        (("ask.like=[piano]", "ask.refuse=[pianos]"), "both are the tag sounds:instrument---piano"),
        (("ask.prompt=please play something",), "no tag of the catalog stands in"),
        (("ask.like=[piano]", "length.minutes=3"), "give one of the two"),
        (
            ("ask.like=[piano]", "rules.per_artist=1"),
            "5 tracks at 1 an artist cannot hold.*4 artists",
        ),
        (
            ("ask.like=[piano]", "ask.refuse=[calm]", "tags.refused_fraction=0"),
            "no track answers",
        ),
        (("ask.like=[piano]", "pool.embedding=moods", "ask.seed_tracks=[t01]"), "no embeddings"),
        (("ask.like=[piano]", "rules.diversity=2"), "rules.diversity"),
        (("ask.like=[piano]", "tags.taxonomies=[moods]"), "no tag 'piano'"),
        (("ask.like=[piano]", "tags.taxonomies=[mood]"), "there are: moods, sounds"),
    ],
)
def test_what_cannot_be_is_refused_with_words(root, monkeypatch, overrides, message):
    monkeypatch.setattr(playlist_asked, "load_sentences", lambda: None)
    with pytest.raises(ConfigError, match=message):
        make(root, *overrides)


def test_an_unknown_seed_and_an_empty_workspace_are_refused(root, tmp_path):
    with pytest.raises(UserError, match="no track 'nobody'"):
        make(root, "ask.seed_tracks=[nobody]")
    with pytest.raises(TableError, match="no workspace"):
        make(tmp_path / "none", "ask.like=[piano]")


def test_a_tag_that_few_tracks_have_does_not_count_for_the_rest(root):
    listed = ("ask.like=[calm]", "tags.percentile=0", "length.tracks=20")
    some = make(root, *listed, "tags.best_fraction=0.5")
    assert sorted(ids(some)) == [f"t{i}" for i in range(10, 20)]
    assert len(make(root, *listed, "tags.best_fraction=0").entries) == NUM_TRACKS


def test_a_refused_tag_without_thresholds_counts_from_a_small_share_of_its_best_score(root):
    playlist = make(root, "ask.like=[piano]", "ask.refuse=[wild]", "tags.refused_fraction=0.25")
    assert sorted(ids(playlist)) == ["t16", "t17", "t18", "t19"]
    assert any("(share of the best score)" in note for note in playlist.notes)


def test_without_descriptors_lively_and_calm_tags_make_the_energy(root):
    playlist = make(root, "ask.like=[piano]", "rules.curve=falling", "rules.diversity=0")
    energies = [pick.track.energy for pick in playlist.picks]
    assert energies == sorted(energies, reverse=True)
    assert any(note.startswith("energy: no descriptors here") for note in playlist.notes)
