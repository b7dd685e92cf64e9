"""Trainings on Ray Train's workers, whole and killed, against the one in this process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from learnable import learnable_workspace

from pipeline import config
from pipeline.config_training import TrainJob
from pipeline.errors import UserError
from pipeline.stages.train_tagger import train_tagger
from pipeline.storage import Storage
from pipeline.training.state import State

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray"), pytest.mark.timeout(600)]
CONF = Path(__file__).resolve().parents[2] / "conf" / "smoke" / "train.yaml"
TOLERANCE = 1e-4
"""Of a loss; with one thread a worker the curves were equal to the last bit."""


def train(root, *, name, workers, on_epoch=lambda facts: None, overrides=()):
    job = config.load(
        TrainJob,
        CONF,
        overrides=(
            f"workspace.root_url={root}",
            f"runtime.cache={root}/cache",
            "task={name: tones, kind: multiclass, tags: null, category: tone, taxonomy: null,"
            " outside: refuse}",
            f"network={{name: {name}, registry: null, architecture: note_cnn, parameters: {{}}}}",
            f"runtime.num_workers={workers}",
            "recipe.epochs=4",
            "runtime.threads=1",
            *overrides,
        ),
    )
    return train_tagger(job, on_epoch=on_epoch)


def losses(trained):
    return [(facts.train_loss, facts.metrics["loss"]) for facts in trained.state.history]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    root = learnable_workspace(tmp_path_factory.mktemp("alone"))
    return train(root, name="alone", workers=0)


@pytest.mark.slow  # the next one has two workers as well, and loses one
def test_two_workers_give_what_one_process_gives(alone, tmp_path):
    told = []
    trained = train(learnable_workspace(tmp_path), name="two", workers=2, on_epoch=told.append)
    assert [facts.epoch for facts in told] == [0, 1, 2, 3]
    for one, two in zip(losses(alone), losses(trained), strict=True):
        assert two == pytest.approx(one, abs=TOLERANCE)
    assert trained.training_id == alone.training_id


def test_a_killed_worker_costs_no_more_than_its_epoch(alone, tmp_path):
    root = learnable_workspace(tmp_path)
    killed, told = [], []

    def on_epoch(facts):
        told.append(facts.epoch)
        if facts.epoch == 1 and not killed:
            workers = [p for p in psutil.process_iter(["cmdline"]) if is_worker(p)]
            killed.append(max(workers, key=lambda p: p.create_time()).pid)
            os.kill(killed[0], signal.SIGKILL)

    trained = train(root, name="killed", workers=2, on_epoch=on_epoch)
    assert killed
    assert sorted(set(told)) == [0, 1, 2, 3]
    for one, two in zip(losses(alone), losses(trained), strict=True):
        assert two == pytest.approx(one, abs=TOLERANCE)


def is_worker(process):
    """A training worker of this test's own Ray: a child of a child of this process."""
    mine = {child.pid for child in psutil.Process().children(recursive=True)}
    return process.pid in mine and any(
        "RayTrainWorker" in word for word in process.info["cmdline"] or []
    )


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_job_without_restarts(tmp_path):
    root = learnable_workspace(tmp_path)
    with pytest.raises(UserError, match=r"the loss is nan in epoch 1; .*train-0"):
        train(
            root,
            name="nan",
            workers=2,
            overrides=("recipe.lr=1e30", "recipe.clip_norm=null", "recipe.epochs=2"),
        )


def test_more_gpus_than_there_are_is_refused(tmp_path):
    root = learnable_workspace(tmp_path)
    with pytest.raises(UserError, match=r"2 workers with 64.0 GPU each need 128"):
        train(root, name="gpu", workers=2, overrides=("runtime.num_gpus_per_worker=64",))


def test_the_state_is_one_file_in_the_workspace(alone):
    root = Path(alone.url).parents[2]
    (path,) = (root / "training").glob("*/state.pt")
    state = State.from_bytes(Storage().read(str(path)))
    assert len(state.history) == 4
