"""Receipts: what a writer in the stream tells the driver about a file that it wrote.

A receipt is small and crosses Ray as one row; the file that it speaks of is invisible to readers
until the committer adds it to the table.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.storage import Storage, is_local, join


@dataclass(frozen=True)
class Tally:
    """What happened to the tracks behind one or more receipts.

    Attributes:
        ok: rows with status ok.
        flagged: those of them whose file was partly broken.
        failed: rows with status failed.
        reasons: failed rows by reason.
        audio_s: decoded audio, seconds; a track that several taggers scored counts once.
        tracks: tracks that the rows belong to, each once.
    """

    ok: int = 0
    flagged: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    audio_s: float = 0.0
    tracks: int = 0

    def plus(self, other: Tally) -> Tally:
        """The sum."""
        names = sorted(self.reasons | other.reasons)
        return Tally(
            ok=self.ok + other.ok,
            flagged=self.flagged + other.flagged,
            failed=self.failed + other.failed,
            reasons={n: self.reasons.get(n, 0) + other.reasons.get(n, 0) for n in names},
            audio_s=self.audio_s + other.audio_s,
            tracks=self.tracks + other.tracks,
        )


@dataclass(frozen=True)
class Receipt:
    """One written file of a ledger table.

    Attributes:
        key: the scoring_id or spec_id of its rows.
        path: relative to the table.
        size_bytes: of the file.
        rows: numbers of its tracks in the run's pending file, in the file's order.
        min_track_id: smallest, for the table's statistics.
        max_track_id: largest.
        tally: what happened to its tracks.
    """

    key: str
    path: str
    size_bytes: int
    rows: tuple[int, ...]
    min_track_id: str
    max_track_id: str
    tally: Tally

    def to_json(self) -> str:
        """For the way through Ray."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Receipt:
        """The inverse of `to_json`."""
        facts = json.loads(text)
        return Receipt(**(facts | {"rows": tuple(facts["rows"]), "tally": Tally(**facts["tally"])}))


def write_rows(
    rows: Sequence[dict[str, Any]],
    *,
    numbers: Sequence[int],
    table_url: str,
    storage: Storage,
    schema: pa.Schema,
    key: str,
    counted: int,
) -> Receipt:
    """Writes ledger rows to a file whose name no other attempt uses.

    Args:
        rows: one dict a track, by the schema's names.
        numbers: the tracks' numbers in the pending file.
        table_url: the ledger table.
        storage: how to reach it.
        schema: of the table.
        key: scoring_id or spec_id of the rows.
        counted: how many of the tracks no receipt of another key counts.
    """
    table = pa.Table.from_pylist(list(rows), schema=schema)
    tally = tally_of(table, counted=counted)
    return write_table(
        table, numbers=numbers, table_url=table_url, storage=storage, key=key, tally=tally
    )


def write_table(
    table: pa.Table,
    *,
    numbers: Sequence[int],
    table_url: str,
    storage: Storage,
    key: str,
    tally: Tally,
) -> Receipt:
    """Writes a table to a file whose name no other attempt uses."""
    name = f"part-{uuid.uuid4().hex}.parquet"
    size_bytes = write_parquet(table, join(table_url, name), storage=storage)
    bounds = pc.min_max(table["track_id"]).as_py()
    return Receipt(key, name, size_bytes, tuple(numbers), bounds["min"], bounds["max"], tally)


def write_parquet(
    table: pa.Table, url: str, *, storage: Storage, row_group_size: int | None = None
) -> int:
    """Writes a new Parquet file and gives its size in bytes."""
    filesystem, path = storage.arrow_filesystem(url)
    if is_local(url):
        filesystem.create_dir(path.rpartition("/")[0], recursive=True)
    pq.write_table(
        table, path, filesystem=filesystem, compression="zstd", row_group_size=row_group_size
    )
    return int(filesystem.get_file_info(path).size)


def tally_of(table: pa.Table, *, counted: int) -> Tally:
    """What happened to the tracks of ledger rows; `counted` of them are counted as tracks."""
    status, reason = table["status"].to_pylist(), table["reason"].to_pylist()
    failed = [r for s, r in zip(status, reason, strict=True) if s == "failed"]
    flagged = [r for s, r in zip(status, reason, strict=True) if s == "ok" and r is not None]
    audio_s = pc.sum(table.filter(pc.field("status") == "ok")["duration_s"]).as_py() or 0.0
    return Tally(
        ok=len(status) - len(failed),
        flagged=len(flagged),
        failed=len(failed),
        reasons={name: failed.count(name) for name in sorted(set(failed))},
        audio_s=audio_s * counted / max(1, len(status)),
        tracks=counted,
    )
