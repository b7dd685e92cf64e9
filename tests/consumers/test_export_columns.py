from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.export_columns import FACTS, STATE, Layout, Shape, best_first
from pipeline.errors import TableError
from pipeline.schemas import CATALOG
from pipeline.taxonomy import Taxonomy

TAGS = Taxonomy("toy", ("mood---calm", "mood---wild", "genre---rock"))
COLUMNS = ("calm", "wild", "rock")
LIMITS = (0.5, 0.25, 0.75)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCORES = st.lists(st.integers(0, 8).map(lambda n: n / 8), min_size=3, max_size=3)
TRACKS = st.lists(st.none() | SCORES, min_size=1, max_size=12)


def batch(scores: list[list[float] | None]) -> pa.RecordBatch:
    """A track a list; None failed."""
    rows = [
        dict.fromkeys(FACTS)
        | {"track_id": f"t{i:02d}", "uri": f"/m/{i}.mp3", "year": 1900 + i, "scores": one}
        | {"status": "failed" if one is None else "ok", "reason": None if one else "empty"}
        | {"tagged_at": NOW}
        for i, one in enumerate(scores)
    ]
    fields = [CATALOG.field(name) for name in FACTS]
    listed = pa.field("scores", pa.list_(pa.float32()))
    table = pa.Table.from_pylist(rows, schema=pa.schema([*fields, *STATE, listed]))
    return table.combine_chunks().to_batches()[0]


def rows(scores, *, shape: Shape, thresholds=LIMITS) -> list[dict]:
    layout = Layout(TAGS, COLUMNS, thresholds, shape)
    out = layout.rows(batch(scores))
    assert out.schema.equals(layout.schema(), check_metadata=True)
    out.validate(full=True)
    return out.to_pylist()


@given(TRACKS)
def test_wide_and_long_say_the_same(scores):
    wide, long = rows(scores, shape=Shape.WIDE), rows(scores, shape=Shape.LONG)
    assert [row["track_id"] for row in wide] == [f"t{i:02d}" for i in range(len(scores))]
    assert [row["track_id"] for row in long] == sorted(row["track_id"] for row in long)
    told = {(row["track_id"], row["tag"]): row for row in long}
    for row, given_scores in zip(wide, scores, strict=True):
        if given_scores is None:
            assert row["score_calm"] is row["positive_wild"] is row["tags"] is None
            alone = told[row["track_id"], None]
            assert (alone["status"], alone["score"], alone["rank"]) == ("failed", None, None)
            continue
        for name, score, limit in zip(COLUMNS, given_scores, LIMITS, strict=True):
            cell = told[row["track_id"], name]
            assert row[f"score_{name}"] == cell["score"] == score
            assert row[f"positive_{name}"] == cell["positive"] == (score >= limit)
            assert cell["threshold"] == limit


@given(TRACKS)
def test_the_positive_tags_stand_best_first(scores):
    for row, given_scores in zip(rows(scores, shape=Shape.WIDE), scores, strict=True):
        if given_scores is None:
            continue
        pairs = zip(given_scores, TAGS.tags, LIMITS, strict=True)
        kept = [
            (-score, TAGS.tags.index(tag), tag) for score, tag, limit in pairs if score >= limit
        ]
        assert row["tags"] == [tag for *_, tag in sorted(kept)]


@given(TRACKS)
def test_ranks_count_from_one_and_scores_fall(scores):
    for row in rows(scores, shape=Shape.LONG):
        if row["rank"] == 1:
            last = row["score"]
        elif row["rank"]:
            assert row["score"] <= last
            last = row["score"]


def test_without_thresholds_wide_has_no_decisions_and_long_has_nulls():
    (wide,) = rows([[0.5, 0.5, 0.5]], shape=Shape.WIDE, thresholds=None)
    assert not [name for name in wide if name.startswith("positive") or name == "tags"]
    long = rows([[0.5, 0.5, 0.5]], shape=Shape.LONG, thresholds=None)
    assert [(row["threshold"], row["positive"]) for row in long] == [(None, None)] * 3


def test_of_equal_scores_the_first_tag_leads():
    assert best_first(np.array([[0.5, 0.9, 0.5]], np.float32)).tolist() == [[1, 0, 2]]


def test_a_batch_that_is_a_slice_keeps_its_scores():
    whole = batch([[0.1, 0.2, 0.3], None, [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    layout = Layout(TAGS, COLUMNS, LIMITS, Shape.WIDE)
    assert layout.rows(whole.slice(2)).to_pylist() == layout.rows(whole).to_pylist()[2:]


def test_another_number_of_scores_is_refused_with_the_track():
    with pytest.raises(TableError, match="t01 has another number of scores than the 3"):
        rows([[0.1, 0.2, 0.3], [0.1]], shape=Shape.WIDE)


@pytest.mark.parametrize("shape", Shape)
def test_every_column_says_what_it_means_and_what_its_nulls_are(shape):
    for field in Layout(TAGS, COLUMNS, LIMITS, shape).schema():
        assert field.metadata[b"comment"], field.name
        assert field.nullable == (b"nulls" in field.metadata), field.name
