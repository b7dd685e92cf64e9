"""What a verb says at its end: lines for people, or one JSON value for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum, StrEnum
from pathlib import PurePath
from typing import Any, Protocol, runtime_checkable

import numpy as np


class Form(StrEnum):
    """For whom."""

    TEXT = "text"
    JSON = "json"


@runtime_checkable
class Told(Protocol):
    """An answer that people can read."""

    def lines(self) -> list[str]:
        """For the terminal."""


@runtime_checkable
class _Stated(Protocol):
    """An answer that knows better than its attributes what it says to programs."""

    def facts(self) -> Mapping[str, Any]:
        """For programs."""


def told(answer: Told | Sequence[Told], *, form: Form) -> str:
    """An answer, or several as one, in one of its forms and without a line's end."""
    if form is Form.JSON:
        return as_json(answer)
    answers = answer if isinstance(answer, Sequence) else (answer,)
    return "\n".join(line for one in answers for line in one.lines())


def as_json(value: object) -> str:
    """A value as JSON: what is no number is null, since JSON has no NaN."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON has
    """A value in what JSON has: dataclasses as objects, enums by value, dates in ISO 8601.

    Raises:
        TypeError: the value is of no such kind.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | PurePath):
        return value.isoformat() if isinstance(value, date) else str(value)
    return _plain_parts(value)


def _plain_parts(value: object) -> Any:  # noqa: ANN401
    if isinstance(value, _Stated):
        value = value.facts()
    elif is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")
