from __future__ import annotations

import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from toy import SILENT, SPEC, TOY_REFERENCE, write_toy
from workspace import CONF, features_job, write_broken, write_catalog, write_tones

from pipeline import config
from pipeline.config_evaluation import ExplainJob
from pipeline.errors import ConfigError, TableError
from pipeline.evaluation.strongest import Hit, strongest
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.tagger import Tagger
from pipeline.models.taps import Listener
from pipeline.stages.collect_explanation import collect_explanation, write_explanation
from pipeline.stages.explain import Found, read_mel
from pipeline.stages.explain_catalog import hear_catalog
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.storage import Storage
from pipeline.tables.features import FeatureReader

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
NUM_TRACKS = 12
HOP_S = SPEC.hop_length / SPEC.sample_rate


def explain_job(root, *overrides):
    return config.load(
        ExplainJob,
        CONF / "explain.yaml",
        overrides=(
            f"workspace.root_url={root}",
            f"explanation.model='{TOY_REFERENCE}'",
            "explanation.channels=4",
            "explanation.patches=3",
            *overrides,
        ),
    )


def index(root):
    return DeltaTable(str(root / "feature_index")).to_pyarrow_table().to_pylist()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Tones of 9 s, some with titles, files that cannot be read, their mels, and a toy network."""
    root = tmp_path_factory.mktemp("explain")
    write_tones(root / "music", num_tracks=NUM_TRACKS, seconds=9.0)
    write_broken(root / "music")
    write_catalog(root, sorted((root / "music").iterdir()))
    extract_catalog(features_job(root, frontend="note-mel64"), run_id="run-features")
    write_toy(root)
    return root


@pytest.fixture(scope="module")
def heard(workspace):
    return hear_catalog(explain_job(workspace), run_id="run-explain", track_id="t007")


def test_every_unit_has_the_strongest_tracks_of_the_whole_catalog(workspace, heard):
    assert heard.tally.ok == NUM_TRACKS
    assert heard.tally.audio_s == pytest.approx(9 * NUM_TRACKS, rel=0.05)
    names = [tap.layer for tap in heard.taps]
    assert names == ["layer1", "layer2", "layer3", "layer4"]
    url = bundle_url(TOY_REFERENCE, root_url=str(workspace))
    listener = Listener(Tagger(*read_bundle(url, storage=Storage())), layers=names)
    reader = FeatureReader(str(workspace), storage=Storage(), spec=SPEC)
    everything = {unit: [] for unit in heard.strongest.hits}
    for row in index(workspace):
        if row["status"] == "ok":
            scores, maxima = listener.score_mel(read_mel(reader, row))
            for (layer, channel), hits in everything.items():
                for chunk, start_s in enumerate(scores.starts_s):
                    activation = float(maxima[layer][chunk, channel])
                    hits.append(Hit(activation, row["track_id"], float(start_s)))
    assert len(everything) == 4 * 4
    for unit, hits in everything.items():
        assert heard.strongest.hits[unit] == strongest(hits, size=3)


@pytest.mark.parametrize(
    "overrides",
    [
        ("runtime.num_actors=1", "runtime.unit_tracks=100"),
        ("runtime.num_actors=2", "runtime.unit_tracks=1"),
    ],
)
def test_hits_do_not_depend_on_actors_or_units(workspace, heard, overrides):
    again = hear_catalog(explain_job(workspace, *overrides), run_id="run-again", track_id=None)
    assert again.strongest.hits == heard.strongest.hits
    assert list((workspace / "plans" / "pending").iterdir()) == []


def test_patches_are_a_table_pictures_and_a_page(workspace, heard, tmp_path):
    explanation = collect_explanation(
        heard, root_url=str(workspace), storage=Storage(), track_id=None
    )
    page_url = write_explanation(
        explanation, heard=heard, root_url=str(tmp_path), storage=Storage()
    )
    folder = tmp_path / "explanations" / heard.tagger.bundle.model_version
    assert page_url == str(folder / "explanation.html")
    assert {path.name for path in folder.iterdir()} == {
        "explanation.html",
        "patches.parquet",
        "kernels-layer1.conv.png",
        *(f"patches-layer{i}.png" for i in range(1, 5)),
    }
    rows = pq.read_table(folder / "patches.parquet").to_pylist()
    assert not any(row["layer"] == "layer1" and row["channel"] == SILENT for row in rows)
    assert "No track moves channel 3." in (folder / "explanation.html").read_text()
    first = [row for row in rows if (row["layer"], row["channel"]) == ("layer1", 0)]
    assert [row["rank"] for row in first] == list(range(1, len(first) + 1))
    for row in rows:
        assert 0 <= row["start_s"] < row["end_s"] <= 9.0 + HOP_S
        assert 0 <= row["low_hz"] < row["high_hz"] <= 8_000
        if row["layer"] == "layer1":
            assert row["end_s"] - row["start_s"] <= 5 * HOP_S + 1e-9


def test_a_tracks_tags_over_time_are_added(workspace, heard):
    explanation = collect_explanation(
        heard, root_url=str(workspace), storage=Storage(), track_id="t007"
    )
    assert {"mel.png", "taggram.png"} < set(explanation.files)
    assert "Tags over time: t007" in explanation.files["explanation.html"].decode()


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (("explanation.layers=['layer9']",), ConfigError, r"no layer 'layer9'.*layer1 \(32"),
        (("explanation.channels=33",), ConfigError, "layer1 has 32 channels"),
        (("explanation.dataset=gtzan",), TableError, "no track is of dataset 'gtzan'"),
        (("explanation.model='trained:none'",), ConfigError, "no model at"),
    ],
)
def test_what_cannot_be_explained_is_refused(workspace, overrides, error, message):
    with pytest.raises(error, match=message):
        hear_catalog(explain_job(workspace, *overrides), run_id="run-bad", track_id=None)


def test_a_track_whose_audio_could_not_be_read_has_no_tags_over_time(workspace):
    with pytest.raises(TableError, match="x-html is not among those that are heard"):
        hear_catalog(explain_job(workspace), run_id="run-bad", track_id="x-html")


def test_missing_features_are_refused_with_what_to_run(tmp_path):
    write_tones(tmp_path / "music", num_tracks=2)
    write_catalog(tmp_path, sorted((tmp_path / "music").iterdir()))
    write_toy(tmp_path)
    expected = "2 of 2 track(s) have no features of front end note-mel64"
    with pytest.raises(TableError, match=re.escape(expected)) as caught:
        hear_catalog(explain_job(tmp_path), run_id="run-bad", track_id=None)
    assert "earmark features --frontend note-mel64" in str(caught.value)


def test_what_an_actor_says_survives_the_way_through_ray():
    hits = {("layer1", 3): (Hit(np.float32(0.1).item(), "t-ü", 1.008), Hit(0.0, "b", 0.0))}
    found = Found(2, 18.0, hits)
    assert Found.from_json(found.to_json()) == found
