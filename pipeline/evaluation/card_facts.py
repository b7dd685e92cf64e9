"""What a model's card is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.audio.frontend_spec import FrontendSpec
from pipeline.evaluation.evaluated import Evaluated
from pipeline.models.chunking import Chunking
from pipeline.models.head import Head
from pipeline.models.origin import Origin
from pipeline.taxonomy import Taxonomy


@dataclass(frozen=True)
class PublishedData:
    """What a published tagger was trained and judged on.

    Attributes:
        dataset: its name.
        split: which of the splits in use.
        num_tracks: tracks of each split.
        limits: sentences about what follows from it.
    """

    dataset: str
    split: str
    num_tracks: dict[str, int]
    limits: tuple[str, ...]


@dataclass(frozen=True)
class PublishedFigures:
    """A published tagger's figures on the test tracks of its data.

    Attributes:
        data: what it was trained and judged on.
        recipe: how it was trained.
        protocol: which chunks of a track were averaged.
        roc_auc: macro average over the tags.
        pr_auc: macro average over the tags.
        source: where the figures stand.
    """

    data: PublishedData
    recipe: str
    protocol: str
    roc_auc: float
    pr_auc: float
    source: str


@dataclass(frozen=True)
class CardFacts:
    """A bundle without its weights, and what is known of it beside.

    Attributes:
        name: short, for people.
        model_version: name and the start of the fingerprint.
        architecture: of the network.
        num_parameters: numbers that are learned.
        frontend: wave to mel.
        chunking: track to chunks.
        taxonomy: the tag of each output.
        head: logits to scores.
        thresholds: one a tag; None: not calibrated.
        embedding: name of the layer that the network gives beside its scores.
        licence: of the weights.
        source: where the weights come from.
        weights_sha256: of the weights file.
        origin: how it was trained and calibrated.
        validation: figures of the best epoch, if it was trained here.
        published: what is published of it, if it is a published tagger.
        evaluations: that were run here.
    """

    name: str
    model_version: str
    architecture: str
    num_parameters: int
    frontend: FrontendSpec
    chunking: Chunking
    taxonomy: Taxonomy
    head: Head
    thresholds: tuple[float, ...] | None
    embedding: str
    licence: str
    source: str
    weights_sha256: str
    origin: Origin
    validation: Mapping[str, float]
    published: PublishedFigures | None
    evaluations: tuple[Evaluated, ...]
