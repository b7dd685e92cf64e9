from __future__ import annotations

import mlflow
import pytest
from fakes import TONE_TAGS
from registered import MODEL, promote_job, register_tone
from tagged import ok, track, write_results, write_tracks

from pipeline.config import TagInput
from pipeline.errors import ConfigError, TableError
from pipeline.evaluation.judgement import Outcome
from pipeline.models.bundle import read_bundle
from pipeline.models.head import Head, HeadKind
from pipeline.models.scoring import scoring_id
from pipeline.registry import CHAMPION, Registry
from pipeline.stages.promote import promote
from pipeline.storage import Storage
from pipeline.tables.current import read_current
from pipeline.taxonomy import Taxonomy

NUM_TEST, NUM_TRAIN = 8, 4


def open_registry(root):
    job = promote_job(root)
    return Registry(workspace=job.workspace, tracking=job.tracking)


def labelled_track(index, name):
    split = "test" if index < NUM_TEST else "train"
    return track(name, split=split, labels=[TONE_TAGS[index % 2]])


def in_ledger(root, version, *, names, right):
    """Rows of a version as if tracks had been scored: rightly, or the other way round."""
    url = open_registry(root).bundle_url(MODEL, version=version)
    key = scoring_id(read_bundle(url, storage=Storage())[0], source=TagInput.AUDIO)
    scores = [[0.9, 0.1], [0.1, 0.9]] if right else [[0.1, 0.9], [0.9, 0.1]]
    write_results(root, [ok(name, scores[int(name[1:]) % 2], by=key) for name in names])


def champion(root):
    return open_registry(root).aliases(MODEL).get(CHAMPION)


def version_tags(root, version):
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    return client.get_model_version(MODEL, str(version)).tags


def promoted(root, *overrides):
    return promote(promote_job(root, *overrides), run_id="run")


def shown(root):
    return read_current(str(root), storage=Storage())["model_version"].to_pylist()


@pytest.mark.long
def test_a_name_goes_from_its_first_champion_to_better_ones_and_the_views_follow(tmp_path):
    names = [f"t{i:02d}" for i in range(NUM_TEST + NUM_TRAIN)]
    write_tracks(tmp_path, [labelled_track(i, name) for i, name in enumerate(names)])
    test, train = names[:NUM_TEST], names[NUM_TEST:]

    in_ledger(tmp_path, register_tone(tmp_path, sign=-1), names=test, right=False)
    first = promoted(tmp_path)
    assert first.outcome is Outcome.FIRST
    assert first.judgement.figures["roc_auc_macro"] == 0
    assert first.judgement.num_tracks == NUM_TEST
    assert champion(tmp_path) == 1
    assert first.unscored == NUM_TRAIN
    assert shown(tmp_path) == []

    in_ledger(tmp_path, register_tone(tmp_path), names=test, right=True)
    better = promoted(tmp_path)
    assert better.outcome is Outcome.PROMOTED
    assert better.judgement.comparison.difference.value == 1
    assert champion(tmp_path) == 2
    assert better.changes.num_tracks == NUM_TEST
    assert better.metrics()["tags_gained"] == better.metrics()["tags_lost"] == NUM_TEST
    assert version_tags(tmp_path, 2)["promotion.outcome"] == "promoted"
    assert version_tags(tmp_path, 2)["promotion.against"] == "version 1"
    assert "0.000 before, 1.000 after" in version_tags(tmp_path, 2)["promotion.why"]

    in_ledger(tmp_path, register_tone(tmp_path, sign=0.5), names=test, right=True)
    no_better = promoted(tmp_path)
    assert no_better.outcome is Outcome.KEPT
    assert champion(tmp_path) == 2
    assert version_tags(tmp_path, 3)["promotion.outcome"] == "not promoted"
    assert no_better.metrics()["tags_gained"] == 0

    in_ledger(tmp_path, 2, names=train, right=True)
    again = promoted(tmp_path, "promotion.version=2")
    assert again.outcome is Outcome.ALREADY
    assert again.unscored == 0
    assert shown(tmp_path) == [again.candidate.bundle.model_version]
    assert version_tags(tmp_path, 2)["promotion.outcome"] == "promoted"

    forced = promoted(tmp_path, "promotion.force=asked for by the label")
    assert forced.outcome is Outcome.FORCED
    assert champion(tmp_path) == 3
    assert version_tags(tmp_path, 3)["promotion.why"] == "asked for by the label"
    assert forced.unscored == NUM_TRAIN
    assert shown(tmp_path) == [again.candidate.bundle.model_version]
    text = "\n".join(forced.lines())
    assert f"the views do not show it yet: {NUM_TRAIN} tracks lack a row under it" in text


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A champion, and a catalog without labels; nothing is scored."""
    folder = tmp_path_factory.mktemp("workspace")
    write_tracks(folder, [track("t1", split="test"), track("t2", split="train")])
    register_tone(folder)
    open_registry(folder).make_champion(MODEL, version=1)
    return folder


def test_other_tags_are_refused_by_name_unless_forced(root):
    version = register_tone(root, taxonomy=Taxonomy("tone", ("test---high", "test---noise")))
    with pytest.raises(ConfigError, match=r"champion's tags \(test---low, test---noise\).*--force"):
        promoted(root, f"promotion.version={version}")
    assert champion(root) == 1
    done = promoted(root, f"promotion.version={version}", "promotion.force=new question")
    assert champion(root) == version
    assert done.changes is None
    text = "\n".join(done.lines())
    assert "no track has scores of both" in text
    assert "no track has a row under it" in text
    open_registry(root).make_champion(MODEL, version=1)


def test_one_of_many_is_not_compared_with_any_of_many(root):
    version = register_tone(root, head=Head(HeadKind.SOFTMAX))
    with pytest.raises(
        ConfigError, match="champion is a multilabel model and the candidate a mult"
    ):
        promoted(root, f"promotion.version={version}")


def test_without_labels_nothing_is_promoted_and_nothing_is_scored(root):
    version = register_tone(root, sign=0.5)
    with pytest.raises(TableError, match="the catalog has no track of test, labelled test"):
        promoted(root, f"promotion.version={version}")
    assert champion(root) == 1
    assert not (root / "results").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("promotion.metric=beauty", r"promotion\.metric: no 'beauty'; known are accuracy"),
        ("promotion.model=cakes", "no registered model cakes"),
        ("promotion.version=99", "no version 99"),
    ],
)
def test_what_does_not_exist_is_refused(root, override, message):
    with pytest.raises(ConfigError, match=message):
        promoted(root, override)
