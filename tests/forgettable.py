"""A workspace with rows of three tracks in every table, and mels of them in one part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from ledgered import start
from lined import lined_workspace
from tagged import START, STORAGE

from pipeline.audio.frontend import FRONTENDS
from pipeline.schemas import DESCRIPTORS, FEATURE_INDEX, REQUEUED
from pipeline.tables import delta
from pipeline.tables.features import FeatureReader, write_part

SPEC = FRONTENDS["sota-mel96"]
TRACKS = ("t1", "t2", "t3")
NUM_FRAMES = 2_000


def mel(track_id: str) -> np.ndarray:
    rng = np.random.default_rng(TRACKS.index(track_id))
    return rng.normal(-40, 20, (SPEC.n_mels, NUM_FRAMES)).astype(np.float32)


def forgettable(root: Path) -> str:
    """t1 and t2 tagged and published, t3 failed; all have mels, descriptors, an old failure."""
    lined_workspace(root)
    part, first_rows = write_part(
        [(track_id, mel(track_id)) for track_id in TRACKS],
        spec=SPEC,
        root_url=str(root),
        storage=STORAGE,
    )
    done = {"audio_version": "v1", "plan_id": "p", "run_id": "r", "status": "ok", "made_at": START}
    places = [
        {"part": part, "first_row": row, "num_rows": 2, "num_frames": NUM_FRAMES}
        for row in first_rows
    ]
    index = [
        {"track_id": t, "spec_id": SPEC.spec_id, **done, **place}
        for t, place in zip(TRACKS, places, strict=True)
    ]
    append(root, "feature_index", index, schema=FEATURE_INDEX)
    described = [{"track_id": t, "spec_id": "d", "duration_s": 9.0, **done} for t in TRACKS]
    append(root, "descriptors", described, schema=DESCRIPTORS)
    failed = {"table_name": "results", "key": "s0", "audio_version": "v0", "requeued_at": START}
    append(root, "requeued", [{"track_id": t, **failed} for t in TRACKS], schema=REQUEUED)
    start(root, tracks=["t1"], run_id="killed", key="s9")  # its list of work stays
    (root / "plans" / "pending").mkdir(exist_ok=True)
    return part


def append(root: Path, name: str, rows: list[dict[str, Any]], *, schema: pa.Schema) -> None:
    table = delta.open_table(f"{root}/{name}", storage=STORAGE, schema=schema)
    write_deltalake(table, pa.Table.from_pylist(rows, schema=schema), mode="append")


def stored_mel(root: Path, row: dict[str, Any]) -> np.ndarray:
    reader = FeatureReader(str(root), storage=STORAGE, spec=SPEC)
    names = ("part", "first_row", "num_rows", "num_frames")
    return reader.mel(**{name: row[name] for name in names})
