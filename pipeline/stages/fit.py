"""One training, alone in this process or as a worker of Ray Train: tracks > loop > state.

After each epoch the first worker writes the whole state to one file of the workspace. Whoever
trains the same lesson next, a restarted worker or a job that is submitted again, goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from pipeline.errors import UserError
from pipeline.storage import Storage, join
from pipeline.tables.mel_copy import MelCopy
from pipeline.tables.training_set import TRAIN, VALIDATION
from pipeline.training.chunks import Tracks
from pipeline.training.lesson import Lesson
from pipeline.training.loop import Trainer
from pipeline.training.state import EpochFacts, State
from pipeline.training.team import Alone, Team

OnEpoch = Callable[[EpochFacts], None]


@dataclass(frozen=True)
class FitWork:
    """What a training worker needs; crosses Ray as it is.

    Attributes:
        lesson: what is learned.
        root_url: the workspace.
        storage: how to reach it.
        folder_url: of this training: tracks.parquet and state.pt.
        cache: folder of this machine for the mels' copy; None: the system's.
        threads: of torch; None: its own choice.
    """

    lesson: Lesson
    root_url: str
    storage: Storage
    folder_url: str
    cache: str | None
    threads: int | None

    @property
    def state_url(self) -> str:
        """Where the state is."""
        return join(self.folder_url, "state.pt")

    def read_state(self) -> State | None:
        """The state of the last whole epoch; None before the first."""
        if not self.storage.exists(self.state_url):
            return None
        return State.from_bytes(self.storage.read(self.state_url))


def fit_here(work: FitWork, *, device: torch.device, on_epoch: OnEpoch) -> State:
    """Trains in this process, without Ray.

    Raises:
        UserError: a loss is no number, or too few tracks.
    """
    return fit(work, team=Alone(), device=device, on_epoch=on_epoch)


def fit(work: FitWork, *, team: Team, device: torch.device, on_epoch: OnEpoch) -> State:
    """Trains as one worker of a team; every worker calls it."""
    if work.threads is not None:
        torch.set_num_threads(work.threads)
    torch.backends.cudnn.allow_tf32 = False  # float32 is float32; bf16 is asked for by name
    train, validation = open_tracks(work)
    trainer = Trainer(work.lesson, train=train, validation=validation, team=team, device=device)

    def after_epoch(facts: EpochFacts, state: State) -> None:
        if team.rank == 0:
            work.storage.write(work.state_url, state.to_bytes())
        on_epoch(facts)

    return trainer.run(work.read_state(), on_epoch=after_epoch)


def open_tracks(work: FitWork) -> tuple[Tracks, Tracks]:
    """The tracks of train and validation over this machine's copy of their mels."""
    filesystem, path = work.storage.arrow_filesystem(join(work.folder_url, "tracks.parquet"))
    table = pq.read_table(path, filesystem=filesystem)
    mels = MelCopy(
        table,
        folder=work.cache,
        root_url=work.root_url,
        storage=work.storage,
        spec=work.lesson.frontend,
    )
    task = work.lesson.task

    def of(split: str) -> Tracks:
        rows_N = np.flatnonzero(pc.equal(table["split"], split).to_numpy())
        rows_N = rows_N[np.argsort(table["track_id"].take(rows_N).to_numpy(zero_copy_only=False))]
        mine = table.take(pa.array(rows_N))
        targets_NK = task.targets(mine["labels"].to_pylist())
        return Tracks(tuple(mine["track_id"].to_pylist()), rows_N, targets_NK, mels)

    return of(TRAIN), of(VALIDATION)


def own_device(num_gpus: float) -> torch.device:
    """This process' device.

    Raises:
        UserError: a GPU is asked for, and there is none.
    """
    if not num_gpus:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(
            "runtime.num_gpus_per_worker is set, but torch finds no GPU on this machine; set it to "
            "0, or train on a machine that has one"
        )
    return torch.device("cuda")
