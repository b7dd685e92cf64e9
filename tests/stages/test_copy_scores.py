"""New thresholds are copied scores: no audio is read, and nothing else differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from fakes import TONE_REFERENCE, tone_bundle
from workspace import tag_job, write_broken, write_catalog, write_tones

from pipeline.config import Precision, TagInput
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.models.scoring import scores_id, scoring_id
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage
from pipeline.tables.compaction import compact
from pipeline.tables.scorings import read_scorings
from pipeline.tables.verify import verify

NUM_TRACKS = 6
PRECISE = "trained:precise"


def add_precise(root) -> None:
    """The tone tagger with other thresholds."""
    url = bundle_url(TONE_REFERENCE, root_url=str(root))
    bundle, weights = read_bundle(url, storage=Storage())
    precise = replace(bundle, name="precise", thresholds=(0.9, 0.95))
    target = bundle_url(PRECISE, root_url=str(root))
    write_bundle(target, storage=Storage(), bundle=precise, weights=weights)


def rows_of(root, key: str) -> dict[str, dict]:
    table = DeltaTable(str(root / "results")).to_pyarrow_table()
    rows = table.filter(pc.field("scoring_id") == key).to_pylist()
    assert len({row["track_id"] for row in rows}) == len(rows)
    return {row["track_id"]: row for row in rows}


@pytest.fixture
def tagged(tmp_path):
    write_tones(tmp_path / "music", num_tracks=NUM_TRACKS)
    write_broken(tmp_path / "music")
    write_catalog(tmp_path, sorted((tmp_path / "music").iterdir()))
    tone_bundle(str(tmp_path))
    tag_catalog(tag_job(tmp_path, "runtime.file_tracks=2"), run_id="first")
    add_precise(tmp_path)
    return tmp_path


@pytest.mark.ray
@pytest.mark.usefixtures("shared_ray")
def test_other_thresholds_copy_the_scores_and_read_no_audio(tagged):
    compact(str(tagged), storage=Storage(), memory_mb=256)
    for path in (tagged / "music").iterdir():
        path.unlink()  # who reads audio now fails
    summary = tag_catalog(tag_job(tagged, models=PRECISE), run_id="second")
    assert (summary.committed, summary.already) == (0, NUM_TRACKS + 3)
    scorings = read_scorings(str(tagged), storage=Storage()).values()
    keys = {scoring.reference: scoring.scoring_id for scoring in scorings}
    old, new = rows_of(tagged, keys[TONE_REFERENCE]), rows_of(tagged, keys[PRECISE])
    assert old.keys() == new.keys()
    same = ("audio_version", "status", "reason", "detail", "duration_s", "num_chunks")
    for track_id, row in old.items():
        assert [row[name] for name in same] == [new[track_id][name] for name in same]
        assert (row["scores"], row["embedding"]) == (
            new[track_id]["scores"],
            new[track_id]["embedding"],
        )
        assert new[track_id]["model_version"].startswith("precise@")
        assert new[track_id]["run_id"] == "second"
    report = verify(str(tagged), storage=Storage(), memory_mb=256)
    assert report.holds, report.lines()
    assert tag_catalog(tag_job(tagged, models=PRECISE), run_id="third").committed == 0


@pytest.mark.ray
@pytest.mark.usefixtures("shared_ray")
def test_tracks_that_the_model_has_not_scored_are_scored(tagged):
    write_tones(tagged / "music", num_tracks=NUM_TRACKS + 2)
    write_catalog(tagged, sorted((tagged / "music").iterdir()))
    summary = tag_catalog(tag_job(tagged, models=PRECISE), run_id="second")
    assert (summary.already, summary.committed) == (NUM_TRACKS + 3, 2)
    assert verify(str(tagged), storage=Storage(), memory_mb=256).holds


def test_scores_have_one_id_whatever_the_thresholds_and_another_in_other_arithmetic(tmp_path):
    tone_bundle(str(tmp_path))
    add_precise(tmp_path)
    one, other = (
        read_bundle(bundle_url(name, root_url=str(tmp_path)), storage=Storage())[0]
        for name in (TONE_REFERENCE, PRECISE)
    )
    audio = TagInput.AUDIO
    assert scoring_id(one, source=audio) != scoring_id(other, source=audio)
    ids = {scores_id(bundle, source=audio) for bundle in (one, other)}
    assert len(ids) == 1
    assert scores_id(one, source=TagInput.FEATURES) not in ids
    assert scores_id(one, source=audio, precision=Precision.BFLOAT16) not in ids
    louder = replace(one, weights_sha256="0" * 64)
    assert scores_id(louder, source=audio) not in ids
    assert np.all(np.array(other.thresholds) > np.array(one.thresholds))
