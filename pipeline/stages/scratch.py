"""Files as a run writes them, for `earmark plan` to time and weigh; nothing refers to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.audio.frontend import FrontendSpec
from pipeline.models.bundle import Bundle
from pipeline.models.tagger import TrackScores
from pipeline.schemas import FEATURE_INDEX, RESULTS, TAGS
from pipeline.storage import Storage, join
from pipeline.tables.features import write_part
from pipeline.tables.receipt import write_rows
from pipeline.tables.results import ok_row

KEY = "k" * 16
FACTS = {"audio_version": "v" * 32, "plan_id": "p" * 16, "run_id": "r" * 32}
"""As long as those of a run."""


class Scratch:
    """A folder that takes a run's files; each call gives the bytes that it wrote."""

    def __init__(self, url: str, *, storage: Storage) -> None:
        self._url = url
        self._storage = storage

    def write_features(
        self, mels: Sequence[tuple[str, NDArray[np.float16]]], *, spec: FrontendSpec
    ) -> int:
        """A part and its index file."""
        part, first_rows = write_part(mels, spec=spec, root_url=self._url, storage=self._storage)
        now = datetime.now(UTC)
        rows = [
            FACTS
            | {"track_id": track_id, "spec_id": spec.spec_id, "status": "ok", "made_at": now}
            | {"part": part, "first_row": first, "num_rows": 1, "num_frames": mel_MF.shape[1]}
            for (track_id, mel_MF), first in zip(mels, first_rows, strict=True)
        ]
        filesystem, path = self._storage.arrow_filesystem(join(self._url, "features", part))
        part_bytes = int(filesystem.get_file_info(path).size)
        return part_bytes + self._write(rows, schema=FEATURE_INDEX)

    def write_results(self, scores: Sequence[TrackScores], *, bundle: Bundle) -> int:
        """A file of the ledger: one tagger's scores of several tracks."""
        rows = [
            ok_row(
                FACTS
                | {"track_id": uuid.uuid4().hex, "scoring_id": KEY}
                | {"model_version": bundle.model_version},
                duration_s=0.0,
                num_chunks=len(of_one.starts_s),
                scores_K=of_one.mean_scores(),
                embedding_E=of_one.mean_embedding(),
                flaw=None,
                detail="",
                tagged_at=datetime.now(UTC),
            )
            for of_one in scores
        ]
        return self._write(rows, schema=RESULTS)

    def _write(self, rows: list[dict[str, Any]], *, schema: pa.Schema) -> int:
        return write_rows(
            rows,
            numbers=range(len(rows)),
            table_url=join(self._url, "rows"),
            storage=self._storage,
            schema=schema,
            key=KEY,
            counted=[True] * len(rows),
        ).size_bytes


def tag_bytes(bundles: Sequence[Bundle], *, scores: Sequence[Sequence[TrackScores]]) -> float:
    """Bytes a track of what `earmark publish` makes of scores, about: a large file packs tighter.

    Args:
        bundles: whose scores they are.
        scores: for each track, for each bundle.
    """
    rows: list[dict[str, Any]] = []
    for of_all in scores:
        facts = {"track_id": uuid.uuid4().hex, "audio_version": "v" * 32, "scoring_id": KEY}
        for bundle, of_one in zip(bundles, of_all, strict=True):
            taxonomy = bundle.taxonomy
            named = zip(taxonomy.names, taxonomy.categories, of_one.mean_scores(), strict=True)
            rows += [
                facts
                | {"taxonomy_id": taxonomy.taxonomy_id, "tag": tag, "category": category}
                | {"score": score, "rank": rank}
                for rank, (tag, category, score) in enumerate(named, 1)
            ]
    if not rows:
        return 0.0
    rows.sort(key=lambda row: str(row["tag"]))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=TAGS), sink, compression="zstd")
    return float(sink.getvalue().size) / len(scores)
