from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from fakes import TONE_REFERENCE, tone_bundle
from workspace import CONF, features_job, tag_job, write_broken, write_catalog, write_tones

from pipeline import config
from pipeline.config_evaluation import EvaluateJob
from pipeline.config_training import ThresholdConfig, ThresholdRule
from pipeline.errors import ConfigError, TableError
from pipeline.evaluation.thresholds import NEVER
from pipeline.evaluation.verdict import give_verdict
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.models.head import Head, HeadKind
from pipeline.schemas import CATALOG
from pipeline.stages.calibrate_model import calibrate_model, threshold_config
from pipeline.stages.evaluate_catalog import catalog_subject
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.stages.score_split import score_split
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage
from pipeline.tables.verify import verify
from pipeline.taxonomy import TaskKind, Taxonomy

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
NUM_TRACKS = 18
SPLITS = ("train", "train", "validation", "validation", "test", "test")


def labels(track_id: str) -> list[str]:
    """What the tone is; one test track is said to be both."""
    high = int(track_id[1:]) % 2 == 1
    mine = ["test---high" if high else "test---low", "colour---blue"]
    return [*mine, "test---high"] if track_id == "t016" else mine


def make_workspace(root):
    music = root / "music"
    write_tones(music, num_tracks=NUM_TRACKS, seconds=2.5)
    write_broken(music)
    facts = {f"t{i:03d}": {"split": SPLITS[i % 6]} for i in range(NUM_TRACKS)}
    facts = {
        name: row | {"labels": labels(name), "dataset": "tones"} for name, row in facts.items()
    }
    facts["x-html"] = {"split": "test", "labels": ["test---low"], "dataset": "tones"}
    facts["x-short"] = {"split": "test", "labels": None, "dataset": "tones"}
    write_catalog(root, sorted(music.iterdir()))
    url = str(root / "catalog")
    rows = [
        row | facts.get(row["track_id"], {})
        for row in DeltaTable(url).to_pyarrow_table().to_pylist()
    ]
    write_deltalake(url, pa.Table.from_pylist(rows, schema=CATALOG), mode="overwrite")
    tone_bundle(str(root))


def evaluate_job(root, *overrides: str, model: str = TONE_REFERENCE) -> EvaluateJob:
    return config.load(
        EvaluateJob,
        CONF / "evaluate.yaml",
        overrides=(f"workspace.root_url={root}", f"scoring.models=['{model}']", *overrides),
    )


def other_bundle(root, name: str, **changes) -> str:
    """The tone tagger with something changed."""
    bundle, weights = read_bundle(bundle_url(TONE_REFERENCE, root_url=str(root)), storage=Storage())
    reference = f"trained:{name}"
    write_bundle(
        bundle_url(reference, root_url=str(root)),
        storage=Storage(),
        bundle=replace(bundle, name=name, **changes),
        weights=weights,
    )
    return reference


def num_results(root) -> int:
    return DeltaTable(str(root / "results")).count()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    make_workspace(folder)
    extract_catalog(features_job(folder), run_id="features")
    return folder


@pytest.fixture(scope="module")
def scored(root):
    return score_split(evaluate_job(root, "scoring.input=features"), run_id="evaluate")


def test_labelled_tracks_of_the_split_are_scored_and_nothing_else(root, scored):
    assert scored.labelled.track_ids == ("t004", "t005", "t010", "t011", "t016", "t017")
    assert scored.labelled.kind is TaskKind.MULTILABEL
    expected = [[i % 2 == 1, i % 2 == 0] for i in (4, 5, 10, 11, 16, 17)]
    expected[4] = [True, True]
    np.testing.assert_array_equal(scored.labelled.targets_NK, expected)
    assert num_results(root) == 7


def test_what_failed_or_is_outside_the_taxonomy_is_said(scored):
    (failed,) = scored.rows.notes(scored.labelled)
    assert failed == "1 tracks failed and are not judged: not_audio 1"


def test_nothing_is_scored_twice_and_a_part_does_not_stand_for_the_whole(root, scored):
    before = num_results(root)
    again = score_split(evaluate_job(root, "scoring.input=features"), run_id="again")
    assert num_results(root) == before
    np.testing.assert_array_equal(again.labelled.scores_NK, scored.labelled.scores_NK)
    tag_catalog(tag_job(root, "scoring.input=features"), run_id="whole")
    score_split(evaluate_job(root, "scoring.input=features"), run_id="after")
    report = verify(str(root), storage=Storage(), memory_mb=256)
    assert report.holds, report.lines()
    results = [c for c in report.plans if c.plan.table == "results" and not c.replaced]
    assert sorted(check.plan.num_tracks for check in results) == [7, NUM_TRACKS + 3]


def test_a_model_stands_beside_its_probes_on_the_same_tracks(root, scored):
    probes = f"evaluation.probes=[mfcc, '{TONE_REFERENCE}']"
    job = evaluate_job(root, "scoring.input=features", probes)
    verdict = give_verdict(catalog_subject(job, run_id="probes"), num_resamples=20, seed=0)
    names = [baseline.figures.name for baseline in verdict.baselines]
    assert names == ["probe mfcc", f"probe {TONE_REFERENCE}"]
    for baseline in verdict.baselines:
        assert baseline.figures.evaluation.num_tracks == 6
        assert baseline.figures.evaluation.summary["roc_auc_macro"] > 0.7
        assert {paired.metric for paired in baseline.differences} >= {"roc_auc_macro"}
    assert verdict.figures.evaluation.summary["accuracy"] == pytest.approx(11 / 12)


def test_probes_are_not_judged_on_what_they_learned_from(root):
    job = evaluate_job(
        root, "scoring.input=features", "evaluation.split=train", "evaluation.probes=[mfcc]"
    )
    with pytest.raises(ConfigError, match="trained on the split train"):
        catalog_subject(job, run_id="r")


def test_a_multiclass_model_is_judged_on_tracks_with_one_tag(root, scored):
    softmax = other_bundle(root, "softmax", head=Head(HeadKind.SOFTMAX))
    job = evaluate_job(root, "scoring.input=features", model=softmax)
    found = score_split(job, run_id="softmax")
    assert found.labelled.kind is TaskKind.MULTICLASS
    assert "t016" not in found.labelled.track_ids
    assert (
        "1 tracks are not judged: they have none of the tags, or several"
        in found.rows.notes(found.labelled)[-1]
    )


def test_labels_are_matched_by_their_whole_name_only(root, scored):
    mood = other_bundle(root, "mood", taxonomy=Taxonomy("mood", ("mood---high", "mood---low")))
    with pytest.raises(TableError, match=r"no track of test, labelled mood.*data set tones: test"):
        score_split(evaluate_job(root, "scoring.input=features", model=mood), run_id="r")


def test_a_data_set_without_tracks_is_refused_before_anything_is_scored(root, scored):
    before = num_results(root)
    job = evaluate_job(root, "scoring.input=features", "evaluation.dataset=nowhere")
    with pytest.raises(TableError, match="data set nowhere"):
        score_split(job, run_id="r")
    assert num_results(root) == before


def test_one_model_is_judged_at_a_time(root):
    with pytest.raises(ConfigError, match="one is judged at a time"):
        score_split(evaluate_job(root, "scoring.models=[a, b]"), run_id="r")


def test_thresholds_come_from_validation_and_make_a_bundle_of_the_same_weights(root, scored):
    job = evaluate_job(root, "scoring.input=features", "evaluation.split=validation")
    best = ThresholdConfig(rule=ThresholdRule.BEST_F1, at=None)
    made = calibrate_model(job, thresholds=best, name="calibrated", run_id="calibrate")
    bundle, _ = read_bundle(bundle_url("trained:calibrated", root_url=str(root)), storage=Storage())
    assert bundle == made.bundle
    assert bundle.thresholds == tuple(choice.threshold for choice in made.choices)
    assert all(0.02 < threshold < 0.99 for threshold in bundle.thresholds)
    assert [choice.f1 for choice in made.choices] == [1.0, 1.0]
    assert bundle.weights_sha256 == scored.bundle.weights_sha256
    again = calibrate_model(job, thresholds=best, name="calibrated", run_id="again")
    assert again.bundle == bundle


def test_a_taken_name_and_an_odd_one_are_refused(root, scored):
    job = evaluate_job(root, "scoring.input=features", "evaluation.split=validation")
    rule = threshold_config("recall", at=1.0)
    with pytest.raises(ConfigError, match="another bundle"):
        calibrate_model(job, thresholds=rule, name="tone", run_id="r")
    with pytest.raises(ConfigError, match="letters, digits"):
        calibrate_model(job, thresholds=rule, name="../tone", run_id="r")


def test_test_tracks_choose_no_thresholds(root):
    rule = threshold_config("best_f1", at=None)
    with pytest.raises(ConfigError, match="never chosen on the split test"):
        calibrate_model(evaluate_job(root), thresholds=rule, name="x", run_id="r")


def test_a_precision_that_no_threshold_has_leaves_the_tag_out(root, scored):
    swapped = other_bundle(root, "swapped", taxonomy=Taxonomy("s", ("test---low", "test---high")))
    job = evaluate_job(root, "scoring.input=features", "evaluation.split=validation", model=swapped)
    made = calibrate_model(
        job, thresholds=threshold_config("precision", at=0.9), name="never", run_id="r"
    )
    assert made.bundle.thresholds == (NEVER, NEVER)
    assert [choice.reached for choice in made.choices] == [False, False]


@pytest.mark.parametrize(("rule", "at"), [("best_f1", 0.5), ("precision", None), ("recall", 1.5)])
def test_a_rule_without_its_number_is_refused(rule, at):
    with pytest.raises(ConfigError, match=f"--rule {rule}"):
        threshold_config(rule, at=at)
