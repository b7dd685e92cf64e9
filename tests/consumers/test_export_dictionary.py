from __future__ import annotations

import json

import pyarrow as pa

from pipeline.consumers.export_dictionary import (
    Content,
    Source,
    TagRule,
    column_facts,
    dictionary_json,
    dictionary_markdown,
)
from pipeline.schemas import CATALOG, described_field

CONTENT = Content(
    file="a|b.csv",
    sha256="00ff",
    size_bytes=1234,
    shape="wide",
    num_rows=3,
    tracks={"ok": 2, "failed": 1},
    failures={"empty": 1},
    num_left_out=4,
    num_guarded=2,
    exported_at="2026-03-01T00:00:00+00:00",
)
SOURCE = Source(
    workspace="/data",
    model_version="net@0123",
    model="made:net",
    licence="MIT",
    weights="somewhere",
    scoring_id="s1",
    is_current=True,
    taxonomy_id="toy-1",
    input="audio",
    plan_ids=["p1"],
    run_ids=["r1", "r2"],
)
SCHEMA = pa.schema(
    [
        CATALOG.field("duration_s"),
        CATALOG.field("track_id"),
        described_field(
            "score_a|b", pa.float32(), "score of x---a|b\n<b>", span="0 to 1", null="no"
        ),
    ]
)
TAGS = [TagRule("x---a|b", 0.5)]


def test_the_json_holds_all_that_is_known():
    told = json.loads(dictionary_json(CONTENT, source=SOURCE, tags=TAGS, schema=SCHEMA))
    assert told["dictionary_version"] == 1
    assert told["num_rows"] == 3
    assert told["source"]["run_ids"] == ["r1", "r2"]
    assert told["tags"] == [{"tag": "x---a|b", "threshold": 0.5}]
    assert told["columns"][0] == {
        "name": "duration_s",
        "type": "double",
        "meaning": "as the header says",
        "unit": "seconds",
        "range": "0 up",
        "nulls": "not known: the header does not say, or nothing was decoded",
    }
    assert told["columns"][1]["nulls"] == "never null"


def test_every_row_of_the_markdown_tables_has_all_its_cells():
    text = dictionary_markdown(CONTENT, source=SOURCE, tags=TAGS, schema=SCHEMA)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(SCHEMA)
    for row in rows:
        assert row.replace("\\|", "").count("|") == 7
    assert "&lt;b>" in text
    assert "4 scored tracks that the catalog no longer has" in text
    assert "2 texts have a single quote in front" in text


def test_a_model_without_thresholds_is_said_to_be_none_that_decides():
    text = dictionary_markdown(CONTENT, source=SOURCE, tags=[TagRule("x---a", None)], schema=SCHEMA)
    assert "The model is not calibrated" in text


def test_a_column_without_comments_is_no_error():
    assert column_facts(pa.schema([pa.field("a", pa.int8())]))[0]["nulls"] == "not known"
