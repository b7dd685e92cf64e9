"""Types, bounds and tables in the words and Markdown of the reference page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

_ARROW = {"halffloat": "float16", "float": "float32", "double": "float64", "bool": "boolean"}
_NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}

Schema = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def arrow_type(kind: pa.DataType) -> str:
    """A column's type as Arrow and Delta name it, without what no reader needs."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return f"tensor of {arrow_type(kind.value_type)}, {' x '.join(map(str, kind.shape))}"
    if pa.types.is_list(kind):
        return f"list of {arrow_type(kind.value_type)}"
    if pa.types.is_timestamp(kind):
        return "timestamp, UTC, µs"
    return _ARROW.get(str(kind), str(kind))


def json_type(schema: Schema, *, definitions: Schema) -> str:
    """A key's type in words, from pydantic's JSON schema.

    Args:
        schema: of the key.
        definitions: `$defs` of its model.
    """
    if "$ref" in schema:
        return json_type(definitions[schema["$ref"].rpartition("/")[2]], definitions=definitions)
    if "anyOf" in schema:
        words = [json_type(one, definitions=definitions) for one in schema["anyOf"]]
        return " or ".join(words)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "null":
        return "null"
    if schema.get("type") == "array":
        return f"list of {json_type(schema.get('items', {}), definitions=definitions)}"
    if "properties" in schema:
        return "section (below)"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        inner = inner if isinstance(inner, dict) else {}
        return f"mapping of names to {json_type(inner, definitions=definitions)}"
    return _NAMES.get(schema.get("type", ""), "any")


def json_bounds(schema: Schema) -> str:
    """What else a key's value must be, in words; empty for anything."""
    parts = [json_bounds(one) for one in schema.get("anyOf", ())]
    if "items" in schema and (inner := json_bounds(schema["items"])):
        parts += [f"each {inner}"]
    if low := _low(schema):
        parts += [low]
    parts += [f"under {schema['exclusiveMaximum']:g}"] if "exclusiveMaximum" in schema else []
    parts += [f"{schema['maximum']:g} at most"] if "maximum" in schema else []
    parts += ["not empty"] if schema.get("minLength", schema.get("minItems", 0)) else []
    parts += [f"`{schema['pattern']}`"] if "pattern" in schema else []
    return ", ".join(dict.fromkeys(filter(None, parts)))


def _low(schema: Schema) -> str:
    """The higher of the two lower bounds that pydantic may give."""
    least = schema.get("minimum")
    over = schema.get("exclusiveMinimum")
    if over is not None and schema.get("type") == "integer":
        least, over = max(over + 1, least or over + 1), None
    if least is not None:
        return f"{least:g} up"
    return "" if over is None else f"over {over:g}"


def attributes(kind: type) -> list[tuple[str, str]]:
    """Names and meanings from the `Attributes:` of a class's docstring."""
    text = (kind.__doc__ or "").partition("Attributes:")[2]
    found = re.findall(r"^ {8}(\w+): ((?:.+\n?)(?:^ {12}.+\n?)*)", text, re.MULTILINE)
    return [(name, " ".join(words.split())) for name, words in found]
