"""Cells of a CSV file: lists as JSON, and texts that a spreadsheet would take for a formula. Pure.

RFC 4180 says how cells are quoted, which pyarrow does: every text stands in double quotes, a quote
in it twice, and null is an empty cell without quotes. It does not help against formulas: a
spreadsheet evaluates a cell that begins with one of `=`, `+`, `-`, `@`, a tab, a carriage return
or a line feed, quoted or not (OWASP, "CSV Injection", which also names the full-width signs).
Titles and artists come from files of anyone, so such a text gets a single quote in front.
"""

from __future__ import annotations

import json
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

GUARD = "'"
FORMULA = "^[=+\\-@\t\r\n＝＋－＠]"  # noqa: RUF001 - the full-width signs are meant


class Cells(StrEnum):
    """How texts stand in CSV."""

    GUARDED = "guarded"
    """A text that a spreadsheet would evaluate has a single quote in front."""
    PLAIN = "plain"
    """As they are: for programs."""


def csv_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of the same columns in CSV: lists are texts."""
    return pa.schema([field.with_type(_csv_type(field.type)) for field in schema])


def csv_rows(batch: pa.RecordBatch, *, cells: Cells) -> tuple[pa.RecordBatch, int]:
    """A batch as it stands in CSV, and how many of its texts were guarded."""
    columns, guarded = [], 0
    for column in batch.columns:
        if pa.types.is_list(column.type):
            column = _as_json(column)
        elif cells is Cells.GUARDED and pa.types.is_string(column.type):
            column, count = guard(column)
            guarded += count
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=csv_schema(batch.schema)), guarded


def guard(texts: pa.Array) -> tuple[pa.Array, int]:
    """The texts, what a spreadsheet would evaluate behind a single quote, and how many are."""
    found = pc.fill_null(pc.match_substring_regex(texts, FORMULA), False)
    count = pc.sum(found).as_py() or 0
    if not count:
        return texts, 0
    return pc.if_else(found, pc.binary_join_element_wise(GUARD, texts, ""), texts), int(count)


def _csv_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_list(kind) else kind


def _as_json(lists: pa.Array) -> pa.Array:
    texts = [
        None if items is None else json.dumps(items, ensure_ascii=False)
        for items in lists.to_pylist()
    ]
    return pa.array(texts, pa.string())
