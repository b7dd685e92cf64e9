"""Thresholds of a bundle: its scores on validation > a threshold a tag > a bundle that has them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pydantic import ValidationError

from pipeline.config_evaluation import EvaluateJob
from pipeline.config_training import ThresholdConfig, ThresholdRule
from pipeline.errors import ConfigError
from pipeline.evaluation.thresholds import Choice, choose
from pipeline.models.bundle import Bundle, bundle_url, read_bundle, write_bundle
from pipeline.stages.score_split import score_split
from pipeline.storage import absolute


@dataclass(frozen=True)
class Calibration:
    """What was chosen.

    Attributes:
        bundle: the new one.
        choices: a threshold for each tag.
        best: what the best F1 would be on the same tracks.
        notes: sentences about tracks that were left out.
    """

    bundle: Bundle
    choices: tuple[Choice, ...]
    best: tuple[Choice, ...]
    notes: tuple[str, ...]


def threshold_config(rule: str, *, at: float | None) -> ThresholdConfig:
    """The rule of a command line.

    Raises:
        ConfigError: `at` is missing, or out of place.
    """
    try:
        return ThresholdConfig(rule=ThresholdRule(rule), at=at)
    except ValidationError as error:
        raise ConfigError(f"--rule {rule} --at {at}: {error.errors()[0]['msg']}") from None


def calibrate_model(
    config: EvaluateJob, *, thresholds: ThresholdConfig, name: str, run_id: str
) -> Calibration:
    """Writes `trained:NAME`: the configured model's weights with thresholds of the split.

    Raises:
        ConfigError: the split is test, the name is taken, or the bundle is missing or broken.
        TableError: the split has no labelled tracks.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise ConfigError(f"--name {name!r}: use letters, digits, and _ . - only")
    if config.evaluation.split == "test":
        raise ConfigError(
            "thresholds are never chosen on the split test: what is judged there afterwards would "
            "look better than it is. Use --split validation, and --split test with earmark evaluate"
        )
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    scored = score_split(config, run_id=run_id)
    choices = choose(scored.labelled, rule=str(thresholds.rule), at=thresholds.at)
    _, weights = read_bundle(
        bundle_url(config.scoring.models[0], root_url=root_url), storage=storage
    )
    bundle = write_bundle(
        bundle_url(f"trained:{name}", root_url=root_url),
        storage=storage,
        bundle=replace(
            scored.bundle, name=name, thresholds=tuple(choice.threshold for choice in choices)
        ),
        weights=weights,
    )
    best = choose(scored.labelled, rule="best_f1", at=None)
    return Calibration(bundle, choices, best, scored.rows.notes(scored.labelled))
