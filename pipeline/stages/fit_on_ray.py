"""A training on Ray Train: workers that average their gradients, and the driver that listens.

Checkpoints are Earmark's own (stages/fit.py): Ray restarts lost workers, and they find the state of
the last epoch in the workspace. Nothing but each epoch's figures crosses Ray.
"""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import asdict
from typing import Any

import ray
import ray.train
import torch
from ray.train.torch import TorchConfig, TorchTrainer, get_device

from pipeline.config_training import TrainRuntimeConfig
from pipeline.errors import UserError
from pipeline.stages.cluster import connected
from pipeline.stages.fit import FitWork, OnEpoch, fit
from pipeline.storage import join
from pipeline.training.state import EpochFacts, State
from pipeline.training.steps import LossError
from pipeline.training.team import Distributed

POLL_S = 0.5


class Bulletin:
    """An actor: what the first worker has to say, kept until the driver has read it."""

    def __init__(self) -> None:
        self._epochs: list[dict[str, Any]] = []
        self._fault: str | None = None

    def epoch(self, facts: dict[str, Any]) -> None:
        """An epoch has ended."""
        self._epochs.append(facts)

    def stop(self, fault: str) -> None:
        """The training cannot go on, and a restart would not help."""
        self._fault = fault

    def since(self, num_read: int) -> tuple[list[dict[str, Any]], str | None]:
        """The epochs after the first so many, and the fault."""
        return self._epochs[num_read:], self._fault


def fit_on_ray(work: FitWork, *, runtime: TrainRuntimeConfig, on_epoch: OnEpoch) -> State:
    """Trains on `num_workers` workers of a Ray cluster.

    Raises:
        UserError: no GPU where one is asked for, a loss is no number, or workers were lost more
            often than `max_failures`.
    """
    cpus = int(runtime.num_workers * runtime.num_cpus_per_worker + 1)
    with connected(runtime.ray_address, object_store_mb=runtime.object_store_mb, num_cpus=cpus):
        _check_gpus(runtime)
        bulletin = ray.remote(Bulletin).options(num_cpus=0).remote()
        listener = _Listener(bulletin, on_epoch=on_epoch)
        try:
            _trainer(work, bulletin, runtime=runtime).fit()
        except ray.train.TrainingFailedError as error:
            raise UserError(
                f"the training stopped after {runtime.max_failures} restart(s): {error}. The state "
                "of the last epoch is kept: the same command goes on from there."
            ) from error
        finally:
            fault = listener.finish()
        if fault:
            raise UserError(fault)
    state = work.read_state()
    if state is None:
        raise UserError(f"the training left no state at {work.state_url}")
    return state


def _trainer(work: FitWork, bulletin: Any, *, runtime: TrainRuntimeConfig) -> TorchTrainer:  # noqa: ANN401 - an actor's handle
    gpus = runtime.num_gpus_per_worker
    resources = {"CPU": runtime.num_cpus_per_worker} | ({"GPU": gpus} if gpus else {})
    # NCCL refuses two workers on one GPU.
    backend = "nccl" if gpus >= 1 else "gloo"
    filesystem, path = work.storage.arrow_filesystem(join(work.folder_url, "ray"))
    return TorchTrainer(
        _work,
        train_loop_config={"work": work, "bulletin": bulletin},
        torch_config=TorchConfig(backend=backend),
        scaling_config=ray.train.ScalingConfig(
            num_workers=runtime.num_workers,
            use_gpu=gpus > 0,
            resources_per_worker=resources,
        ),
        run_config=ray.train.RunConfig(
            name=f"attempt-{uuid.uuid4().hex[:8]}",
            storage_path=path,
            storage_filesystem=filesystem,
            failure_config=ray.train.FailureConfig(max_failures=runtime.max_failures),
            logging_config=ray.train.LoggingConfig(log_level="WARNING"),
        ),
    )


def _work(config: dict[str, Any]) -> None:
    """What each worker does."""
    # Ray Train sets it to INFO: other libraries' greetings, and every report once more (Ray 2.60).
    logging.getLogger().setLevel(logging.WARNING)
    work, bulletin = config["work"], config["bulletin"]
    device: torch.device = get_device()
    rank = ray.train.get_context().get_world_rank()

    def on_epoch(facts: EpochFacts) -> None:
        if rank == 0:
            ray.get(bulletin.epoch.remote(asdict(facts)))
        ray.train.report({"epoch": facts.epoch, "train_loss": facts.train_loss})

    try:
        fit(work, team=Distributed(device=device), device=device, on_epoch=on_epoch)
    except LossError as error:  # all workers meet it at the same step; a restart meets it again
        ray.get(bulletin.stop.remote(str(error)))


class _Listener:
    """A thread of the driver that hands on the epochs as they end."""

    def __init__(self, bulletin: Any, *, on_epoch: OnEpoch) -> None:  # noqa: ANN401
        self._bulletin, self._on_epoch = bulletin, on_epoch
        self._num_read = 0
        self._fault: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="bulletin", daemon=True)
        self._thread.start()

    def finish(self) -> str | None:
        """Reads what is left; gives the fault."""
        self._ended.set()
        self._thread.join()
        self._read()
        return self._fault

    def _listen(self) -> None:
        while not self._ended.wait(POLL_S):
            self._read()

    def _read(self) -> None:
        epochs, self._fault = ray.get(self._bulletin.since.remote(self._num_read))
        self._num_read += len(epochs)
        for facts in epochs:
            self._on_epoch(EpochFacts(**facts))


def _check_gpus(runtime: TrainRuntimeConfig) -> None:
    wanted = runtime.num_workers * runtime.num_gpus_per_worker
    found = ray.cluster_resources().get("GPU", 0)
    if wanted > found:
        raise UserError(
            f"{runtime.num_workers} workers with {runtime.num_gpus_per_worker} GPU each need "
            f"{wanted}, and the Ray cluster has {found:g}; lower runtime.num_gpus_per_worker (0: "
            "CPUs) or runtime.num_workers, or join a cluster that has them"
        )
