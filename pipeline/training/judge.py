"""A network on the tracks of a split: every chunk, the mean of their scores, and the metrics.

Each worker of a team judges its share of the tracks; all of them get the scores of all.

Shapes: N tracks or chunks, M mel bands, F frames, K tags.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.audio.frontend import Frontend
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import METRICS, metric
from pipeline.models.chunking import Chunking
from pipeline.taxonomy import TaskKind
from pipeline.training.chunks import Tracks
from pipeline.training.task import Task, tensor
from pipeline.training.team import Team

LOSS = "loss"
JUDGED_S = 256.0
"""Chunks go through the network together up to this length when tracks are judged."""
WATCHED = {
    TaskKind.MULTICLASS: ("accuracy", "f1_macro"),
    TaskKind.BINARY: ("roc_auc_macro", "pr_auc_macro"),
    TaskKind.MULTILABEL: ("roc_auc_macro", "pr_auc_macro"),
    TaskKind.POWERSET: ("roc_auc_macro", "pr_auc_macro"),
}
"""Computed after each epoch, beside the loss and the metric that picks the best."""


def judge(
    network: nn.Module,
    tracks: Tracks,
    *,
    task: Task,
    frontend: Frontend,
    chunking: Chunking,
    device: torch.device,
    team: Team,
) -> tuple[Tensor, float]:
    """Scores of all tracks (N, K) on the CPU, and the mean over tracks of their chunks' loss."""
    num_tags = len(task.taxonomy.tags)
    sums_NK = torch.zeros(len(tracks), num_tags, dtype=torch.float64)
    losses_N, counts_N = torch.zeros(len(tracks)).double(), torch.zeros(len(tracks)).double()
    network.eval()
    spec = frontend.spec
    chunk_s = chunking.length * spec.hop_length / spec.sample_rate
    batch_chunks = max(1, int(JUDGED_S / chunk_s))
    own = range(team.rank, len(tracks), team.size)
    with torch.inference_mode():
        for owners, chunks in tracks.coverage(own, chunking=chunking, batch_chunks=batch_chunks):
            mel_NMF = frontend.network_input(tensor(chunks, device=device))
            scores_NK = task.head.scores(network(mel_NMF).logits_NK.float(), num_tags=num_tags)
            rows = torch.as_tensor(owners)
            targets_NK = torch.from_numpy(tracks.targets_NK[owners])
            losses = task.score_loss(scores_NK.cpu(), targets_NK)
            sums_NK.index_add_(0, rows, scores_NK.cpu().double())
            losses_N.index_add_(0, rows, losses.double())
            counts_N.index_add_(0, rows, torch.ones(len(rows)).double())
    everyone = torch.column_stack([sums_NK, losses_N, counts_N]).to(device)
    total = team.total(everyone).cpu()
    counts_N1 = total[:, -1:]
    return (total[:, :num_tags] / counts_N1).float(), float((total[:, -2:-1] / counts_N1).mean())


def metrics(
    scores_NK: Tensor, tracks: Tracks, *, task: Task, loss: float, best: str
) -> dict[str, float]:
    """The watched metrics and `best`, by name."""
    labelled = Labelled(
        tuple(tracks.track_ids), task.taxonomy.tags, task.kind, scores_NK.numpy(), tracks.targets_NK
    )
    names = dict.fromkeys((*WATCHED[task.kind], best))
    names.pop(LOSS, None)
    return {LOSS: loss} | {name: metric(labelled, name=name) for name in names}


def is_better(value: float, *, than: float, name: str) -> bool:
    """Whether a metric's value beats another; anything beats NaN, which stands for none yet."""
    if math.isnan(than):
        return not math.isnan(value)
    higher = name != LOSS and METRICS[name]
    return value > than if higher else value < than
