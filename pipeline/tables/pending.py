"""What is left to do: the plan anti-joined with what is committed.

The table is the checkpoint; this file is derived from it anew by every run and thrown away. It
stands in storage because workers on other machines read their slices of it.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage import Storage, join
from pipeline.store_faults import scratch
from pipeline.tables.workload import Workload, WorkloadBuilder

ROW_GROUP_ROWS = 2_048
LONG_S = 600
"""Tracks beyond this come first, the longest at the front; the others in the order asked for."""


@dataclass(frozen=True)
class Pending:
    """A run's list of work; row i of the file is bit i of the committer's memory.

    Attributes:
        url: Parquet with the columns of `planned` and `todo`, the indices of the open keys.
        keys: scoring_ids (or the one spec_id) that `todo` counts.
        num_tracks: rows.
        num_open: rows that are open for each key.
    """

    url: str
    keys: tuple[str, ...]
    num_tracks: int
    num_open: tuple[int, ...]


def write_pending(
    connection: duckdb.DuckDBPyConnection,
    *,
    root_url: str,
    storage: Storage,
    run_id: str,
    keys: Sequence[str],
    key_column: str,
    order: str,
) -> tuple[Pending, Workload]:
    """Anti-joins the view `planned` with the view `committed` for each key.

    Args:
        connection: has both views; `committed` has track_id, audio_version and `key_column`.
        root_url: the workspace.
        storage: how to reach it.
        run_id: names the file.
        keys: scoring_ids, or one spec_id.
        key_column: their column in `committed`.
        order: SQL columns of `planned` that the work is sorted by, after what is long by its
            `work_s` (seconds of audio): a long track that comes last would keep others waiting.

    Raises:
        UserError: the disk of the temporary folder is full.
    """
    rows = connection.sql(open_rows(keys, key_column=key_column, order=order))
    reader = rows.to_arrow_reader(ROW_GROUP_ROWS)
    counts, workload = [0] * len(keys), WorkloadBuilder()
    num_tracks = 0
    url = join(root_url, "plans", "pending", f"{run_id}.parquet")
    with scratch("earmark-pending-") as folder:
        path = folder / "pending.parquet"
        with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_table(pa.Table.from_batches([batch]), row_group_size=ROW_GROUP_ROWS)
                num_tracks += batch.num_rows
                workload.add(batch["work_s"].to_numpy(zero_copy_only=False))
                for key in itertools.chain.from_iterable(batch["todo"].to_pylist()):
                    counts[key] += 1
        storage.put(str(path), url)
    return Pending(url, tuple(keys), num_tracks, tuple(counts)), workload.built()


def open_rows(keys: Sequence[str], *, key_column: str, order: str) -> str:
    """SQL: rows of `planned` with `todo`, the indices of the keys that `committed` has none of."""
    joins, cases = [], []
    for i, key in enumerate(keys):
        joins.append(
            f"LEFT JOIN (SELECT DISTINCT track_id, audio_version, true AS found FROM committed "
            f"WHERE {key_column} = '{key}') c{i} "
            f"ON p.track_id = c{i}.track_id AND p.audio_version = c{i}.audio_version"
        )
        cases.append(f"CASE WHEN c{i}.found IS NULL THEN {i}::TINYINT END")
    todo = f"list_filter([{', '.join(cases)}], lambda x: x IS NOT NULL)"
    return (
        f"SELECT * FROM (SELECT p.*, {todo} AS todo FROM planned p {' '.join(joins)}) "
        f"WHERE len(todo) > 0 "
        f"ORDER BY CASE WHEN work_s > {LONG_S} THEN work_s END DESC NULLS LAST, {order}"
    )


class PendingReader:
    """Reads slices of a pending file; keeps the row groups of the last slice."""

    def __init__(self, pending: Pending, *, storage: Storage) -> None:
        filesystem, path = storage.arrow_filesystem(pending.url)
        self._file = pq.ParquetFile(filesystem.open_input_file(path))
        sizes = [
            self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)
        ]
        self._starts = [0, *itertools.accumulate(sizes)]
        self._groups: tuple[int, ...] = ()
        self._table: pa.Table | None = None

    def rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Rows start to stop, each with its number as `row`."""
        rows: list[dict[str, Any]] = self.table(start, stop).to_pylist()
        for number, row in enumerate(rows, start):
            row["row"] = number
        return rows

    def table(self, start: int, stop: int) -> pa.Table:
        """Rows start to stop as they are in the file."""
        first = bisect.bisect_right(self._starts, start) - 1
        last = bisect.bisect_left(self._starts, stop)
        groups = tuple(range(first, last))
        if self._table is None or groups != self._groups:
            self._table = self._file.read_row_groups(list(groups))
            self._groups = groups
        return self._table.slice(start - self._starts[first], stop - start)
