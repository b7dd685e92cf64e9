"""A model on disk: weights and everything that turns a wave into its scores.

A bundle is a folder of two files, `bundle.json` and `weights.safetensors`. Reading one runs no code
and checks everything: a bundle that loads is a bundle that scores.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load as load_weights
from safetensors.torch import save as save_weights
from torch import Tensor

from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import ConfigError
from pipeline.models.architectures import weight_faults
from pipeline.models.chunking import Chunking, Domain
from pipeline.storage import Storage, join
from pipeline.taxonomy import Taxonomy

__all__ = ["Bundle", "Chunking", "Domain", "bundle_url", "read_bundle", "write_bundle"]

BUNDLE_FILE = "bundle.json"
WEIGHTS_FILE = "weights.safetensors"
FORMAT = 1
COLLECTIONS = ("musicnn", "sota", "trained")
_NAMED_IN_FAULTS = 5


@dataclass(frozen=True)
class Bundle:
    """A tagger without its weights.

    Attributes:
        name: short, for people; not part of the fingerprint.
        architecture: a key of ARCHITECTURES.
        parameters: what the architecture is built with.
        frontend: wave to mel.
        chunking: track to chunks.
        taxonomy: the tag of each output.
        thresholds: one a tag, or None until the model is calibrated.
        embedding: name of the layer that the network gives beside its logits.
        licence: of the weights.
        source: where the weights come from.
        weights_sha256: of the weights file; `write_bundle` fills it.
    """

    name: str
    architecture: str
    parameters: dict[str, int]
    frontend: FrontendSpec
    chunking: Chunking
    taxonomy: Taxonomy
    thresholds: tuple[float, ...] | None
    embedding: str
    licence: str
    source: str
    weights_sha256: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that changes a score or an embedding."""
        frontend = self.frontend.to_json()
        del frontend["block_frames"]  # how mels are stored changes no score
        facts = {
            "architecture": self.architecture,
            "parameters": self.parameters,
            "frontend": frontend,
            "chunking": self.chunking.to_json(),
            "tags": self.taxonomy.tags,
            "embedding": self.embedding,
            "aggregation": "mean of chunks",
            "weights_sha256": self.weights_sha256,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def model_version(self) -> str:
        """Name and the start of the fingerprint."""
        return f"{self.name}@{self.fingerprint[:12]}"


def bundle_url(reference: str, *, root_url: str) -> str:
    """Where a bundle is: `musicnn:MTT_vgg` is below ROOT/models; a path or URL is itself."""
    collection, separator, name = reference.partition(":")
    if separator and not name.startswith("//") and collection in COLLECTIONS:
        return join(root_url, "models", collection, name)
    return reference


def write_bundle(
    url: str, *, storage: Storage, bundle: Bundle, weights: dict[str, Tensor]
) -> Bundle:
    """Writes the two files, `bundle.json` last; writing the same bundle again changes nothing.

    Returns:
        The bundle with the sum of its weights.

    Raises:
        ConfigError: the weights do not fit the architecture, or another bundle is there already.
    """
    data = save_weights({key: value.contiguous() for key, value in weights.items()})
    bundle = replace(bundle, weights_sha256=hashlib.sha256(data).hexdigest())
    _check_fit(bundle, weights, url=url)
    text = json.dumps(_to_json(bundle), indent=2, ensure_ascii=False).encode()
    target = join(url, BUNDLE_FILE)
    if storage.exists(target):
        if storage.read(target) != text:
            raise ConfigError(f"another bundle is at {url} already; remove it or choose a new name")
        return bundle
    storage.write(join(url, WEIGHTS_FILE), data)
    storage.write(target, text)
    return bundle


def read_bundle(url: str, *, storage: Storage) -> tuple[Bundle, dict[str, Tensor]]:
    """Reads and checks a bundle.

    Raises:
        ConfigError: missing, damaged, of another format, or weights and architecture do not fit.
    """
    bundle = _parse(_read(join(url, BUNDLE_FILE), storage=storage), url=url)
    data = _read(join(url, WEIGHTS_FILE), storage=storage)
    found = hashlib.sha256(data).hexdigest()
    if found != bundle.weights_sha256:
        raise ConfigError(
            f"the weights at {url} are not the bundle's: SHA-256 is {found}, {BUNDLE_FILE} says "
            f"{bundle.weights_sha256}; add the model again"
        )
    try:
        weights: dict[str, Tensor] = load_weights(data)
    except SafetensorError as error:
        raise ConfigError(f"{join(url, WEIGHTS_FILE)} is not a safetensors file: {error}") from None
    _check_fit(bundle, weights, url=url)
    return bundle, weights


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _ChunkingFile(_Section):
    domain: str
    length: PositiveInt
    hop: PositiveInt
    tail: str


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

    @model_validator(mode="after")
    def _check(self) -> _BundleFile:
        if self.format != FORMAT:
            raise ValueError(f"format {self.format} is not read here; this version reads {FORMAT}")
        if self.thresholds is not None and len(self.thresholds) != len(self.taxonomy.tags):
            raise ValueError(f"{len(self.thresholds)} thresholds, {len(self.taxonomy.tags)} tags")
        return self


def _to_json(bundle: Bundle) -> dict[str, Any]:
    own = {"format": FORMAT} | {field.name: getattr(bundle, field.name) for field in fields(bundle)}
    return own | {
        "frontend": bundle.frontend.to_json(),
        "chunking": bundle.chunking.to_json(),
        "taxonomy": asdict(bundle.taxonomy),
    }


def _parse(data: bytes, *, url: str) -> Bundle:
    try:
        file = _BundleFile.model_validate_json(data)
        return Bundle(
            **file.model_dump(
                include={"name", "architecture", "parameters", "embedding", "licence", "source"}
            ),
            frontend=FrontendSpec.from_json(file.frontend),
            chunking=Chunking.from_json(file.chunking.model_dump()),
            taxonomy=Taxonomy(file.taxonomy.name, tuple(file.taxonomy.tags)),
            thresholds=None if file.thresholds is None else tuple(file.thresholds),
            weights_sha256=file.weights_sha256,
        )
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{join(url, BUNDLE_FILE)} is not a bundle: {faults}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{join(url, BUNDLE_FILE)} is not a bundle: {error}") from None


def _read(url: str, *, storage: Storage) -> bytes:
    try:
        return storage.read(url)
    except FileNotFoundError:
        raise ConfigError(
            f"no model at {url}; published ones come with `earmark models add REFERENCE` "
            "(for example musicnn:MTT_musicnn)"
        ) from None


def _check_fit(bundle: Bundle, weights: dict[str, Tensor], *, url: str) -> None:
    """The weights are the architecture's, its outputs the taxonomy's, its input the front end's."""
    faults = weight_faults(bundle.architecture, parameters=bundle.parameters, weights=weights)
    num_tags, hop_length = len(bundle.taxonomy.tags), bundle.frontend.hop_length
    if bundle.parameters.get("num_tags") != num_tags:
        faults.append(f"num_tags is not the taxonomy's {num_tags}")
    if bundle.parameters.get("n_mels", bundle.frontend.n_mels) != bundle.frontend.n_mels:
        faults.append(f"n_mels is not the front end's {bundle.frontend.n_mels}")
    if bundle.chunking.domain is Domain.WAVEFORM and bundle.chunking.hop % hop_length:
        faults.append(f"hop of chunks is not a multiple of the front end's {hop_length} samples")
    if faults:
        rest = len(faults) - _NAMED_IN_FAULTS
        shown = ", ".join(faults[:_NAMED_IN_FAULTS]) + (f" and {rest} more" if rest > 0 else "")
        raise ConfigError(
            f"the bundle at {url} does not fit architecture {bundle.architecture}: {shown}"
        )
