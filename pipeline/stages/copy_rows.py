"""The worker that makes rows of one scoring from rows of another.

Shapes: N tracks, E embedding, K tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import TableError
from pipeline.models.bundle import read_bundle
from pipeline.models.taught import head_scores
from pipeline.schemas import RESULTS
from pipeline.stages.stopwatch import Stopwatch
from pipeline.storage import Storage, join
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.pending import Pending, PendingReader
from pipeline.tables.receipt import Receipt, write_table


@dataclass(frozen=True)
class CopyWork:
    """What a copying worker needs."""

    root_url: str
    storage: Storage
    pending: Pending
    scoring_id: str
    model_version: str
    plan_id: str
    run_id: str
    head_url: str | None


class CopyScores:
    """In: a slice of the pending file, whose rows say where in `results` a row is.

    Out: a receipt.
    Fan-out: one file for each slice.
    Rejects: none; a failed row is copied as it is.

    With `head_url`, the taught bundle there, scores come from the rows' embeddings.
    """

    def __init__(self, work: CopyWork) -> None:
        self._work = work
        self._pending = PendingReader(work.pending, storage=work.storage)
        self._watch = Stopwatch()
        self._head: dict[str, NDArray[np.float32]] = {}
        if work.head_url:
            _, weights = read_bundle(work.head_url, storage=work.storage)
            self._head = {
                "weight_KE": weights["head.weight"].numpy(),
                "bias_K": weights["head.bias"].numpy(),
            }

    def __call__(self, unit: pa.Table) -> Iterator[pa.Table]:
        """Yields receipts as files are written."""
        for start, stop in zip(unit["start"].to_pylist(), unit["stop"].to_pylist(), strict=True):
            with self._watch.timing("read"):
                rows = self._read(self._pending.table(start, stop))
            with self._watch.timing("write"):
                receipt = self._write(rows, numbers=range(start, stop))
            (receipt,) = self._watch.onto([receipt])
            yield pa.table({"receipt": [receipt.to_json()]})

    def _read(self, wanted: pa.Table) -> pa.Table:
        """The rows, in the order asked for; that is by file."""
        files = wanted["file"].to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(files[1:] != files[:-1]) + 1).tolist(), len(files)]
        found = []
        for first, last in pairwise(edges):
            filesystem, path = self._work.storage.arrow_filesystem(files[first])
            whole = pq.read_table(path, filesystem=filesystem, schema=RESULTS)
            found.append(whole.take(wanted["file_row"][first:last]))
        return pa.concat_tables(found)

    def _rescored(self, rows: pa.Table) -> pa.Table:
        """The rows with scores of their embeddings, which they do without."""
        embeddings = rows["embedding"].combine_chunks()
        is_valid_N = embeddings.is_valid().to_numpy(zero_copy_only=False)
        num_valid = int(is_valid_N.sum())
        flat = embeddings.flatten().to_numpy().reshape(num_valid, -1 if num_valid else 0)
        num_read = self._head["weight_KE"].shape[1]
        if len(flat) and flat.shape[1] != num_read:
            raise TableError(f"embeddings have {flat.shape[1]} values; the head reads {num_read}")
        scores_NK = head_scores(flat, **self._head) if len(flat) else np.empty((0, 1), np.float32)
        ends = np.cumsum(np.where(is_valid_N, scores_NK.shape[1], 0))
        scores = pa.ListArray.from_arrays(
            pa.array(np.concatenate(([0], ends)), pa.int32()),
            pa.array(scores_NK.reshape(-1)),
            mask=pa.array(~is_valid_N),
        )
        nothing = pa.nulls(rows.num_rows, RESULTS.field("embedding").type)
        for name, column in (("scores", scores), ("embedding", nothing)):
            rows = rows.set_column(rows.schema.get_field_index(name), RESULTS.field(name), column)
        return rows

    def _write(self, rows: pa.Table, *, numbers: range) -> Receipt:
        work, now = self._work, datetime.now(UTC)
        renamed = {
            "scoring_id": work.scoring_id,
            "model_version": work.model_version,
            "plan_id": work.plan_id,
            "run_id": work.run_id,
            "tagged_at": now,
        }
        for name, value in renamed.items():
            column = pa.repeat(pa.scalar(value, RESULTS.field(name).type), rows.num_rows)
            rows = rows.set_column(rows.schema.get_field_index(name), RESULTS.field(name), column)
        if self._head:
            rows = self._rescored(rows)
        return write_table(
            rows.cast(RESULTS),
            numbers=numbers,
            table_url=join(work.root_url, RESULTS_LEDGER.name),
            storage=work.storage,
            key=work.scoring_id,
            counted=[True] * rows.num_rows,
        )
