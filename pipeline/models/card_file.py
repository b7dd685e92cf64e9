"""A bundle's card, `card.md`, and the evaluations that it shows, beside the bundle's two files.

Neither is part of the fingerprint, and a bundle without them is whole: the card is made anew from
`bundle.json` and `evaluations.json` whenever it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pipeline.errors import ConfigError
from pipeline.evaluation.card_facts import CardFacts
from pipeline.evaluation.evaluated import Evaluated, from_text, to_text, with_evaluation
from pipeline.evaluation.model_card import render_card
from pipeline.models.architectures import build
from pipeline.models.bundle import Bundle, read_facts
from pipeline.models.published_figures import figures_of
from pipeline.storage import FAULTS, Storage, join

CARD_FILE = "card.md"
EVALUATIONS_FILE = "evaluations.json"


@dataclass(frozen=True)
class KeptCard:
    """A card that has a new evaluation.

    Attributes:
        text: Markdown.
        line: for the terminal: where it is, or why it could not be written.
    """

    text: str
    line: str


def read_card(url: str, *, storage: Storage) -> str:
    """The card of the bundle in a folder, made from what is there now.

    Raises:
        ConfigError: no bundle, or a file of it is damaged.
    """
    bundle = read_facts(url, storage=storage)
    return _text(bundle, _evaluations(url, storage=storage, bundle=bundle))


def write_card(url: str, *, storage: Storage) -> str:
    """Writes the card beside the bundle, unless it is there already; gives it.

    Raises:
        ConfigError: no bundle, or a file of it is damaged.
    """
    text, target = read_card(url, storage=storage), join(url, CARD_FILE)
    if not storage.exists(target) or storage.read(target) != text.encode():
        storage.write(target, text.encode())
    return text


def keep_evaluation(url: str, *, storage: Storage, evaluated: Evaluated) -> KeptCard:
    """Adds an evaluation to a bundle's card; a folder that cannot be written is no error.

    Raises:
        ConfigError: no bundle, or it is damaged.
    """
    bundle = read_facts(url, storage=storage)
    try:
        known = _evaluations(url, storage=storage, bundle=bundle)
    except (ConfigError, *FAULTS) as error:
        return KeptCard(_text(bundle, (evaluated,)), _stays(url, error))
    now = with_evaluation(known, evaluated)
    text = _text(bundle, now)
    try:
        data = to_text(now, fingerprint=bundle.fingerprint)
        storage.write(join(url, EVALUATIONS_FILE), data)
        storage.write(join(url, CARD_FILE), text.encode())
    except FAULTS as error:
        return KeptCard(text, _stays(url, error))
    return KeptCard(text, f"card: {join(url, CARD_FILE)}")


def _stays(url: str, error: Exception) -> str:
    return f"the card at {url} stays as it was, without this evaluation: {error}"


def _evaluations(url: str, *, storage: Storage, bundle: Bundle) -> tuple[Evaluated, ...]:
    target = join(url, EVALUATIONS_FILE)
    if not storage.exists(target):
        return ()
    return from_text(storage.read(target), fingerprint=bundle.fingerprint, url=target)


def _text(bundle: Bundle, evaluations: Sequence[Evaluated]) -> str:
    return render_card(
        CardFacts(
            name=bundle.name,
            model_version=bundle.model_version,
            architecture=bundle.architecture,
            num_parameters=_num_parameters(bundle),
            frontend=bundle.frontend,
            chunking=bundle.chunking,
            taxonomy=bundle.taxonomy,
            head=bundle.head,
            thresholds=bundle.thresholds,
            embedding=bundle.embedding,
            licence=bundle.licence,
            source=bundle.source,
            weights_sha256=bundle.weights_sha256,
            origin=bundle.origin,
            validation=bundle.evaluation,
            published=figures_of(bundle.source),
            evaluations=tuple(evaluations),
        )
    )


def _num_parameters(bundle: Bundle) -> int:
    """Counted without making them."""
    with torch.device("meta"):
        network = build(bundle.architecture, parameters=bundle.parameters)
    return sum(weight.numel() for weight in network.parameters())
