"""The tracks of the fault tests, and what a run made of them: rows that can be compared."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import soundfile
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from fakes import tone_bundle
from fault_child import ORDERS
from workspace import RATE_HZ, tone, write_broken, write_catalog

from pipeline.audio.frontend import FRONTENDS
from pipeline.storage import Storage
from pipeline.tables.features import FeatureReader

NUM_TRACKS = 64
TOLERANCE = 1e-5
TABLES = {"tag": "results", "features": "feature_index"}
REASONS = {"x-crash": "decoder_crashed", "x-hang": "timed_out", "x-memory": "out_of_memory"}
"""What becomes of the files of `fault_child` where its decoder reads them."""

Rows = dict[str, tuple[str, str | None, object]]


class Music:
    """Files that all differ, and a workspace with their catalog to copy from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "music"
        self._template = folder / "template"
        self._template.mkdir(parents=True)
        self.folder.mkdir()
        for i in range(NUM_TRACKS):
            ending = (".wav", ".flac", ".ogg", ".mp3")[i % 4]
            wave_T = tone(100.0 + 60 * i, seconds=2.5)
            soundfile.write(self.folder / f"t{i:03d}{ending}", wave_T, RATE_HZ)
        self.tracks = {path.stem: path for path in sorted(self.folder.iterdir())}
        write_broken(self.folder)
        for track_id, head in ORDERS.items():
            (self.folder / f"{track_id}.mp3").write_bytes(head + b" " * 4096)
        self.num_files = len(list(self.folder.iterdir()))
        write_catalog(self._template, sorted(self.folder.iterdir()))
        tone_bundle(str(self._template))

    def workspace(self, url: Path) -> Path:
        """A fresh one at the URL."""
        shutil.copytree(self._template, url)
        return url


def num_rows(root: Path, verb: str) -> int:
    """Committed rows."""
    try:
        return DeltaTable(str(root / TABLES[verb])).to_pyarrow_table().num_rows
    except TableNotFoundError:
        return 0


def rows(root: Path, verb: str) -> Rows:
    """By track id: status, reason, and the scores or the SHA-256 of the stored mel.

    Raises:
        ValueError: a track is there twice.
    """
    listed = DeltaTable(str(root / TABLES[verb])).to_pyarrow_table().to_pylist()
    listed.sort(key=lambda row: (row.get("part") or "", row["track_id"]))
    found = {row["track_id"]: row for row in listed}
    if len(found) < len(listed):
        raise ValueError(f"{len(listed) - len(found)} row(s) too many in {TABLES[verb]}")
    content = _scores if verb == "tag" else _digests(root)
    return {
        track_id: (row["status"], row["reason"], content(row) if row["status"] == "ok" else None)
        for track_id, row in found.items()
    }


def _scores(row: dict) -> np.ndarray:
    return np.array(row["scores"])


def _digests(root: Path):
    reader = FeatureReader(str(root), storage=Storage(), spec=FRONTENDS["sota-mel96"])
    names = ("part", "first_row", "num_rows", "num_frames")

    def digest(row: dict) -> str:
        mel_MF = reader.mel(**{name: row[name] for name in names})
        return hashlib.sha256(mel_MF.tobytes()).hexdigest()

    return digest


def differences(found: Rows, oracle: Rows) -> list[str]:
    """Sentences, none if the rows are the oracle's."""
    said = [f"{track_id} is missing" for track_id in sorted(oracle.keys() - found.keys())]
    said += [f"{track_id} was not asked for" for track_id in sorted(found.keys() - oracle.keys())]
    for track_id in sorted(found.keys() & oracle.keys()):
        (*now, content), (*before, expected) = found[track_id], oracle[track_id]
        if now != before:
            said.append(f"{track_id} is {now}, not {before}")
        elif isinstance(expected, str) and content != expected:
            said.append(f"{track_id} has another mel")
        elif isinstance(expected, np.ndarray) and np.abs(content - expected).max() > TOLERANCE:
            said.append(f"{track_id} has scores {content}, not {expected}")
    return said


def with_reasons(oracle: Rows, reasons: dict[str, str]) -> Rows:
    """The oracle, with some tracks failed for other reasons."""
    return oracle | {track_id: ("failed", why, None) for track_id, why in reasons.items()}
