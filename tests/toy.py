"""A small untrained network over stored note mels, for tests that look into one."""

from __future__ import annotations

from pathlib import Path

import torch

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS
from pipeline.models.architectures import build
from pipeline.models.bundle import Bundle, Chunking, Domain, bundle_url, write_bundle
from pipeline.storage import Storage
from pipeline.taxonomy import Taxonomy

TOY_REFERENCE = "trained:toy"
SPEC = FRONTENDS["note-mel64"]
SILENT = 3


def write_toy(root: Path) -> None:
    """A note network with fresh weights; channel 3 of its first layer never answers."""
    torch.manual_seed(0)
    weights = build("note_cnn", parameters={"num_tags": 2}).state_dict()
    weights["layer1.bn.bias"][SILENT] = -1e6
    bundle = Bundle(
        name="toy",
        architecture="note_cnn",
        parameters={"num_tags": 2},
        frontend=SPEC,
        chunking=Chunking(Domain.FRAMES, length=64, hop=32, tail=Tail.ALIGN),
        taxonomy=Taxonomy("toy", ("test---a", "test---b")),
        thresholds=None,
        embedding="dense",
        licence="Apache-2.0",
        source="tests",
    )
    url = bundle_url(TOY_REFERENCE, root_url=str(root))
    write_bundle(url, storage=Storage(), bundle=bundle, weights=weights)
