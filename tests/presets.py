"""The published protocols as configurations: `python tests/presets.py` writes conf/published/.

Each file is complete, as all configurations are; this keeps them from drifting apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.models.published import WIDE
from pipeline.models.published_sota import FRONTENDS, LENGTHS

FOLDER = Path(__file__).resolve().parents[1] / "conf" / "published"
SOTA = """{title}.
# {network} under the protocol of sota-music-tagging-models (arXiv 2006.00751): Adam, then SGD from
# the best weights; one random chunk a track and epoch; judged by 16 chunks a track, the mean of
# their scores, macro ROC-AUC and PR-AUC."""
MUSICNN = """{title}.
# {network} under the protocol of musicnn (arXiv 1909.06654): Adam, its rate halved after 75
# epochs without a lower loss; one random patch a track and epoch; judged by all patches of 3 s,
# the mean of their scores, macro ROC-AUC and PR-AUC."""


@dataclass(frozen=True)
class DataSet:
    """A data set as the catalog calls it, with its task.

    Attributes:
        title: for people.
        brought: the command that brings it into the catalog.
        taxonomy: of its 50 tags.
        outside: what labels of the same categories mean that are not among them.
        group: what its splits keep apart.
        why: of that.
    """

    title: str
    brought: str
    taxonomy: str
    outside: str
    group: str
    why: str


LEE = DataSet(
    "MagnaTagATune, the split of 15,244, 1,529 and 4,332 clips",
    "magnatagatune PATH --splits lee --labels top50",
    "mtat50",
    "refuse",
    "null",
    "the published splits share artists",
)
PONS = DataSet(
    "MagnaTagATune, the split of 18,706, 1,825 and 5,329 clips",
    "magnatagatune PATH --splits pons --labels top50",
    "mtat50",
    "refuse",
    "null",
    "the published splits share artists",
)
JAMENDO = DataSet(
    "MTG-Jamendo, the 50 most frequent tags, split 0",
    "mtg-jamendo PATH --splits 0 --labels top50",
    "jamendo50",
    "refuse",
    "artist",
    "splits may not share one",
)
MSD = DataSet(
    "Million Song Dataset with Last.fm's tags, the split of 201,680, 11,774 and 28,435 tracks",
    "msd-lastfm PATH --splits lee --labels top50",
    "msd50",
    "refuse",
    "null",
    "the published splits share artists",
)
DATASETS = {
    "magnatagatune-lee": LEE,
    "magnatagatune-pons": PONS,
    "mtg-jamendo-0": JAMENDO,
    "msd-lastfm-lee": MSD,
}
ORIGINAL = ("musicnn_original", "vgg")
PRESETS = [
    *(("magnatagatune-lee", network) for network in FRONTENDS),
    *(("magnatagatune-pons", network) for network in ORIGINAL),
    *((name, network) for name in ("mtg-jamendo-0", "msd-lastfm-lee") for network in FRONTENDS),
    *((name, network) for name in ("mtg-jamendo-0", "msd-lastfm-lee") for network in ORIGINAL),
]


def chunk_frames(network: str) -> int:
    if network in ORIGINAL:
        return 187
    return LENGTHS[network] if FRONTENDS[network] == "wave-16k" else LENGTHS[network] // 256 + 1


def preset(name: str, network: str) -> str:
    """The text of conf/published/NAME/NETWORK.yaml."""
    data, original, frames = DATASETS[name], network in ORIGINAL, chunk_frames(network)
    wide = WIDE if (name, network) == ("msd-lastfm-lee", "musicnn") else {}
    widths = ", ".join(f"{key}: {value}" for key, value in wide.items())
    kind, epochs, batch, lr, decay = (
        ("musicnn", 600, 32, "1.0e-3", "1.0e-5")
        if original
        else ("published", 200, 16, "1.0e-4", "1.0e-4")
    )
    header = (MUSICNN if original else SOTA).format(title=data.title, network=network)
    return f"""# earmark train: {header}
# The data: earmark dataset import {data.brought}
workspace:
  root_url: earmark-data
  endpoint_url: null
  region: null
data:
  frontend: {"musicnn-mel96" if original else FRONTENDS[network]}
  dataset: {name}
  chunk_frames: {frames}
  hop_frames: {frames}
  chunks: {"null" if original else 16}
  group: {data.group}              # {data.why}
task:
  name: {data.taxonomy}
  kind: multilabel
  tags: null
  category: null
  taxonomy: {data.taxonomy}
  outside: {data.outside}
network:
  name: {name.replace("-", "_")}_{network}
  registry: null
  architecture: {network}
  parameters: {{{widths}}}
recipe:
  kind: {kind}
  epochs: {epochs}
  batch_tracks: {batch}
  micro_batches: 1         # shared by the workers: num_workers or a multiple
  lr: {lr}
  weight_decay: {decay}
  warmup_epochs: 0
  clip_norm: null
  precision: float32
  seed: 0
  best: loss
  patience_epochs: null
augment:
  specaugment: null
  mixup_alpha: null
  gain_db: 0
  balance: false
thresholds:
  rule: best_f1
  at: null
runtime:                   # changes speed, never a result
  ray_address: null
  num_workers: 1           # 0: in this process
  num_cpus_per_worker: 1
  num_gpus_per_worker: 1   # 1: NCCL; 0: CPUs and Gloo
  object_store_mb: null
  threads: null
  cache: null
  max_failures: 3
  plan_memory_mb: 1024
tracking:
  uri: null
  experiment: earmark
"""


if __name__ == "__main__":
    for name, network in PRESETS:
        path = FOLDER / name / f"{network}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(preset(name, network), encoding="utf-8")
