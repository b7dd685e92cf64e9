"""A small workspace for tests: tones in several formats, broken files, and their catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import soundfile
from deltalake import write_deltalake

from pipeline import config
from pipeline.schemas import CATALOG

CONF = Path(__file__).resolve().parents[1] / "conf" / "smoke"
RATE_HZ = 16_000
LOW_HZ, HIGH_HZ = 100.0, 4_000.0


def tone(hz: float, *, seconds: float, sample_rate: int = RATE_HZ) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def write_tones(folder: Path, *, num_tracks: int, seconds: float = 4.0) -> None:
    """Tracks t000 low, t001 high, ... in WAV, FLAC, Ogg and MP3 in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(num_tracks):
        ending = (".wav", ".flac", ".ogg", ".mp3")[i // 2 % 4]
        hz = HIGH_HZ if i % 2 else LOW_HZ
        soundfile.write(folder / f"t{i:03d}{ending}", tone(hz, seconds=seconds), RATE_HZ)


def write_broken(folder: Path) -> dict[str, str]:
    """Files that cannot be tagged; gives the reason by track id."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x-empty.mp3").touch()
    (folder / "x-html.mp3").write_text("<html><body>404 Not Found</body></html>" * 40)
    soundfile.write(folder / "x-short.wav", tone(LOW_HZ, seconds=0.2), RATE_HZ)
    return {"x-empty": "empty", "x-html": "not_audio", "x-short": "too_short"}


def write_catalog(root: Path, files: list[Path]) -> None:
    """A catalog whose track ids are the files' stems."""
    now = datetime.now(UTC)
    rows = [
        {
            "track_id": path.stem,
            "uri": str(path),
            "source_url": str(path.parent),
            "occurrence": 0,
            "size_bytes": path.stat().st_size if path.exists() else 0,
            "audio_version": f"v-{path.stat().st_size}" if path.exists() else "none",
            "labels": [],
            "scanned_at": now,
        }
        for path in files
    ]
    write_deltalake(
        str(root / "catalog"), pa.Table.from_pylist(rows, schema=CATALOG), mode="overwrite"
    )


def tag_job(root: Path, *overrides: str, models: str = "trained:tone") -> config.TagJob:
    return config.load(
        config.TagJob,
        CONF / "tag.yaml",
        overrides=(f"workspace.root_url={root}", f"scoring.models=['{models}']", *overrides),
    )


def features_job(root: Path, *overrides: str, frontend: str = "sota-mel96") -> config.FeaturesJob:
    return config.load(
        config.FeaturesJob,
        CONF / "features.yaml",
        overrides=(f"workspace.root_url={root}", f"frontend.name={frontend}", *overrides),
    )
