"""A model on disk: weights and everything that turns a wave into its scores.

A bundle is a folder of two files, `bundle.json` and `weights.safetensors`. Reading one runs no code
and checks everything: a bundle that loads is a bundle that scores.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_weights
from safetensors.torch import save as save_weights
from torch import Tensor

from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import ConfigError
from pipeline.models.architectures import weight_faults
from pipeline.models.bundle_file import read_fields, to_text
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.head import SIGMOID, Head, HeadKind
from pipeline.models.origin import Origin
from pipeline.storage import Storage, join
from pipeline.taxonomy import Taxonomy

__all__ = ["Bundle", "Chunking", "Domain", "bundle_url", "read_bundle", "write_bundle"]

BUNDLE_FILE = "bundle.json"
WEIGHTS_FILE = "weights.safetensors"
COLLECTIONS = ("musicnn", "sota", "trained", "taught")
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
        head: logits to scores.
        base: of a taught tagger, the scores_fingerprint of the one whose embeddings it reads.
        evaluation: what was measured of it when it was made, for people.
        origin: how it was trained and its thresholds were chosen, for people; bundles that differ
            in nothing else are equal.
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
    head: Head = SIGMOID
    base: str = ""
    evaluation: dict[str, float] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin, compare=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that changes a score, an embedding or what counts as positive.

        A plain head and missing thresholds add nothing to it, so that a tagger keeps its identity.
        """
        thresholds = {} if self.thresholds is None else {"thresholds": self.thresholds}
        return _sha256(self._scored_by() | thresholds)

    @property
    def scores_fingerprint(self) -> str:
        """SHA-256 of everything that changes a score or an embedding: all but the thresholds."""
        return _sha256(self._scored_by())

    def _scored_by(self) -> dict[str, Any]:
        frontend = self.frontend.to_json()
        del frontend["block_frames"]  # how mels are stored changes no score
        facts: dict[str, Any] = {
            "architecture": self.architecture,
            "parameters": self.parameters,
            "frontend": frontend,
            "chunking": self.chunking.to_json(),
            "tags": self.taxonomy.tags,
            "embedding": self.embedding,
            "aggregation": "mean of chunks",
            "weights_sha256": self.weights_sha256,
        }
        if self.head.kind is not HeadKind.SIGMOID:
            facts["head"] = self.head.to_json()
        if self.base:
            facts |= {"base": self.base, "aggregation": "head of the mean embedding"}
        return facts

    @property
    def model_version(self) -> str:
        """Name and the start of the fingerprint."""
        return f"{self.name}@{self.fingerprint[:12]}"


def _sha256(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


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
        The bundle as it is there, with the sum of its weights.

    Raises:
        ConfigError: the weights do not fit the architecture, or another bundle is there already.
    """
    data = save_weights({key: value.contiguous() for key, value in weights.items()})
    bundle = replace(bundle, weights_sha256=hashlib.sha256(data).hexdigest())
    _check_fit(bundle, weights, url=url)
    target = join(url, BUNDLE_FILE)
    if storage.exists(target):
        known = read_facts(url, storage=storage)
        if known != bundle:
            raise ConfigError(f"another bundle is at {url} already; remove it or choose a new name")
        return known
    storage.write(join(url, WEIGHTS_FILE), data)
    storage.write(target, to_text(vars(bundle)))
    return bundle


def read_facts(url: str, *, storage: Storage) -> Bundle:
    """Reads what `bundle.json` says; whether the weights are there and fit is not looked at.

    Raises:
        ConfigError: missing, damaged, or of another format.
    """
    target = join(url, BUNDLE_FILE)
    return Bundle(**read_fields(_read(target, storage=storage), url=target))


def read_bundle(url: str, *, storage: Storage) -> tuple[Bundle, dict[str, Tensor]]:
    """Reads and checks a bundle.

    Raises:
        ConfigError: missing, damaged, of another format, or weights and architecture do not fit.
    """
    bundle = read_facts(url, storage=storage)
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


def check_files(facts: bytes, weights: bytes, *, fingerprint: str, url: str) -> None:
    """Checks the two files of a bundle against the fingerprint that it was registered with.

    Raises:
        ConfigError: they are another bundle's, or damaged.
    """
    bundle = Bundle(**read_fields(facts, url=url))
    found = replace(bundle, weights_sha256=hashlib.sha256(weights).hexdigest()).fingerprint
    if found != fingerprint:
        raise ConfigError(
            f"the bundle at {url} is not the one that was registered: its fingerprint is {found}, "
            f"the registry says {fingerprint}. Somebody else wrote there: train or register again"
        )


def _read(url: str, *, storage: Storage) -> bytes:
    try:
        return storage.read(url)
    except FileNotFoundError:
        raise ConfigError(
            f"no model at {url}; published ones come with `earmark models add REFERENCE` "
            "(for example musicnn:MTT_musicnn), trained:NAME with `earmark train --name NAME`"
        ) from None


def _check_fit(bundle: Bundle, weights: dict[str, Tensor], *, url: str) -> None:
    """The weights are the architecture's, its outputs the taxonomy's, its input the front end's."""
    faults = weight_faults(bundle.architecture, parameters=bundle.parameters, weights=weights)
    num_tags, hop_length = len(bundle.taxonomy.tags), bundle.frontend.hop_length
    if bundle.parameters.get("num_tags") != bundle.head.num_logits(num_tags):
        faults.append(f"num_tags is not the {bundle.head.num_logits(num_tags)} of the head")
    if any(tag >= num_tags or tag < 0 for tags in bundle.head.sets for tag in tags):
        faults.append(f"a set of the head names a tag that is not one of the {num_tags}")
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
