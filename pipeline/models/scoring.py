"""What a score depends on, as one id: the key of the results ledger."""

from __future__ import annotations

import hashlib
import json

from pipeline.config import Precision, TagInput
from pipeline.models.bundle import Bundle

ARITHMETIC = {
    "decode": "mean of channels, soxr HQ, 1",
    "aggregation": "mean",
}
"""A change of any of these that can move a score by more than 1e-5 changes its text."""


def scoring_id(
    bundle: Bundle, *, source: TagInput, precision: Precision = Precision.FLOAT32
) -> str:
    """A hash of the bundle's fingerprint, the input (stored mels are float16) and the arithmetic.

    Limits are not part of it: they decide whether a track is scored, never its scores.
    """
    return _id(bundle.fingerprint, source=source, precision=precision)


def scores_id(bundle: Bundle, *, source: TagInput, precision: Precision = Precision.FLOAT32) -> str:
    """The same without the bundle's thresholds: scorings that share it have the same scores."""
    return _id(bundle.scores_fingerprint, source=source, precision=precision)


def base_scores_id(bundle: Bundle, *, source: TagInput, precision: Precision) -> str:
    """The scores_id of the scoring whose embeddings a taught bundle reads; empty for others."""
    return _id(bundle.base, source=source, precision=precision) if bundle.base else ""


def _id(fingerprint: str, *, source: TagInput, precision: Precision) -> str:
    facts = ARITHMETIC | {
        "bundle": fingerprint,
        "input": str(source),
        "precision": str(precision),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
