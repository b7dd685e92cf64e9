from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagged import STORAGE

from pipeline.tables.traces import name_pattern, traces

IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


def left(root, *names: str) -> tuple[str, ...]:
    return traces(names, root_url=str(root), storage=STORAGE).paths


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("t1", True),
        ("/music/t1.mp3", True),
        ('{"track": "t1"}', True),
        ("t1\n", True),
        ("we heard t1.", True),
        ("t10", False),
        ("at1", False),
        ("t1-live", False),
        ("t1.b", True),  # may be a file's ending
        ("t1.version2", False),
    ],
)
def test_a_name_counts_as_a_whole_only(text, named):
    assert bool(re.search(name_pattern(["t1"]), text)) == named


@given(IDS)
def test_any_name_is_found_plain_and_as_json_writes_it(name):
    pattern = name_pattern([name])
    assert re.search(pattern, f"[{name}]")
    assert re.search(pattern, json.dumps({"a": [name]}))
    assert re.search(pattern, json.dumps({"a": [name]}, ensure_ascii=False))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", "t1"]),
        pa.array([["x"], ["y", "t1"]]),
        pa.array([None, {"id": "t1"}]),
        pa.array(["x", "/music/t1.wav"], pa.large_string()),
    ],
    ids=["text", "list", "struct", "uri"],
)
def test_packed_texts_of_parquet_are_read(tmp_path, column):
    table = pa.table({"n": pa.array([1, 2]), "c": column})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", write_statistics=False)
    assert left(tmp_path, "t1") == ("a.parquet",)
    assert left(tmp_path, "t2") == ()


def test_statistics_and_metadata_of_a_parquet_file_count(tmp_path):
    table = pa.table({"n": pa.array([1])}).replace_schema_metadata({"of": "t1"})
    pq.write_table(table, tmp_path / "a.parquet")
    assert left(tmp_path, "t1") == ("a.parquet",)


def test_other_files_are_read_as_bytes(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.db").write_bytes(b"\0\1t1\0")
    (tmp_path / "y.json").write_text('{"a": "t11"}')
    found = traces(["t1"], root_url=str(tmp_path), storage=STORAGE)
    assert (found.num_files, found.paths) == (2, ("deep/x.db",))
