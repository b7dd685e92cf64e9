"""A workspace of tones with tags that pages can be looked at, and the application over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from browsing import BASE, SCRIPT, settings
from fakes import tone_bundle
from starlette.testclient import TestClient
from tagged import MOODS, failed, ok, scoring, track, write_results, write_scorings, write_tracks
from workspace import write_broken, write_tones

from pipeline.browse.app import create_app
from pipeline.storage import Storage
from pipeline.tables.scorings import Scoring
from pipeline.tables.tags import publish

NUM_TONES = 10


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """Ten tones by two artists, three broken files; scored by `s1` (moods) and by a real bundle."""
    root = tmp_path_factory.mktemp("browse")
    write_tones(root / "music", num_tracks=NUM_TONES)
    write_broken(root / "music")
    files = sorted((root / "music").iterdir())
    (root / "music" / "x-old.wma").write_bytes(b"not really")
    titles = {"t003": SCRIPT}
    write_tracks(
        root,
        [
            track(
                path.stem,
                uri=str(path),
                title=titles.get(path.stem, f"Tone {path.stem}"),
                artist=("Ann", "Bob")[int(path.stem[1:]) % 4 // 2] if path.stem[0] == "t" else None,
                year=2000 + i,
                duration_s=4.0,
            )
            for i, path in enumerate([*files, root / "music" / "x-old.wma"])
        ],
    )
    tone_bundle(str(root))
    rng = np.random.default_rng(1)
    rows = []
    for i in range(NUM_TONES):
        high = i % 2
        near = np.array([high, 1 - high, 0.2, 0.1], np.float32) + rng.normal(0, 0.05, 4)
        rows.append(
            ok(f"t{i:03d}", [0.9 - i / 20, i / 20, 0.5, 0.2])
            | {"embedding": near.astype(np.float32)}
        )
    rows += [failed("x-html", "not_audio"), failed("x-empty", "empty"), failed("x-short", "empty")]
    write_results(root, rows)
    write_scorings(root, _heard_by_tone(scoring("s1", MOODS)))
    publish(str(root), storage=Storage(), memory_mb=200)
    return root


def _heard_by_tone(one: Scoring) -> Scoring:
    """The scoring, with the bundle that tags over time are computed by."""
    return Scoring(**{**one.__dict__, "reference": "trained:tone"})


@pytest.fixture
def client(tones):
    with TestClient(create_app(settings(tones)), base_url=BASE) as one:
        yield one
