from __future__ import annotations

import enum

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, NonNegativeInt, PositiveFloat, PositiveInt

from pipeline.reference_words import arrow_type, attributes, json_bounds, json_type, table
from pipeline.tables.plan import Plan


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    a: int


class Model(BaseModel):
    text: str = Field(min_length=1)
    numbers: tuple[PositiveInt, ...] | None
    colour: Colour | None
    part: Inner | None
    named: dict[str, float]
    count: PositiveInt = Field(ge=100)
    share: PositiveFloat = Field(le=1)
    none_or_more: NonNegativeInt
    slug: str = Field(pattern=r"^\w+$")


@pytest.mark.parametrize(
    ("key", "kind", "bounds"),
    [
        ("text", "text", "not empty"),
        ("numbers", "list of whole number or null", "each 1 up"),
        ("colour", "`red`, `blue` or null", ""),
        ("part", "section (below) or null", ""),
        ("named", "mapping of names to number", ""),
        ("count", "whole number", "100 up"),
        ("share", "number", "over 0, 1 at most"),
        ("none_or_more", "whole number", "0 up"),
        ("slug", "text", r"`^\w+$`"),
    ],
)
def test_a_key_is_told_in_words(key, kind, bounds):
    schema = Model.model_json_schema()
    facts = schema["properties"][key]
    assert json_type(facts, definitions=schema["$defs"]) == kind
    assert json_bounds(facts) == bounds


def test_a_columns_type_is_told_in_arrows_words():
    assert arrow_type(pa.list_(pa.float32())) == "list of float32"
    assert arrow_type(pa.fixed_shape_tensor(pa.float16(), [96, 8])) == "tensor of float16, 96 x 8"
    assert arrow_type(pa.timestamp("us", tz="UTC")) == "timestamp, UTC, µs"
    assert arrow_type(pa.int8()) == "int8"


def test_a_cell_cannot_break_its_table():
    assert table(("a",), [("x|y\nz",)]).splitlines() == ["| a |", "| --- |", "| x\\|y z |"]


def test_attributes_are_read_over_several_lines():
    found = dict(attributes(Plan))
    assert found["key"] == "the scoring_id or spec_id that every track shall have a row under."
    assert set(found) == set(Plan.__dataclass_fields__)
