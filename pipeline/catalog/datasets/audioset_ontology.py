"""AudioSet's classes and their ontology: which labels a clip's class ids stand for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.catalog.datasets import Findings, Place, chosen
from pipeline.catalog.datasets.published_files import numbered_lines
from pipeline.errors import ConfigError
from pipeline.storage import join

CLASSES, ONTOLOGY = "class_labels_indices.csv", "ontology.json"
COLUMNS = ["index", "mid", "display_name"]
NUM_CLASSES, NUM_NODES = 527, 632
CHOICES = ("all", "music", "subtree:")
MUSIC = "/m/04rlf"
CATEGORIES = {"/m/04szw": "instrument", "/m/0kpv1t": "genre", "/t/dd00030": "mood"}
"""Of the classes below these; a class below two of them has the first one's."""
KNOWN = frozenset({"description", "citation_uri", "positive_examples", "restrictions"})


class Node(BaseModel):
    """What is read of an entry of ontology.json; its other keys are named in KNOWN."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    child_ids: list[str]


@dataclass(frozen=True)
class Labels:
    """The labels that were chosen.

    Attributes:
        names: display name of every class, by its id.
        kept: `category---name` of the chosen classes, by their ids.
    """

    names: Mapping[str, str]
    kept: Mapping[str, str]


def chosen_labels(place: Place, findings: Findings) -> Labels:
    """Labels as they were chosen.

    `all` has every class in category `audioset`; `music` the classes below Music; `subtree:ROOT`
    those below ROOT, an id or a name, in a category of ROOT's name. The root itself is not among
    them. The ontology is a graph, not a tree; a class that is reached twice counts once.

    Raises:
        ConfigError: a table is missing or not AudioSet's, or the choice has no labels.
    """
    choice = chosen(place.labels, known=CHOICES, what="labels of audioset")
    names = _names(place)
    if len(names) < NUM_CLASSES:
        findings.absent.append(f"{NUM_CLASSES - len(names)} of {CLASSES}'s {NUM_CLASSES} classes")
    if choice == "all":
        return Labels(names, {mid: f"audioset---{name}" for mid, name in names.items()})
    nodes = _nodes(place, findings)
    if choice == "music":
        categories = dict.fromkeys(_below(MUSIC, nodes, place=place), "music")
        for root, category in reversed(CATEGORIES.items()):
            categories |= dict.fromkeys(_below(root, nodes, place=place), category)
    else:
        root = _root(choice.removeprefix("subtree:"), nodes)
        category = nodes[root].name.lower().replace(" ", "_")
        categories = dict.fromkeys(_below(root, nodes, place=place), category)
    kept = {mid: f"{categories[mid]}---{name}" for mid, name in names.items() if mid in categories}
    if not kept:
        raise ConfigError(f"labels of audioset: no class of {CLASSES} is below {choice!r}")
    return Labels(names, kept)


def _names(place: Place) -> dict[str, str]:
    url = join(place.url, CLASSES)
    if not place.storage.exists(url):
        raise ConfigError(f"{place.url} has no {CLASSES}, which names AudioSet's classes")
    names: dict[str, str] = {}
    for number, line in numbered_lines(url, storage=place.storage):
        fields = csv_fields(line, where=f"{url}, line {number}")
        if number == 1 and fields != COLUMNS:
            raise ConfigError(
                f"{url}: the columns are {', '.join(fields)}; AudioSet's are {', '.join(COLUMNS)}"
            )
        if number == 1 or not fields:
            continue
        if len(fields) != len(COLUMNS) or not all(fields) or fields[1] in names:
            raise ConfigError(
                f"{url}, line {number}: {line[:80]!r} is not a number, a new class id and a name"
            )
        names[fields[1]] = fields[2].strip()
    return names


def csv_fields(line: str, *, where: str) -> list[str]:
    """Fields of a line, with quotes around those that hold commas; blanks may follow a comma.

    Raises:
        ConfigError: a quote is not closed.
    """
    try:
        return next(csv.reader([line], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise ConfigError(f"{where}: {line[:80]!r} is not csv: {error}") from None


def _nodes(place: Place, findings: Findings) -> dict[str, Node]:
    url = join(place.url, ONTOLOGY)
    if not place.storage.exists(url):
        raise ConfigError(
            f"{place.url} has no {ONTOLOGY}, which says what is below what; add it, or take the "
            "labels all"
        )
    try:
        entries = TypeAdapter(list[Node]).validate_json(place.storage.read(url))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise ConfigError(f"{url} is not AudioSet's ontology: {where}: {fault['msg']}") from None
    nodes = {node.id: node for node in entries}
    for node in entries:
        findings.ignored.update((node.model_extra or {}).keys() - KNOWN)
        unknown = [child for child in node.child_ids if child not in nodes]
        if unknown:
            raise ConfigError(f"{url}: {node.id}, child_ids: there is no {unknown[0]!r}")
    if len(nodes) < NUM_NODES:
        findings.absent.append(f"{NUM_NODES - len(nodes)} of {ONTOLOGY}'s {NUM_NODES} classes")
    return nodes


def _root(text: str, nodes: Mapping[str, Node]) -> str:
    """The id of the class that has this id or name."""
    named = (mid for mid, node in nodes.items() if node.name.lower() == text.lower())
    root = text if text in nodes else next(named, None)
    if root is None:
        raise ConfigError(
            f"labels of audioset: {ONTOLOGY} has no class with the id or name {text!r}"
        )
    return root


def _below(root: str, nodes: Mapping[str, Node], *, place: Place) -> Iterator[str]:
    if root not in nodes:
        raise ConfigError(f"{join(place.url, ONTOLOGY)} is not AudioSet's ontology: no {root!r}")
    seen, waiting = {root}, [root]
    while waiting:
        for child in nodes[waiting.pop()].child_ids:
            if child not in seen:
                seen.add(child)
                waiting.append(child)
                yield child
