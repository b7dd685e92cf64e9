"""Answers of queries for people (a table) and programs (CSV, JSON lines, Parquet)."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

SHOWN_ROWS = 100
MAX_CELL = 48
SMALL = 1e-3


class QueryFormat(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def write_result(table: pa.Table, *, query_format: QueryFormat, output: IO[bytes]) -> None:
    """Writes an answer.

    A table for a terminal shows the first rows and as many columns as fit, and says what it left
    out. CSV holds lists as JSON text. JSON is one object a line.

    Args:
        table: the answer.
        query_format: how to write it.
        output: a binary stream, such as `sys.stdout.buffer` or an open file.
    """
    if query_format is QueryFormat.TABLE:
        output.write(table_text(table, width=shutil.get_terminal_size((120, 40)).columns).encode())
    elif query_format is QueryFormat.CSV:
        pa_csv.write_csv(_without_nested(table), output)
    elif query_format is QueryFormat.JSON:
        for line in _json_lines(table):
            output.write(line.encode() + b"\n")
    else:
        pq.write_table(table, output, compression="zstd")


def led_by(table: pa.Table, column: str) -> pa.Table:
    """The table with a column in front: what a narrow terminal shows first."""
    return table.select([column, *(name for name in table.column_names if name != column)])


def table_text(table: pa.Table, *, width: int) -> str:
    """The answer as a table of at most `width` characters a line."""
    rows = [[cell(value) for value in row.values()] for row in _rows(table.slice(0, SHOWN_ROWS))]
    shown = _fitting_columns(table.column_names, rows=rows, width=width)
    grid = Table(show_edge=False, pad_edge=False)
    for name, kind in zip(table.column_names[:shown], table.schema.types[:shown], strict=True):
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        grid.add_column(Text(printable(name)), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(text) for text in row[:shown]))
    notes = [f"{table.num_rows:,} row" + ("" if table.num_rows == 1 else "s")]
    if table.num_rows > SHOWN_ROWS:
        notes.append(f"the first {SHOWN_ROWS} are shown; --format csv, json or parquet has all")
    if shown < table.num_columns:
        notes.append(f"{table.num_columns - shown} columns do not fit; select fewer")
    console = Console(file=io.StringIO(), width=width)
    console.print(grid, Text("; ".join(notes), style="dim"), sep="\n")
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def cell(value: object) -> str:
    """A value in a table's cell: short, and nothing that a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or abs(value) >= SMALL else f"{value:.2e}"
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    text = printable(str(value))
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 3] + "..."


def printable(text: str) -> str:
    """The text with a question mark for each control character (titles come from files)."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _fitting_columns(names: list[str], *, rows: list[list[str]], width: int) -> int:
    """How many columns fit side by side; at least one."""
    used = 0
    for i, name in enumerate(names):
        used += max(len(name), *(len(row[i]) for row in rows), 0) + 3
        if used - 2 > width and i > 0:
            return i
    return len(names)


def _json_lines(table: pa.Table) -> Iterator[str]:
    for row in _rows(table):
        yield json.dumps(row, ensure_ascii=False)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    kinds = dict(zip(table.column_names, table.schema.types, strict=True))
    for batch in table.to_batches():
        for row in batch.to_pylist():
            yield {name: _plain(value, kind=kinds[name]) for name, value in row.items()}


def _plain(value: Any, *, kind: pa.DataType) -> Any:  # noqa: ANN401 - any value of a query
    """The value as JSON has it; float32 with its own digits, no NaN or infinity."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(str(np.float32(value))) if pa.types.is_float32(kind) else value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {n: _plain(v, kind=kind.field(n).type) for n, v in value.items()}
    if isinstance(value, list) and not pa.types.is_map(kind):
        return [_plain(item, kind=kind.value_type) for item in value]
    return str(value)


def _without_nested(table: pa.Table) -> pa.Table:
    columns = []
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        column = table[name]
        if pa.types.is_nested(kind):
            plain = (_plain(value, kind=kind) for value in column.to_pylist())
            texts = [None if value is None else json.dumps(value) for value in plain]
            column = pa.array(texts, pa.string())
        columns.append(column)
    return pa.table(columns, names=table.column_names)
