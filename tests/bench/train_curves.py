"""Loss curves of one worker, of two, and of two of which one is killed on the way, as a picture.

    python tests/bench/train_curves.py WORKSPACE --conf conf/train-instruments.yaml --output FOLDER

WORKSPACE holds labelled tracks with features, for example the demo's. Each run removes the state
that another one left of the same lesson. Writes curves.png and curves.json with the largest
difference of a loss from that of one worker.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from pathlib import Path

import psutil

from pipeline import config
from pipeline.config_training import TrainJob
from pipeline.evaluation.metric_plots import curves_picture
from pipeline.stages.cluster import connected
from pipeline.stages.plan_training import plan_training, training_id
from pipeline.stages.train_tagger import train_tagger
from pipeline.storage import absolute
from pipeline.training.state import EpochFacts

KILL_AFTER_EPOCH = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("--conf", default="conf/train-instruments.yaml")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--output", default=".")
    asked = parser.parse_args()
    settings = (f"workspace.root_url={absolute(asked.workspace)}", *asked.set)
    with connected(None, object_store_mb=None, num_cpus=2):
        runs = {
            "one worker": train(asked.conf, settings, workers=1, kill=False),
            "two workers": train(asked.conf, settings, workers=2, kill=False),
            "two workers, one killed": train(asked.conf, settings, workers=2, kill=True),
        }
    folder = Path(asked.output)
    folder.mkdir(parents=True, exist_ok=True)
    series = {
        f"{name}, {kind}": [(e + 1.0, value) for e, value in enumerate(losses)]
        for name, both in runs.items()
        for kind, losses in both.items()
    }
    png = curves_picture(series, title="Loss by epoch", x="epoch", y="loss")
    (folder / "curves.png").write_bytes(png)
    apart = {
        name: max(
            abs(a - b)
            for kind in both
            for a, b in zip(runs["one worker"][kind], both[kind], strict=True)
        )
        for name, both in runs.items()
    }
    (folder / "curves.json").write_text(json.dumps(apart, indent=2))
    print(json.dumps(apart, indent=2))


def train(
    conf: str, settings: tuple[str, ...], *, workers: int, kill: bool
) -> dict[str, list[float]]:
    """Losses of a training; its state is removed first, so that it starts at the beginning."""
    name = f"curves-{time.monotonic_ns()}"
    own = (f"network.name={name}", f"runtime.num_workers={workers}", "runtime.threads=1")
    job = config.load(TrainJob, conf, overrides=(*settings, *own))
    state = Path(job.workspace.root_url, "training", training_id(*plan_training(job)), "state.pt")
    state.unlink(missing_ok=True)
    killed: list[int] = []

    def on_epoch(facts: EpochFacts) -> None:
        print(name, workers, facts.epoch + 1, facts.train_loss, flush=True)
        if kill and facts.epoch + 1 == KILL_AFTER_EPOCH and not killed:
            killed.append(worker_pid())
            os.kill(killed[0], signal.SIGKILL)

    trained = train_tagger(job, on_epoch=on_epoch)
    if kill and not killed:
        raise RuntimeError("no worker was killed: the training had fewer epochs")
    return {
        "train": [facts.train_loss for facts in trained.state.history],
        "validation": [facts.metrics["loss"] for facts in trained.state.history],
    }


def worker_pid() -> int:
    """The youngest training worker below this process."""
    found = [
        child
        for child in psutil.Process().children(recursive=True)
        if any("RayTrainWorker" in word for word in child.cmdline())
    ]
    return max(found, key=lambda child: child.create_time()).pid


if __name__ == "__main__":
    main()
