from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import config
from pipeline.config_training import AugmentConfig, TrainJob
from pipeline.training.words import augment_words, recipe_words

CONF = Path(__file__).resolve().parents[2] / "conf"
NONE = {"specaugment": None, "mixup_alpha": None, "gain_db": 0.0, "balance": False}
MASKS = {"time_masks": 2, "time_frames": 20, "band_masks": 1, "bands": 8}


def recipe(*overrides: str):
    return config.load(TrainJob, CONF / "train.yaml", overrides=overrides).recipe


@pytest.mark.parametrize("path", sorted(CONF.glob("train*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_has_words(path):
    job = config.load(TrainJob, path)
    words = recipe_words(job.recipe)
    assert f"{job.recipe.batch_tracks:,} chunks a step" in words
    assert f"up to {job.recipe.epochs:,} epochs" in words
    assert augment_words(job.augment)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("adamw", "AdamW up to 0.002"),
        ("published", "from epochs 80, 100, 120 on SGD with momentum 0.9 at 0.001, 0.0001, 1e-05"),
        ("musicnn", "the rate halved after 75 epochs without a lower loss"),
    ],
)
def test_each_kind_has_words_of_its_own(kind, said):
    words = recipe_words(recipe(f"recipe.kind={kind}", "recipe.lr=0.002", "recipe.seed=7"))
    assert said in words
    assert words.endswith("seed 7")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "none"),
        ({"mixup_alpha": 0.4}, "mixup, Beta(0.4, 0.4)"),
        ({"gain_db": 6.0, "balance": True}, "dB either way; tracks of rare tags"),
        ({"specaugment": MASKS}, "2 masks of up to 20 frames, 1 of up to 8 bands"),
    ],
)
def test_what_is_done_to_chunks_is_said(change, words):
    assert words in augment_words(AugmentConfig(**NONE | change))
