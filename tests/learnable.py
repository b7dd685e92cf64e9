"""A small workspace that a network can learn from in seconds: tones of three pitches, in noise.

Each group (an artist) stands in one split. Feature parts are written directly, so no Ray is needed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from tracking_database import give_database

from pipeline.audio.frontend import FRONTENDS
from pipeline.schemas import CATALOG, FEATURE_INDEX
from pipeline.storage import Storage
from pipeline.tables.features import write_part

SPEC = FRONTENDS["note-mel64"]
CLASSES = ("tone---low", "tone---middle", "tone---high")
SHARES = {"train": 48, "validation": 15, "test": 15}


def learnable_workspace(
    root: Path,
    *,
    num_frames: int = 40,
    several: bool = False,
    noise: float = 4.0,
    validation_tones: tuple[int, ...] = (0, 1, 2),
) -> Path:
    """Writes the catalog and the features; with `several` a track has one or two of the tones."""
    give_database(root)
    choice = np.random.default_rng(0)
    catalog, mels = [], []
    now = datetime.now(UTC)
    for split, count in SHARES.items():
        for i in range(count):
            choices = validation_tones if split == "validation" else (0, 1, 2)
            tones = {choices[i % len(choices)]}
            tones |= {(i + 1) % 3} if several and i % 2 else set()
            track_id = f"{split}-{i:03d}"
            mel_MF = choice.normal(-40.0, noise, (SPEC.n_mels, num_frames))
            for tone in tones:
                mel_MF[10 + 20 * tone : 14 + 20 * tone] += 12.0
            mels.append((track_id, mel_MF.astype(np.float32)))
            catalog.append(
                {
                    "track_id": track_id,
                    "uri": f"/nowhere/{track_id}.wav",
                    "source_url": "/nowhere",
                    "occurrence": 0,
                    "audio_version": "v1",
                    "dataset": "tones",
                    "artist": f"{split} player {i % 4}",
                    "split": split,
                    "labels": [CLASSES[tone] for tone in sorted(tones)],
                    "scanned_at": now,
                }
            )
    part, first_rows = write_part(mels, spec=SPEC, root_url=str(root), storage=Storage())
    index = [
        {
            "track_id": track_id,
            "audio_version": "v1",
            "spec_id": SPEC.spec_id,
            "plan_id": "plan",
            "run_id": "run",
            "status": "ok",
            "duration_s": 4.0,
            "part": part,
            "first_row": first_row,
            "num_rows": 1,
            "num_frames": mel.shape[1],
            "made_at": now,
        }
        for (track_id, mel), first_row in zip(mels, first_rows, strict=True)
    ]
    for name, rows, schema in (
        ("catalog", catalog, CATALOG),
        ("feature_index", index, FEATURE_INDEX),
    ):
        write_deltalake(str(root / name), pa.Table.from_pylist(rows, schema=schema))
    return root
