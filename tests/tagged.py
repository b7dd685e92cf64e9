"""A workspace with a catalog and results of two taggers, without any audio or model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from pipeline.schemas import CATALOG, RESULTS
from pipeline.storage import Storage
from pipeline.tables import delta
from pipeline.tables.scorings import Scoring, write_scoring
from pipeline.taxonomy import Taxonomy

STORAGE = Storage()
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOODS = Taxonomy("moods", ("mood---calm", "mood---wild", "genre---rock", "genre---Calm"))
SOUNDS = Taxonomy("sounds", ("instrument---piano", "instrument---drums", "voice---singing"))


def scoring(
    scoring_id: str, taxonomy: Taxonomy = MOODS, thresholds: tuple[float, ...] | None = None
) -> Scoring:
    return Scoring(
        scoring_id=scoring_id,
        model_version=f"net-{scoring_id}@0123456789ab",
        reference=f"made:{scoring_id}",
        taxonomy=taxonomy,
        thresholds=thresholds,
        input="audio",
        frontend={"name": "sota-mel96", "sample_rate": 16_000},
        chunking={"length": 125, "hop": 125},
    )


def ok(
    track_id: str, scores: list[float], *, by: str = "s1", version: str = "v1", minutes: int = 0
) -> dict[str, Any]:
    return {
        "track_id": track_id,
        "audio_version": version,
        "scoring_id": by,
        "model_version": f"net-{by}@0123456789ab",
        "plan_id": "plan",
        "run_id": "run",
        "status": "ok",
        "duration_s": 30.0,
        "num_chunks": 15,
        "scores": np.array(scores, np.float32),
        "embedding": np.array([0.5, 0.25], np.float32),
        "tagged_at": START + timedelta(minutes=minutes),
    }


def failed(track_id: str, reason: str, *, by: str = "s1", version: str = "v1") -> dict[str, Any]:
    row = ok(track_id, [], by=by, version=version)
    return row | {
        "status": "failed",
        "reason": reason,
        "detail": f"it was {reason}",
        "scores": None,
        "embedding": None,
        "num_chunks": None,
    }


def track(
    track_id: str, *, version: str = "v1", occurrence: int = 0, **facts: Any
) -> dict[str, Any]:
    row = {
        "track_id": track_id,
        "uri": f"/music/{track_id}.mp3",
        "source_url": "/music",
        "occurrence": occurrence,
        "size_bytes": 480_000,
        "audio_version": version,
        "codec": "mp3",
        "duration_s": 30.0,
        "title": f"Title of {track_id}",
        "artist": "The Testers",
        "labels": ["mood---calm"],
        "scanned_at": START,
    }
    return row | facts


def write_results(root: Path | str, rows: list[dict[str, Any]]) -> None:
    _append(f"{root}/results", rows, schema=RESULTS)


def write_tracks(root: Path | str, rows: list[dict[str, Any]]) -> None:
    _append(f"{root}/catalog", rows, schema=CATALOG)


def write_scorings(root: Path | str, *scorings: Scoring) -> None:
    for one in scorings:
        write_scoring(str(root), storage=STORAGE, scoring=one)


def _append(url: str, rows: list[dict[str, Any]], *, schema: pa.Schema) -> None:
    table = delta.open_table(url, storage=STORAGE, schema=schema)
    write_deltalake(table, pa.Table.from_pylist(rows, schema=schema), mode="append")


def small_workspace(root: Path | str) -> str:
    """Four tracks: t1 and t2 scored by s1 (moods), t1 by s2 (sounds), t3 failed, t4 not tagged."""
    write_scorings(root, scoring("s1"), scoring("s2", SOUNDS, (0.5, 0.5, 0.9)))
    write_tracks(root, [track(f"t{i}") for i in range(1, 5)])
    write_results(
        root,
        [
            ok("t1", [0.1, 0.9, 0.4, 0.2]),
            ok("t2", [0.8, 0.3, 0.3, 0.7]),
            failed("t3", "undecodable"),
            ok("t1", [0.6, 0.5, 0.75], by="s2", minutes=5),
        ],
    )
    return str(root)
