"""Workers of a team give what one worker gives: the same losses, within the order of sums."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from training_lessons import lesson, tones

from pipeline.training.loop import Trainer
from pipeline.training.team import Alone, Distributed

pytestmark = pytest.mark.long
AUGMENT = {"mixup_alpha": 0.3, "gain_db": 3.0}
TOLERANCE = 1e-4
"""Of a loss after three epochs; measured: below 2e-6."""


def history(team) -> list[dict[str, object]]:
    torch.set_num_threads(1)
    told = lesson(augment=AUGMENT, batch_tracks=8, micro_batches=2, epochs=3)
    made = Trainer(
        told, train=tones(32, seed=1), validation=tones(9, seed=2), team=team, device=team_device()
    )
    return [asdict(facts) for facts in made.run(None, on_epoch=lambda *_: None).history]


def team_device() -> torch.device:
    return torch.device("cpu")


def work(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    told = history(Distributed(device=team_device()))
    Path(folder, f"{rank}.json").write_text(json.dumps(told))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), before or ""])
    try:
        mp.spawn(work, args=(str(folder),), nprocs=2)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_both_workers_know_the_same(two_workers):
    first, second = two_workers
    for mine, other in zip(first, second, strict=True):
        assert mine["train_loss"] == other["train_loss"]
        assert mine["metrics"] == other["metrics"]


def test_two_workers_give_the_losses_of_one_that_adds_two_parts_up(two_workers):
    alone = history(Alone())
    for one, two in zip(alone, two_workers[0], strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=TOLERANCE)
        assert two["metrics"]["loss"] == pytest.approx(one["metrics"]["loss"], abs=TOLERANCE)
        assert two["chunks"] == one["chunks"]
    assert np.ptp([facts["train_loss"] for facts in alone]) > 100 * TOLERANCE
