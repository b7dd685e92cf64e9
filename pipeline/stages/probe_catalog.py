"""Baselines of an evaluation: what a linear model makes of simpler vectors of the same tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.audio.frontend import Frontend, shown
from pipeline.config_evaluation import EvaluateJob
from pipeline.errors import ConfigError
from pipeline.evaluation.descriptor_vector import descriptor_vector, filled
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.probe import mean_mfcc, probe
from pipeline.progress import Counter
from pipeline.stages.score_split import Scored, part_of, score_part
from pipeline.stages.tag_catalog import plan_features
from pipeline.storage import absolute
from pipeline.tables.database import database
from pipeline.tables.descriptors import described
from pipeline.tables.features import FeatureReader
from pipeline.tables.labelled import Part, require_labels, targets
from pipeline.taxonomy import TaskKind

MFCC = "mfcc"
DESCRIBED = "descriptors"


@dataclass(frozen=True)
class Vectors:
    """A vector for each track of two splits (N tracks, E values, K tags)."""

    track_ids: tuple[str, ...]
    splits: tuple[str, ...]
    vectors_NE: NDArray[np.float32]
    targets_NK: NDArray[np.bool_]


def judge_probes(config: EvaluateJob, scored: Scored, *, run_id: str) -> dict[str, Labelled]:
    """Each configured probe, trained on the split train, on the tracks that the model is judged on.

    Raises:
        ConfigError: the split that is judged is train itself, or a bundle is missing or broken.
        TableError: train has no labelled tracks, there are no stored features for `mfcc`, or no
            descriptors for `descriptors`.
    """
    evaluation = config.evaluation
    if evaluation.probes and evaluation.split == "train":
        raise ConfigError(
            "evaluation.probes are trained on the split train, so they cannot be judged on it: "
            "give --split validation or --split test, or no probes"
        )
    part = part_of(config, scored.bundle.taxonomy, splits=("train", evaluation.split))
    found = {}
    for reference in evaluation.probes:
        if reference == MFCC:
            vectors = _mfcc_vectors(config, scored, part=part)
        elif reference == DESCRIBED:
            vectors = _descriptor_vectors(config, scored, part=part)
        else:
            vectors = _embeddings(config, reference, scored=scored, part=part, run_id=run_id)
        found[f"probe {reference}"] = _judge(vectors, scored=scored, seed=evaluation.seed)
    return found


def _judge(vectors: Vectors, *, scored: Scored, seed: int) -> Labelled:
    kind, judged = scored.labelled.kind, set(scored.labelled.track_ids)
    trains_N = np.array(vectors.splits) == "train"
    if kind is TaskKind.MULTICLASS:
        trains_N &= vectors.targets_NK.sum(1) == 1
    tested_N = np.array([name in judged for name in vectors.track_ids]) & ~trains_N
    scores_NK = probe(
        vectors.vectors_NE[trains_N],
        vectors.targets_NK[trains_N],
        vectors.vectors_NE[tested_N],
        kind=kind,
        seed=seed,
    )
    return Labelled(
        track_ids=tuple(np.array(vectors.track_ids, dtype=object)[tested_N]),
        tags=scored.labelled.tags,
        kind=kind,
        scores_NK=scores_NK,
        targets_NK=vectors.targets_NK[tested_N],
    )


def _embeddings(
    config: EvaluateJob, reference: str, *, scored: Scored, part: Part, run_id: str
) -> Vectors:
    rows = score_part(config, reference, part=part, taxonomy=scored.bundle.taxonomy, run_id=run_id)
    return Vectors(rows.track_ids, rows.splits, rows.embeddings_NE, rows.targets_NK)


def _mfcc_vectors(config: EvaluateJob, scored: Scored, *, part: Part) -> Vectors:
    """From the stored features of the model's front end."""
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    spec, memory_mb = scored.bundle.frontend, config.runtime.plan_memory_mb
    require_labels(root_url, storage=storage, part=part, memory_mb=memory_mb)
    with database(memory_mb=memory_mb) as connection:
        plan_features(connection, spec=spec, root_url=root_url, storage=storage, where=part.where)
        rows = (
            connection.sql(
                "SELECT p.*, c.split, c.labels FROM planned p JOIN catalog c USING (track_id) "
                "WHERE p.status = 'ok' ORDER BY p.part, p.first_row"
            )
            .to_arrow_table()
            .to_pylist()
        )
    reader, count = FeatureReader(root_url, storage=storage, spec=spec), Counter(MFCC, "tracks")
    frontend, vectors = Frontend(shown(spec)), []
    for done, row in enumerate(rows, 1):
        where = {name: row[name] for name in ("part", "first_row", "num_rows", "num_frames")}
        mel_MF = torch.from_numpy(reader.mel(**where))
        log_mel_MF = frontend.network_input(frontend.mel(mel_MF[0]) if spec.reads_wave else mel_MF)
        vectors.append(mean_mfcc(log_mel_MF.numpy()))
        count(done, len(rows))
    return Vectors(
        track_ids=tuple(row["track_id"] for row in rows),
        splits=tuple(row["split"] for row in rows),
        vectors_NE=np.stack(vectors).astype(np.float32),
        targets_NK=targets([row["labels"] for row in rows], tags=scored.labelled.tags),
    )


def _descriptor_vectors(config: EvaluateJob, scored: Scored, *, part: Part) -> Vectors:
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    memory_mb = config.runtime.plan_memory_mb
    require_labels(root_url, storage=storage, part=part, memory_mb=memory_mb)
    with database(memory_mb=memory_mb) as connection:
        rows = described(
            connection,
            spec_id=DESCRIPTORS.spec_id,
            root_url=root_url,
            storage=storage,
            where=part.where,
        )
    splits = tuple(row["split"] for row in rows)
    vectors_NE = np.stack([descriptor_vector(row) for row in rows])
    return Vectors(
        track_ids=tuple(row["track_id"] for row in rows),
        splits=splits,
        vectors_NE=filled(vectors_NE, trains_N=np.array(splits) == "train"),
        targets_NK=targets([row["labels"] for row in rows], tags=scored.labelled.tags),
    )
