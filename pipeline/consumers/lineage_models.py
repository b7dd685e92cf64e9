"""What stands behind a scoring, for lineage: its bundle, and of a taught tag the base's scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipeline.config import Precision, TagInput
from pipeline.errors import ConfigError
from pipeline.models.bundle import Bundle, bundle_url, read_facts
from pipeline.models.scoring import base_scores_id, scoring_id
from pipeline.storage import Storage
from pipeline.tables.scorings import Scoring

NO_WEIGHTS = "not recorded (before scorings named their weights), and the bundle is gone or another"


def model_facts(
    scoring: Scoring, *, known: Mapping[str, Scoring], root_url: str, storage: Storage
) -> dict[str, Any]:
    """Facts of a scoring's model.

    Args:
        scoring: the scoring.
        known: all of the workspace, by id.
        root_url: the workspace.
        storage: how to reach it.
    """
    bundle = _bundle(scoring, root_url=root_url, storage=storage)
    facts: dict[str, Any] = {
        "model_version": scoring.model_version,
        "reference": scoring.reference,
        "input": scoring.input,
        "taxonomy_id": scoring.taxonomy.taxonomy_id,
        "num_tags": len(scoring.taxonomy.tags),
        "is_calibrated": scoring.thresholds is not None,
        "weights_sha256": scoring.weights_sha256 or (bundle.weights_sha256 if bundle else None),
        "base": None,
    }
    if not facts["weights_sha256"]:
        facts["not_recorded"] = NO_WEIGHTS
    if bundle is None:
        return facts | {"bundle": "gone, or another one stands in its place"}
    facts |= {"source": bundle.source, "precision": _precision(bundle, scoring=scoring)}
    if bundle.origin.training:
        facts["training"] = asdict(bundle.origin.training)
    if bundle.base:
        facts["base"] = _base(bundle, scoring=scoring, known=known)
    return facts


def _bundle(scoring: Scoring, *, root_url: str, storage: Storage) -> Bundle | None:
    """The bundle where the scoring found it, if it is still the same."""
    url = bundle_url(scoring.reference, root_url=root_url)
    try:
        bundle = read_facts(url, storage=storage)
    except ConfigError:
        return None
    return bundle if bundle.model_version == scoring.model_version else None


def _precision(bundle: Bundle, *, scoring: Scoring) -> str | None:
    source = TagInput(scoring.input)
    of_id = {scoring_id(bundle, source=source, precision=one): str(one) for one in Precision}
    return of_id.get(scoring.scoring_id)


def _base(
    bundle: Bundle, *, scoring: Scoring, known: Mapping[str, Scoring]
) -> dict[str, str] | None:
    source = TagInput(scoring.input)
    wanted = {base_scores_id(bundle, source=source, precision=one) for one in Precision}
    twins = [
        one
        for one in known.values()
        if one.scores_id in wanted and one.scoring_id != scoring.scoring_id
    ]
    # Scorings that differ in thresholds alone have the same embeddings; the source names one.
    named = [one for one in twins if one.model_version in bundle.source] or twins
    if not named:
        return None
    return {"scoring_id": named[0].scoring_id, "model_version": named[0].model_version}
