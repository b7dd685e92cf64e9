"""The configurations' half of the reference page: every file, section and key."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

import pipeline
from pipeline.config import Section, load
from pipeline.reference_words import json_bounds, json_type, table

INTRO = """\
One complete YAML a verb: every key stands in it, and an unknown one is refused. `--conf FILE` names
another file, `--set section.key=value` lays a value over it, and other flags are shorthands for
that. Sections called `runtime` change speed and memory, never a result. *In conf/* is the value of
the files that come with Earmark, which is what a verb runs with when nothing else is said; where
they differ, each value names its files; `-`: the section is null there, or holds several.
conf/smoke/ has the same files for a small try; conf/train-*.yaml and conf/published/ are more
trainings.
"""
ONLY_VALUE = "-"
LONGEST_VALUE = 60
_FILE = re.compile(r"conf/([\w-]+)\*?\.yaml")


@dataclass(frozen=True)
class Place:
    """Where a section stands.

    Attributes:
        file: name of the configuration, without its ending.
        path: of the section in it.
        values: what the file has there.
    """

    file: str
    path: tuple[str, ...]
    values: Mapping[str, Any]


def configuration_lines(folder: Path) -> list[str]:
    """The chapter.

    Args:
        folder: conf/.
    """
    jobs = job_models()
    texts = {name: (folder / f"{name}.yaml").read_text(encoding="utf-8") for name in jobs}
    lines = ["## Configuration", "", INTRO, "### Files", "", _files(jobs, texts), ""]
    places = _places(jobs, folder=folder)
    for kind in sorted(places, key=lambda one: (places[one][0].path, -len(places[one]))):
        lines += _section(kind, places[kind])
    return lines


def job_models() -> dict[str, type[Section]]:
    """The model of each file in conf/, by the file's name without its ending."""
    found = {}
    for module in pkgutil.iter_modules(pipeline.__path__):
        if not module.name.startswith("config"):
            continue
        for kind in vars(importlib.import_module(f"pipeline.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Section):
                match = _FILE.match(kind.__doc__ or "")
                if match:
                    found[match[1]] = kind
    return dict(sorted(found.items()))


def _files(jobs: Mapping[str, type[Section]], texts: Mapping[str, str]) -> str:
    rows = []
    for name, kind in jobs.items():
        purpose = texts[name].partition("\n")[0].lstrip("# ").rstrip(".")
        parts = ", ".join(f"`{key}`" for key in kind.model_fields)
        rows.append((f"conf/{name}.yaml", purpose, parts))
    return table(("file", "for", "sections and keys"), rows)


def _places(jobs: Mapping[str, type[Section]], *, folder: Path) -> dict[type[Section], list[Place]]:
    """Every section and all places where it stands."""
    found: dict[type[Section], list[Place]] = {}
    for name, kind in jobs.items():
        values = load(kind, folder / f"{name}.yaml").model_dump(mode="json")
        for part, path in _sections(kind, path=()):
            inner: Any = values
            for key in path:
                inner = (inner or {}).get(key)
            found.setdefault(part, []).append(Place(name, path, inner or {}))
    return found


def _sections(
    kind: type[Section], *, path: tuple[str, ...]
) -> Iterator[tuple[type[Section], tuple[str, ...]]]:
    """The model itself, if it has keys of its own, and all sections below it."""
    if any(_part(field) is None for field in kind.model_fields.values()):
        yield kind, path
    for name, field in kind.model_fields.items():
        if part := _part(field):
            yield from _sections(part, path=(*path, name))


def _part(field: FieldInfo) -> type[Section] | None:
    """The section that a field is, also where it may be null, a list or a map of them."""
    kinds = [field.annotation]
    while kinds:
        kind = kinds.pop()
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
        kinds += get_args(kind)
    return None


def _section(kind: type[Section], places: list[Place]) -> list[str]:
    names = list(dict.fromkeys(".".join(place.path) for place in places))
    files = ", ".join(dict.fromkeys(place.file for place in places))
    doc = (kind.__doc__ or "").strip().partition("\n")[0]
    if not names[0]:
        names, doc = [f"{files}.yaml, outside of sections"], ""
        heading = f"### {names[0]}"
    else:
        heading = "### " + ", ".join(f"`{name}`" for name in names) + f" of {files}"
    schema = kind.model_json_schema()
    definitions = schema.get("$defs", {})
    rows = []
    for name, field in kind.model_fields.items():
        if _part(field) and not field.description:
            continue
        facts = schema["properties"][name]
        rows.append(
            (
                f"`{name}`",
                json_type(facts, definitions=definitions),
                json_bounds(facts),
                _shipped(name, places),
                field.description or "",
            )
        )
    head = ("key", "type", "bounds", "in conf/", "meaning")
    return [heading, "", *([doc, ""] if doc else []), table(head, rows), ""]


def _shipped(name: str, places: list[Place]) -> str:
    """The key's value in the files; with their names where it is not the same in all."""
    files: dict[str, list[str]] = {}
    for place in places:
        if name in place.values:
            files.setdefault(_value(place.values[name]), []).append(place.file)
    if len(files) == 1:
        return next(iter(files))
    return "; ".join(f"{value} ({', '.join(of)})" for value, of in files.items()) or ONLY_VALUE


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
    return f"`{text}`"
