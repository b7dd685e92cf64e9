"""The file of an export: a stream of tracks becomes Parquet or CSV, and is counted on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from pipeline.consumers.export_cells import Cells, csv_rows, csv_schema
from pipeline.consumers.export_columns import Layout, Shape
from pipeline.consumers.export_dictionary import Source
from pipeline.consumers.export_rows import STATES, track_rows

TRACKS_A_BATCH = 20_000
ROWS_A_BATCH = 100_000


@dataclass
class Counts:
    """What has been written so far.

    Attributes:
        rows: of the file.
        guarded: texts of a CSV that got a single quote in front.
        tracks: by status.
        failures: by reason.
    """

    rows: int = 0
    guarded: int = 0
    tracks: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


def counted_rows(
    connection: DuckDBPyConnection, *, layout: Layout, scoring_id: str, counts: Counts
) -> Iterator[pa.RecordBatch]:
    """The rows of the file in batches; `counts` is right when all have been read.

    Raises:
        TableError: a track has another number of scores than the taxonomy has tags.
    """
    long = layout.shape is Shape.LONG
    size = max(1, ROWS_A_BATCH // len(layout.columns)) if long else TRACKS_A_BATCH
    for batch in track_rows(connection, scoring_ids=[scoring_id], batch_rows=size):
        named = batch.rename_columns([_plain(name) for name in batch.schema.names])
        rows = layout.rows(named)
        statuses, reasons = named["status"].to_pylist(), named["reason"].to_pylist()
        counts.tracks.update(statuses)
        pairs = zip(statuses, reasons, strict=True)
        counts.failures.update(str(reason) for status, reason in pairs if status == "failed")
        counts.rows += rows.num_rows
        yield rows


def _plain(name: str) -> str:
    """The stream numbers the columns of each scoring; here is one."""
    return name[:-1] if name[:-1] in STATES and name.endswith("0") else name


def write_parquet(
    path: Path, batches: Iterator[pa.RecordBatch], *, schema: pa.Schema, source: Source
) -> None:
    """Writes the rows as Parquet. No date stands in it: the same rows are the same bytes."""
    about = {"earmark.source": json.dumps(asdict(source), ensure_ascii=False)}
    with pq.ParquetWriter(path, schema.with_metadata(about), compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata(about))


def write_csv(
    path: Path,
    batches: Iterator[pa.RecordBatch],
    *,
    schema: pa.Schema,
    cells: Cells,
    counts: Counts,
) -> None:
    """Writes the rows as CSV: UTF-8, a header, a line feed at each line's end."""
    with pa_csv.CSVWriter(path, csv_schema(schema)) as writer:
        for batch in batches:
            rows, guarded = csv_rows(batch, cells=cells)
            counts.guarded += guarded
            writer.write_batch(rows)
