from __future__ import annotations

import csv
import io

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.export_cells import Cells, csv_rows, csv_schema, guard

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
DANGEROUS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001


def written(batch: pa.RecordBatch, cells: Cells) -> str:
    rows, _ = csv_rows(batch, cells=cells)
    sink = io.BytesIO()
    with pa_csv.CSVWriter(sink, csv_schema(batch.schema)) as writer:
        writer.write_batch(rows)
    return sink.getvalue().decode()


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_plain_cells_come_back_as_they_were(texts):
    batch = pa.record_batch({"a": pa.array(texts, pa.string()), "n": list(range(len(texts)))})
    text = written(batch, Cells.PLAIN)
    back = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in back[1:]] == [one or "" for one in texts]
    assert [row[1] for row in back[1:]] == [str(n) for n in range(len(texts))]


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_no_guarded_cell_begins_as_a_formula_and_one_quote_is_all_that_is_added(texts):
    guarded, count = guard(pa.array(texts, pa.string()))
    for before, after in zip(texts, guarded.to_pylist(), strict=True):
        assert not after or after[0] not in DANGEROUS
        assert after == before or (after == "'" + before and before[0] in DANGEROUS)
    assert count == sum(bool(text) and text[0] in DANGEROUS for text in texts)


@pytest.mark.parametrize(
    "title",
    ["=HYPERLINK(1)", "+44", "-M-", "@onefive", "\t=1", "＝1"],  # noqa: RUF001
)
def test_titles_that_would_be_formulas_are_guarded_in_the_file(title):
    text = written(pa.record_batch({"title": [title]}), Cells.GUARDED)
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == ["'" + title]


def test_numbers_are_never_guarded():
    assert written(pa.record_batch({"lufs": [-14.5]}), Cells.GUARDED) == '"lufs"\n-14.5\n'


def test_null_and_the_empty_text_differ():
    assert written(pa.record_batch({"a": ["", None, "x"]}), Cells.PLAIN) == '"a"\n""\n\n"x"\n'


def test_lists_are_json():
    batch = pa.record_batch({"tags": [["a---b", 'c"d'], None, []]})
    rows = list(csv.reader(io.StringIO(written(batch, Cells.GUARDED), newline="")))
    assert [row[:1] for row in rows[1:]] == [['["a---b", "c\\"d"]'], [], ["[]"]]
