from pathlib import Path

import numpy as np
import pytest
import torch
from learnable import CLASSES, learnable_workspace

from pipeline import config
from pipeline.config_training import TrainJob
from pipeline.errors import ConfigError, UserError
from pipeline.models.bundle import read_bundle
from pipeline.models.tagger import Tagger
from pipeline.stages.train_tagger import train_tagger
from pipeline.storage import Storage
from pipeline.tables.features import FeatureReader

CONF = Path(__file__).resolve().parents[2] / "conf" / "smoke" / "train.yaml"


def job(root, *overrides):
    return config.load(
        TrainJob,
        CONF,
        overrides=(
            f"workspace.root_url={root}",
            f"runtime.cache={root}/cache",
            "task={name: tones, kind: multiclass, tags: null, category: tone, taxonomy: null,"
            " outside: refuse}",
            *overrides,
        ),
    )


def train(root, *overrides, on_epoch=lambda facts: None):
    return train_tagger(job(root, *overrides), on_epoch=on_epoch)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return learnable_workspace(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def trained(root):
    return train(root, "recipe.epochs=6", "recipe.lr=0.01")


def test_the_bundle_scores_the_validation_tracks_as_the_training_did(root, trained):
    bundle, weights = read_bundle(trained.url, storage=Storage())
    tagger = Tagger(bundle, weights)
    reader = FeatureReader(str(root), storage=Storage(), spec=bundle.frontend)
    import pyarrow.parquet as pq

    rows = pq.read_table(f"{root}/training/{trained.training_id}/tracks.parquet").to_pylist()
    where = {row["track_id"]: row for row in rows}
    for track_id, expected_K in zip(
        trained.validation.track_ids, trained.validation.scores_NK, strict=True
    ):
        row = where[track_id]
        mel_MF = reader.mel(
            **{name: row[name] for name in ("part", "first_row", "num_rows", "num_frames")}
        )
        scores_K = tagger.score_mel(torch.from_numpy(mel_MF)).mean_scores()
        np.testing.assert_allclose(scores_K, expected_K, atol=1e-5)


def test_it_has_learned_and_its_thresholds_are_those_chosen(trained):
    assert trained.bundle.taxonomy.tags == tuple(sorted(CLASSES))
    assert trained.bundle.thresholds == tuple(choice.threshold for choice in trained.choices)
    assert trained.bundle.evaluation["best_validation_accuracy"] > 0.9
    assert any("48 tracks to learn from, 15 to judge by" in line for line in trained.lines())


def test_the_same_command_again_trains_nothing_and_gives_the_same_bundle(root, trained):
    epochs = []
    again = train(root, "recipe.epochs=6", "recipe.lr=0.01", on_epoch=epochs.append)
    assert epochs == []
    assert again.bundle == trained.bundle


def test_the_card_says_what_it_was_trained_on(trained):
    card = (Path(trained.url) / "card.md").read_text()
    assert "- data: tones (63 tracks)" in card
    assert "- split: train 48, validation 15 tracks" in card
    assert "- what no two splits share: `artist`" in card
    assert f"- training: `{trained.training_id}`" in card
    assert "chosen by the rule best_f1 on 15 tracks of the split validation" in card
    assert "of epoch" in card


def test_a_name_that_another_training_has_is_refused_before_it_starts(root, trained):
    epochs = []
    with pytest.raises(ConfigError, match=r"holds another tagger.*network\.name"):
        train(root, "recipe.epochs=7", on_epoch=epochs.append)
    assert epochs == []


@pytest.mark.parametrize("kind", ["multilabel", "powerset"])
def test_tracks_with_several_tags_are_learned_both_ways(tmp_path, kind):
    root = learnable_workspace(tmp_path, several=True, noise=2.0)
    trained = train(
        root, f"task.kind={kind}", "recipe.epochs=20", "recipe.lr=0.02", "recipe.best=f1_macro"
    )
    assert trained.bundle.evaluation["best_validation_roc_auc_macro"] > 0.9
    bundle, weights = read_bundle(trained.url, storage=Storage())
    assert len(bundle.taxonomy.tags) == 3
    assert weights["dense.weight"].shape[0] == bundle.head.num_logits(3)


def test_a_binary_task_takes_the_other_labels_of_the_category_for_no(tmp_path):
    root = learnable_workspace(tmp_path, noise=2.0)
    trained = train(
        root,
        "task={name: low, kind: binary, tags: [tone---low], category: null, taxonomy: null,"
        " outside: refuse}",
        "recipe.epochs=20",
        "recipe.lr=0.02",
        "recipe.best=roc_auc_macro",
    )
    assert trained.bundle.taxonomy.tags == ("tone---low",)
    assert trained.bundle.evaluation["best_validation_roc_auc_macro"] > 0.95


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("task.category=mood", "no track of the split train has a label mood"),
        ("task.tags=[tone---low]", "give one of tags, category and taxonomy"),
        (
            "task={name: t, kind: multiclass, tags: [tone---low, tone---high], category: null,"
            " taxonomy: null, outside: refuse}",
            r"1 label\(s\) are not among its tags: tone---middle \(21 tracks\)",
        ),
        ("recipe.best=loudness", "no metric 'loudness'; known: loss, accuracy"),
        ("network.architecture=resnet", "no architecture 'resnet'"),
        ("network.architecture=fcn", "does not take chunks of 64 mel bands and 16 frames"),
        ("network.parameters={depth: 3}", "depth"),
        ("recipe.batch_tracks=64", "48 tracks, and a step takes 64"),
        ("data.frontend=mel", "no front end 'mel'"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_first_step(root, override, said):
    epochs = []
    with pytest.raises(UserError, match=said):
        train(root, "network.name=other", override, on_epoch=epochs.append)
    assert epochs == []


def test_a_validation_split_without_a_positive_is_refused(tmp_path):
    root = learnable_workspace(tmp_path, validation_tones=(0,))
    with pytest.raises(ConfigError, match="each tag is on all of 15 tracks or on none"):
        train(root, "network.name=other")


def test_a_gpu_that_is_not_there_is_refused(root):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match=r"num_gpus_per_worker is set, but torch finds no GPU"):
        train(root, "network.name=other", "runtime.num_gpus_per_worker=1")


def test_workers_must_share_a_step_evenly(root):
    with pytest.raises(ConfigError, match="micro_batches 2 cannot be shared out to 3 workers"):
        train(root, "network.name=other", "runtime.num_workers=3")
