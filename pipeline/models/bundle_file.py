"""The text of `bundle.json`: written, and read back with every fault named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError, model_validator

from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import ConfigError
from pipeline.models.chunking import Chunking
from pipeline.models.head import Head
from pipeline.models.origin import Origin
from pipeline.taxonomy import Taxonomy

FORMAT = 1


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _ChunkingFile(_Section):
    domain: str
    length: PositiveInt
    hop: PositiveInt
    tail: str
    count: PositiveInt | None = None  # bundles of before lack it


class _HeadFile(_Section):
    kind: str
    sets: list[list[int]]


class _TaxonomyFile(_Section):
    name: str
    tags: list[str]


class _BundleFile(_Section):
    format: int
    name: str
    architecture: str
    parameters: dict[str, int]
    frontend: dict[str, Any]
    chunking: _ChunkingFile
    taxonomy: _TaxonomyFile
    thresholds: list[float] | None
    embedding: str
    licence: str
    source: str
    weights_sha256: str
    # Bundles of before these four lack them.
    head: _HeadFile = _HeadFile(kind="sigmoid", sets=[])
    base: str = ""
    evaluation: dict[str, float] = {}
    origin: Origin = Origin()

    @model_validator(mode="after")
    def _check(self) -> _BundleFile:
        if self.format != FORMAT:
            raise ValueError(f"format {self.format} is not read here; this version reads {FORMAT}")
        if self.thresholds is not None and len(self.thresholds) != len(self.taxonomy.tags):
            raise ValueError(f"{len(self.thresholds)} thresholds, {len(self.taxonomy.tags)} tags")
        return self


def to_text(fields: Mapping[str, Any]) -> bytes:
    """The file of a bundle's fields."""
    tree = dict(fields) | {
        "format": FORMAT,
        "frontend": fields["frontend"].to_json(),
        "chunking": fields["chunking"].to_json(),
        "taxonomy": asdict(fields["taxonomy"]),
        "head": fields["head"].to_json(),
        "origin": asdict(fields["origin"]),
    }
    return json.dumps(tree, indent=2, ensure_ascii=False).encode()


def read_fields(data: bytes, *, url: str) -> dict[str, Any]:
    """A bundle's fields.

    Raises:
        ConfigError: the file is no bundle, or of another format.
    """
    try:
        file = _BundleFile.model_validate_json(data)
        return file.model_dump(exclude={"format"}) | {
            "frontend": FrontendSpec.from_json(file.frontend),
            "chunking": Chunking.from_json(file.chunking.model_dump()),
            "taxonomy": Taxonomy(file.taxonomy.name, tuple(file.taxonomy.tags)),
            "thresholds": None if file.thresholds is None else tuple(file.thresholds),
            "head": Head.from_json(file.head.model_dump()),
            "origin": file.origin,
        }
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{url} is not a bundle: {faults}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{url} is not a bundle: {error}") from None
