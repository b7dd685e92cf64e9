from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from fakes import TONE_REFERENCE, tone_bundle
from workspace import features_job, tag_job, write_broken, write_catalog, write_tones

from pipeline.errors import ConfigError, TableError
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
NUM_TRACKS = 12


def results(root):
    rows = DeltaTable(str(root / "results")).to_pyarrow_table().to_pylist()
    return {row["track_id"]: row for row in rows}


def make_workspace(root, *, num_tracks=NUM_TRACKS):
    music = root / "music"
    write_tones(music, num_tracks=num_tracks)
    reasons = write_broken(music)
    write_catalog(root, [*sorted(music.iterdir()), music / "x-gone.wav"])
    tone_bundle(str(root))
    return reasons | {"x-gone": "missing"}


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """A workspace that was tagged from audio and from features."""
    root = tmp_path_factory.mktemp("workspace")
    reasons = make_workspace(root)
    summary = tag_catalog(tag_job(root), run_id="run-audio")
    return root, reasons, summary


def test_every_track_is_scored_or_failed_with_its_reason(tagged):
    root, reasons, summary = tagged
    rows = results(root)
    assert len(rows) == NUM_TRACKS + len(reasons)
    for track_id, reason in reasons.items():
        assert (rows[track_id]["status"], rows[track_id]["reason"]) == ("failed", reason)
    for i in range(NUM_TRACKS):
        high, low = rows[f"t{i:03d}"]["scores"]
        assert rows[f"t{i:03d}"]["status"] == "ok"
        assert (high > low) == bool(i % 2)
    assert (summary.tally.ok, summary.tally.failed) == (NUM_TRACKS, len(reasons))
    assert summary.tally.audio_s == pytest.approx(NUM_TRACKS * 4.0, rel=0.05)
    assert verify(str(root), storage=Storage(), memory_mb=256).holds


def test_running_again_does_nothing_and_starts_nothing(tagged):
    root, _, first = tagged
    version = DeltaTable(str(root / "results")).version()
    summary = tag_catalog(tag_job(root), run_id="run-again")
    assert (summary.committed, summary.tally.tracks) == (0, 0)
    assert summary.already == summary.planned == first.planned
    assert DeltaTable(str(root / "results")).version() == version
    assert list((root / "plans" / "pending").iterdir()) == []


@pytest.mark.parametrize(
    "overrides",
    [
        ("runtime.num_actors=1", "runtime.unit_tracks=1", "runtime.file_tracks=1"),
        ("runtime.num_actors=2", "runtime.unit_tracks=100", "runtime.file_tracks=7"),
    ],
)
def test_scores_do_not_depend_on_actors_units_files_or_order(tagged, tmp_path, overrides):
    root, _, _ = tagged
    write_catalog(tmp_path, sorted((root / "music").iterdir(), reverse=True))
    tone_bundle(str(tmp_path))
    tag_catalog(tag_job(tmp_path, *overrides), run_id="run-other")
    before, now = results(root), results(tmp_path)
    for i in range(NUM_TRACKS):
        track_id = f"t{i:03d}"
        np.testing.assert_allclose(now[track_id]["scores"], before[track_id]["scores"], atol=1e-5)
        np.testing.assert_allclose(
            now[track_id]["embedding"], before[track_id]["embedding"], rtol=1e-5
        )


def test_features_hold_every_track_and_tag_from_them_agrees(tagged):
    root, reasons, _ = tagged
    summary = extract_catalog(features_job(root), run_id="run-features")
    assert (summary.tally.ok, summary.tally.failed) == (NUM_TRACKS, len(reasons))
    assert extract_catalog(features_job(root), run_id="again").committed == 0
    from_audio = results(root)
    tag_catalog(tag_job(root, "scoring.input=features"), run_id="run-stored")
    table = DeltaTable(str(root / "results")).to_pyarrow_table()
    stored = table.filter(pc.field("run_id") == "run-stored").to_pylist()
    assert len(stored) == len(from_audio)
    assert {row["scoring_id"] for row in stored}.isdisjoint(
        {row["scoring_id"] for row in from_audio.values()}
    )
    for row in stored:
        audio = from_audio[row["track_id"]]
        assert (row["status"], row["reason"]) == (audio["status"], audio["reason"])
        if row["status"] == "ok":
            np.testing.assert_allclose(row["scores"], audio["scores"], atol=2e-3)
    report = verify(str(root), storage=Storage(), memory_mb=256)
    assert report.holds, report.lines()
    assert len(report.plans) == 3


def test_two_taggers_are_fed_from_one_pass_and_a_third_only_adds_its_rows(tmp_path):
    make_workspace(tmp_path, num_tracks=4)
    other = tone_bundle(str(tmp_path / "other"), frontend="sota-mel128")
    models = f"scoring.models=['{TONE_REFERENCE}', '{tmp_path}/other/models/trained/tone']"
    assert other == TONE_REFERENCE
    summary = tag_catalog(tag_job(tmp_path, models), run_id="both")
    assert summary.tally.tracks == 8
    assert summary.committed == 16
    assert summary.tally.audio_s == pytest.approx(16.0, rel=0.1)
    again = tag_catalog(tag_job(tmp_path), run_id="one")
    assert again.committed == 0
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds


def test_new_and_changed_tracks_are_done_and_nothing_else(tmp_path):
    make_workspace(tmp_path, num_tracks=4)
    tag_catalog(tag_job(tmp_path), run_id="first")
    write_tones(tmp_path / "music", num_tracks=6)
    write_tones(tmp_path / "music", num_tracks=1, seconds=5.0)
    write_catalog(tmp_path, sorted((tmp_path / "music").iterdir()))
    summary = tag_catalog(tag_job(tmp_path), run_id="second")
    assert summary.tally.tracks == 3
    assert verify(str(tmp_path), storage=Storage(), memory_mb=256).holds


def test_features_of_another_front_end_are_refused(tmp_path):
    make_workspace(tmp_path, num_tracks=2)
    with pytest.raises(TableError, match=r"6 track.s. have no features of front end sota-mel96"):
        tag_catalog(tag_job(tmp_path, "scoring.input=features"), run_id="r")
    extract_catalog(features_job(tmp_path, frontend="sota-mel128"), run_id="r")
    with pytest.raises(TableError, match=r"stored front ends: sota-mel128.*--frontend sota-mel96"):
        tag_catalog(tag_job(tmp_path, "scoring.input=features"), run_id="r")


def test_models_with_different_front_ends_cannot_share_features(tmp_path):
    make_workspace(tmp_path, num_tracks=2)
    tone_bundle(str(tmp_path / "other"), frontend="sota-mel128")
    models = f"scoring.models=['{TONE_REFERENCE}', '{tmp_path}/other/models/trained/tone']"
    with pytest.raises(ConfigError, match="do not read the same input"):
        tag_catalog(tag_job(tmp_path, models, "scoring.input=features"), run_id="r")


def test_what_is_missing_is_said_before_ray_starts(tmp_path):
    with pytest.raises(ConfigError, match="earmark models add"):
        tag_catalog(tag_job(tmp_path), run_id="r")
    tone_bundle(str(tmp_path))
    with pytest.raises(TableError, match="earmark catalog SOURCE"):
        tag_catalog(tag_job(tmp_path), run_id="r")
    with pytest.raises(ConfigError, match="no front end 'mel-of-cakes'; known: "):
        extract_catalog(features_job(tmp_path, frontend="mel-of-cakes"), run_id="r")


def test_a_table_path_that_holds_something_else_is_refused(tmp_path):
    make_workspace(tmp_path, num_tracks=1)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.txt").write_text("mine")
    with pytest.raises(TableError, match=r"thesis\.txt"):
        tag_catalog(tag_job(tmp_path), run_id="r")
