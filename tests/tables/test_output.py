from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables.output import QueryFormat, table_text, write_result

NESTED = pa.table(
    {
        "name": ["a,b", 'say "x"', None],
        "score": pa.array([0.1, 0.25, float("nan")], pa.float32()),
        "labels": [["x---y", "ü"], [], None],
        "pair": [{"k": 1, "v": [0.5]}, None, {"k": 2, "v": None}],
        "at": pa.array([datetime(2026, 1, 2, 3, tzinfo=UTC)] * 3, pa.timestamp("us", tz="UTC")),
    }
)


def written(table: pa.Table, query_format: QueryFormat) -> bytes:
    output = io.BytesIO()
    write_result(table, query_format=query_format, output=output)
    return output.getvalue()


def test_json_is_one_object_a_line_with_nested_lists():
    lines = [json.loads(line) for line in written(NESTED, QueryFormat.JSON).splitlines()]
    assert lines[0] == {
        "name": "a,b",
        "score": 0.1,
        "labels": ["x---y", "ü"],
        "pair": {"k": 1, "v": [0.5]},
        "at": "2026-01-02T03:00:00+00:00",
    }
    assert lines[1]["labels"] == []
    assert lines[2]["score"] is None  # JSON has no NaN
    assert lines[2]["pair"] == {"k": 2, "v": None}


def test_csv_holds_lists_as_json_text():
    rows = list(csv.DictReader(io.StringIO(written(NESTED, QueryFormat.CSV).decode())))
    assert rows[0]["name"] == "a,b"
    assert rows[1]["name"] == 'say "x"'
    assert json.loads(rows[0]["labels"]) == ["x---y", "ü"]
    assert json.loads(rows[0]["pair"]) == {"k": 1, "v": [0.5]}
    assert rows[2]["labels"] == ""
    assert rows[0]["score"] == "0.1"


def test_parquet_is_read_back_as_it_was():
    again = pq.read_table(io.BytesIO(written(NESTED, QueryFormat.PARQUET)))
    assert again.schema == NESTED.schema
    assert again.num_rows == 3


@pytest.mark.parametrize("query_format", list(QueryFormat))
def test_an_answer_without_rows_can_be_written(query_format):
    data = written(NESTED.slice(0, 0), query_format)
    assert (b"name" in data) is (query_format is not QueryFormat.JSON)


def test_other_types_become_plain_values():
    table = pa.table(
        {
            "d": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
            "day": [date(2026, 1, 2)],
            "bytes": [b"\x00"],
            "yes": [True],
            "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())),
        }
    )
    (line,) = written(table, QueryFormat.JSON).splitlines()
    row = json.loads(line)
    assert (row["d"], row["day"], row["yes"]) == (1.5, "2026-01-02", True)


def test_the_table_names_what_it_leaves_out():
    table = pa.table({f"column_{i}": list(range(250)) for i in range(30)})
    text = table_text(table, width=80)
    assert "250 rows" in text
    assert "the first 100" in text
    assert "columns do not fit" in text
    assert "column_0" in text
    assert "column_29" not in text


def test_one_row_is_counted_as_one_row():
    assert "1 row\n" in table_text(pa.table({"a": [1]}), width=80)


def test_the_table_shows_text_as_it_stands_without_control_characters():
    text = table_text(pa.table({"artist": ["[bold]x[/bold]\x1b[31m", None]}), width=80)
    assert "[bold]x[/bold]?[31m" in text


def test_small_scores_keep_their_digits():
    text = table_text(pa.table({"score": [0.00001234, 0.98765, 0.0]}), width=80)
    assert "1.23e-05" in text
    assert "0.9877" in text


@given(
    st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6, unique=True),
    st.integers(20, 120),
)
def test_no_line_is_wider_than_the_terminal(names, width):
    table = pa.table({name: ["value " * i] for i, name in enumerate(names)})
    first = table_text(table, width=width).splitlines()
    assert all(len(line) <= width for line in first)
