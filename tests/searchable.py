"""A workspace to search in: scores with ties, artists, tempo and keys, changed files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tagged import START, STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks

from pipeline.schemas import DESCRIPTORS
from pipeline.tables import delta
from pipeline.tables.tags import publish
from pipeline.taxonomy import Taxonomy

TAGS = Taxonomy("toy", tuple(f"mood---m{i}" for i in range(4)))
CALIBRATED = Taxonomy("fine", ("voice---sung", "voice---spoken"))
THRESHOLDS = (0.5, 0.25)
NUM_TRACKS, NUM_ARTISTS, WIDTH = 240, 9, 16


MADE: list[str] = []


def shared(factory: pytest.TempPathFactory) -> str:
    """One for all tests that only read."""
    if not MADE:
        MADE.append(searchable(factory.mktemp("searchable")))
    return MADE[0]


def searchable(root: Path, *, seed: int = 0) -> str:
    """Of 240 tracks: scores in eighths, every 10th not tagged, every 8th changed since."""
    rng = np.random.default_rng(seed)
    write_scorings(root, scoring("s1", TAGS), scoring("s2", CALIBRATED, THRESHOLDS))
    rows, results, described = [], [], []
    for i in range(NUM_TRACKS):
        track_id = f"t{i * 7 % NUM_TRACKS:03d}"
        artist = None if i % 11 == 0 else f"{('Artist', 'ARTIST')[i % 2]} {i % NUM_ARTISTS}"
        year = None if i % 5 == 0 else 1980 + i % 40
        facts = {"artist": artist, "year": year, "dataset": f"set{i % 3}"}
        version = "v2" if i % 8 == 0 else "v1"
        rows.append(track(track_id, version=version, **facts))
        if i % 10:
            results += scored(track_id, rng)
        if i % 8 == 0 and i % 10:
            results += scored(track_id, rng, version="v2", minutes=9)
        if i % 4:
            described.append(description(track_id, rng))
    rows.append(track("t000", occurrence=1, uri="/music/copy.mp3"))
    results += scored("not in the catalog", rng)
    write_tracks(root, rows)
    write_results(root, results)
    table = delta.open_table(f"{root}/descriptors", storage=STORAGE, schema=DESCRIPTORS)
    write_deltalake(table, pa.Table.from_pylist(described, schema=DESCRIPTORS), mode="append")
    publish(str(root), storage=STORAGE, memory_mb=200)
    return str(root)


def scored(track_id: str, rng, *, version: str = "v1", minutes: int = 0) -> list[dict]:
    rows = [
        ok(track_id, (rng.integers(0, 9, len(names.tags)) / 8).tolist(), by=by, version=version)
        for by, names in (("s1", TAGS), ("s2", CALIBRATED))
    ]
    embedding = rng.integers(-3, 4, WIDTH).astype(np.float32)
    return [
        row | {"embedding": embedding, "tagged_at": START + timedelta(minutes=minutes)}
        for row in rows
    ]


def description(track_id: str, rng) -> dict:
    return {
        "track_id": track_id,
        "audio_version": "v1",
        "spec_id": "spec",
        "plan_id": "plan",
        "run_id": "run",
        "status": "ok",
        "tempo_bpm": float(rng.integers(60, 140)),
        "key": ("C", "F#", "A")[rng.integers(3)],
        "mode": ("major", "minor")[rng.integers(2)],
        "made_at": START,
    }
