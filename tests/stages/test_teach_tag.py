"""A taught tag is a bundle, a taxonomy and rows like any other, without audio."""

from __future__ import annotations

import numpy as np
import pytest
from deltalake import DeltaTable
from fakes import tone_bundle
from workspace import CONF, tag_job, write_broken, write_catalog, write_tones

from pipeline import config
from pipeline.config_teach import TeachJob
from pipeline.errors import ConfigError, UserError
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.stages.teach_tag import teach_tag
from pipeline.storage import Storage
from pipeline.tables.verify import verify
from pipeline.tables.views import open_views, run_query

NUM_TRACKS = 16


def teach_job(root, *overrides: str, tag: str = "mood---high", like=("t001", "t003", "t005")):
    return config.load(
        TeachJob,
        CONF / "teach.yaml",
        overrides=(
            f"workspace.root_url={root}",
            f"teaching.tag={tag}",
            f"teaching.positive={list(like)}",
            *overrides,
        ),
    )


@pytest.fixture
def tagged(tmp_path):
    write_tones(tmp_path / "music", num_tracks=NUM_TRACKS)
    write_broken(tmp_path / "music")
    write_catalog(tmp_path, sorted((tmp_path / "music").iterdir()))
    tone_bundle(str(tmp_path))
    tag_catalog(tag_job(tmp_path), run_id="first")
    return tmp_path


def scores(root, taxonomy: str) -> dict[str, float]:
    with open_views(str(root), storage=Storage(), memory_mb=256) as connection:
        rows = run_query(connection, f"SELECT track_id, high FROM tag_scores_{taxonomy}")
    return dict(zip(rows["track_id"].to_pylist(), rows["high"].to_pylist(), strict=True))


@pytest.mark.ray
@pytest.mark.usefixtures("shared_ray")
def test_a_tag_is_taught_without_audio_and_new_tracks_get_it_from_audio(tagged):
    for path in (tagged / "music").iterdir():
        path.rename(path.with_suffix(path.suffix + ".away"))
    like_and_not = (
        "teaching.negative=[t000, t002]",
        "teaching.share=0.5",
    )
    taught = teach_tag(teach_job(tagged, *like_and_not), run_id="taught")
    assert taught.reference == "taught:high.1"
    assert taught.num_scored == NUM_TRACKS + 3
    assert verify(str(tagged), storage=Storage(), memory_mb=256).holds
    stored = scores(tagged, "high")
    high = {f"t{i:03d}" for i in range(1, NUM_TRACKS, 2)}
    assert min(stored[track] for track in high) > max(
        score for track, score in stored.items() if track not in high
    )
    assert {track.track_id for track in taught.best[:5]} == high - {"t001", "t003", "t005"}
    assert "taught:high.1 is high.1@" in taught.lines()[0]

    assert teach_tag(teach_job(tagged, *like_and_not), run_id="again").reference == "taught:high.1"
    other = teach_tag(teach_job(tagged, like=("t001", "t003", "t007", "t009")), run_id="more")
    assert (other.reference, other.num_scored) == ("taught:high.2", NUM_TRACKS + 3)
    assert scores(tagged, "high") != stored  # the newer version is shown

    for path in (tagged / "music").iterdir():
        path.rename(path.with_suffix(""))
    write_tones(tagged / "music", num_tracks=NUM_TRACKS + 2)
    write_catalog(tagged, sorted((tagged / "music").iterdir()))
    summary = tag_catalog(tag_job(tagged, models="taught:high.1"), run_id="later")
    assert (summary.already, summary.committed) == (NUM_TRACKS + 3, 2)
    rows = DeltaTable(str(tagged / "results")).to_pyarrow_table().to_pylist()
    mine = {row["track_id"]: row for row in rows if row["model_version"].startswith("high.1@")}
    assert all(row["embedding"] is None for row in mine.values())
    same = [abs(mine[f"t{NUM_TRACKS + i:03d}"]["scores"][0] - stored[f"t00{i}"]) for i in (0, 1)]
    assert np.max(same) < 0.02  # the same tone in another coding


@pytest.mark.ray
@pytest.mark.usefixtures("shared_ray")
def test_what_cannot_be_taught_is_said(tagged):
    with pytest.raises(ConfigError, match="name the tag"):
        teach_tag(teach_job(tagged, tag="null"), run_id="r")
    with pytest.raises(UserError, match="at least 3 are needed"):
        teach_tag(teach_job(tagged, like=("t001", "t003")), run_id="r")
    with pytest.raises(ConfigError, match="have it not: t001"):
        teach_tag(teach_job(tagged, "teaching.negative=[t001]"), run_id="r")
    with pytest.raises(ConfigError, match="nowhere"):
        teach_tag(teach_job(tagged, like=("t001", "nowhere", "t003")), run_id="r")
    with pytest.raises(ConfigError, match="no scoring 'other'"):
        teach_tag(teach_job(tagged, "teaching.model=other"), run_id="r")
    marks = tagged / "marks.csv"
    marks.write_text("song,has_tag\nt001,true\n")
    with pytest.raises(ConfigError, match="has no column track"):
        teach_tag(teach_job(tagged, f"teaching.examples={marks}"), run_id="r")


@pytest.mark.ray
@pytest.mark.usefixtures("shared_ray")
def test_examples_come_from_a_file(tagged):
    marks = tagged / "marks.csv"
    marks.write_text("track,has_tag\nt001,true\nt003,true\nt005,true\nt000,false\n")
    taught = teach_tag(
        teach_job(tagged, f"teaching.examples={marks}", like=(), tag="высокий тон"), run_id="r"
    )
    assert taught.chosen.positive_ids == ("t001", "t003", "t005")
    assert taught.chosen.negative_ids == ("t000",)
    assert taught.bundle.taxonomy.tags == ("taught---высокий тон",)
