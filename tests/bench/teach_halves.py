"""The demo's catalog in two halves that share no composition, tagged; and a network from scratch.

Shapes: N tracks, E embedding, M mel bands, K tags.
"""

from __future__ import annotations

import importlib.util
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from deltalake import DeltaTable

from pipeline import config
from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS, Frontend
from pipeline.catalog.rendered import TABLE_NAME, render_catalog
from pipeline.catalog.rendered_plan import plan_jobs
from pipeline.catalog.scan import scan_into_catalog
from pipeline.config import CatalogJob, FeaturesJob, TagJob
from pipeline.config_training import TrainJob
from pipeline.models.architectures import build, complete
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.head import SIGMOID
from pipeline.models.published import add_published
from pipeline.progress import Counter
from pipeline.stages.cluster import connected
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage
from pipeline.tables.examples import embedded
from pipeline.tables.mel_copy import MelCopy
from pipeline.tables.scorings import Scoring, read_scorings
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views
from pipeline.taxonomy import TaskKind, Taxonomy
from pipeline.training.chunks import Tracks
from pipeline.training.judge import judge
from pipeline.training.lesson import Lesson
from pipeline.training.loop import Trainer
from pipeline.training.task import Task
from pipeline.training.team import Alone

CONF = Path(__file__).resolve().parents[2] / "conf"
MODEL, MEMORY_MB = "musicnn:MTT_musicnn", 1024
SPEC = FRONTENDS["musicnn-mel96"]
"""Of the embedding's network; the network from scratch and the mean mel read the same mels."""


@dataclass(frozen=True)
class Half:
    """Tracks of a workspace of their own, by track_id.

    Attributes:
        root: the workspace.
        base: the scoring whose embeddings are stored.
        track_ids: N of them.
        labels: of each.
        artists: of each.
        embeddings_NE: of MODEL.
        mels: as the training reads them; row i is track i.
        mean_mel_NM: what the network would read, averaged over time.
    """

    root: Path
    base: Scoring
    track_ids: tuple[str, ...]
    labels: tuple[frozenset[str], ...]
    artists: tuple[str, ...]
    embeddings_NE: np.ndarray
    mels: MelCopy
    mean_mel_NM: np.ndarray

    def has(self, tag: str) -> np.ndarray:
        return np.array([tag in mine for mine in self.labels])

    def rows(self, track_ids: list[str]) -> np.ndarray:
        index = {track_id: row for row, track_id in enumerate(self.track_ids)}
        return np.array([index[track_id] for track_id in track_ids], dtype=np.int64)

    def tracks(self, rows: np.ndarray, *, has: np.ndarray) -> Tracks:
        """For the training code."""
        return Tracks([self.track_ids[row] for row in rows], rows, has[:, None], self.mels)


def make_halves(folder: Path, *, tracks: int, seed: int) -> dict[str, Half]:
    """What is there already is kept."""
    counter = Counter("render", "tracks")
    table = render_catalog(
        folder / "catalog", num_tracks=tracks, seed=seed, num_processes=1, on_progress=counter
    )
    with connected(None, object_store_mb=200, num_cpus=2):
        return {
            half: _workspace(folder / half, table=part)
            for half, part in _split(table, tracks=tracks, seed=seed).items()
        }


def _split(table: Path, *, tracks: int, seed: int) -> dict[str, Path]:
    """Two tables of tracks beside the whole one; the movements of a work are in one of them."""
    found = importlib.util.find_spec("music21")
    corpus = Path(found.origin).parent / "corpus"
    jobs = plan_jobs(corpus, num_tracks=tracks, seed=seed)
    works = sorted({job.ref.work for job in jobs})
    random.Random(seed).shuffle(works)
    first = set(works[: len(works) // 2])
    learned = {r.track_id: job.ref.work in first for job in jobs for r in job.renderings}
    rows = pq.read_table(table)
    rows = rows.filter(pc.is_in(rows["track_id"], pa.array(list(learned))))  # none of the broken
    mine = pa.array([learned[track_id] for track_id in rows["track_id"].to_pylist()])
    halves = {"learn": rows.filter(mine), "judge": rows.filter(pc.invert(mine))}
    paths = {half: table.with_name(f"{half}-{TABLE_NAME}") for half in halves}
    for half, part in halves.items():
        pq.write_table(part, paths[half])
    return paths


def _workspace(root: Path, *, table: Path) -> Half:
    """Catalog, stored mels, embeddings: by the jobs' own functions."""
    storage, place = Storage(), f"workspace.root_url={root}"
    job = config.load(CatalogJob, CONF / "catalog.yaml", overrides=(place,))
    scan_into_catalog(
        str(table), root_url=str(root), storage=storage, scan=job.scan, on_progress=lambda *_: None
    )
    add_published(MODEL, root_url=str(root), storage=storage)
    mels = config.load(
        FeaturesJob, CONF / "features.yaml", overrides=(place, f"frontend.name={SPEC.name}")
    )
    extract_catalog(mels, run_id="mels")
    settings = (place, f"scoring.models=['{MODEL}']", "scoring.input=features")
    settings += ("scoring.precision=bfloat16",)
    tag_catalog(config.load(TagJob, CONF / "tag.yaml", overrides=settings), run_id="tag")
    publish(str(root), storage=storage, memory_mb=MEMORY_MB)
    return _read(root, table=pq.read_table(table))


def _read(root: Path, *, table: pa.Table) -> Half:
    storage = Storage()
    (base,) = read_scorings(str(root), storage=storage).values()
    labels = dict(zip(table["track_id"].to_pylist(), table["labels"].to_pylist(), strict=True))
    with open_views(str(root), storage=storage, memory_mb=MEMORY_MB) as connection:
        have = embedded(connection, list(labels), scoring_id=base.scoring_id)
    index = DeltaTable(str(root / "feature_index")).to_pyarrow_table()
    index = index.filter(pc.equal(index["spec_id"], SPEC.spec_id)).sort_by("track_id")
    assert tuple(index["track_id"].to_pylist()) == have.track_ids == tuple(sorted(labels))
    mels = MelCopy(index, folder=str(root / "mels"), root_url=str(root), storage=storage, spec=SPEC)
    frontend = Frontend(SPEC)
    means = [
        frontend.network_input(
            torch.from_numpy(np.array(mels.chunk(row, start=0, num_frames=int(frames))))
        ).mean(0)
        for row, frames in enumerate(mels.num_frames_N)
    ]
    return Half(
        root,
        base,
        have.track_ids,
        tuple(frozenset(labels[track_id]) for track_id in have.track_ids),
        have.artists,
        have.embeddings_NE,
        mels,
        torch.stack(means).numpy(),
    )


def lesson_from_scratch(tag: str, *, epochs: int, seed: int) -> Lesson:
    """The network and the recipe of conf/train-instruments.yaml, for one tag.

    Tracks that have the tag are drawn as often as the others. One worker's part is a whole step.
    """
    overrides = (f"recipe.epochs={epochs}", f"recipe.seed={seed}", "recipe.patience_epochs=null")
    overrides += ("recipe.micro_batches=1", "recipe.best=loss", "augment.balance=true")
    job = config.load(TrainJob, CONF / "train-instruments.yaml", overrides=overrides)
    network, data = job.network, job.data
    parameters = complete(network.architecture, parameters=network.parameters, n_mels=SPEC.n_mels)
    return Lesson(
        architecture=network.architecture,
        parameters={"num_tags": 1} | parameters,
        frontend=SPEC,
        task=Task(TaskKind.BINARY, Taxonomy("one", (tag,)), SIGMOID),
        recipe=job.recipe,
        augment=job.augment,
        chunking=Chunking(
            Domain.FRAMES, length=data.chunk_frames, hop=data.hop_frames, tail=Tail.ALIGN
        ),
    )


@dataclass(frozen=True)
class Scratch:
    """A network's scores of the judging half, and what they took."""

    scores_N: np.ndarray
    train_s: float
    cpu_s: float
    steps: int
    loss: float


def from_scratch(lesson: Lesson, *, train: Tracks, test: Tracks) -> Scratch:
    """Trains to the end of the recipe; nothing is stopped early or chosen by other tracks.

    The loop wants tracks to judge each epoch by: it gets two of each kind that it learns from, and
    the last epoch's weights are kept, whatever they gave.
    """
    has = train.targets_NK[:, 0]
    few = np.concatenate([np.flatnonzero(has)[:2], np.flatnonzero(~has)[:2]])
    watched = Tracks(
        [train.track_ids[row] for row in few], train.rows_N[few], train.targets_NK[few], train.mels
    )
    cpu = torch.device("cpu")
    trainer = Trainer(lesson, train=train, validation=watched, team=Alone(), device=cpu)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    state = trainer.run(None, on_epoch=lambda *_: None)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    network = build(lesson.architecture, parameters=lesson.parameters)
    network.load_state_dict(state.weights)
    scores_NK, _ = judge(
        network,
        test,
        task=lesson.task,
        frontend=Frontend(SPEC),
        chunking=lesson.chunking,
        device=cpu,
        team=Alone(),
    )
    steps = sum(facts.chunks for facts in state.history) // lesson.recipe.batch_tracks
    return Scratch(scores_NK[:, 0].numpy(), wall_s, cpu_s, steps, state.history[-1].train_loss)
