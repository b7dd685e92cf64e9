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
from pipeline.models.card_file import write_card
from pipeline.models.origin import ThresholdOrigin, rule_words
from pipeline.stages.score_split import score_split
from pipeline.storage import absolute


@dataclass(frozen=True)
class Calibration:
    """What was chosen.

    Attributes:
        bundle: the new one.
        card: what it says of itself, Markdown.
        choices: a threshold for each tag.
        best: what the best F1 would be on the same tracks.
        notes: sentences about tracks that were left out.
    """

    bundle: Bundle
    card: str
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
    chosen = ThresholdOrigin(
        rule=rule_words(thresholds.rule, at=thresholds.at),
        split=config.evaluation.split,
        dataset=config.evaluation.dataset,
        num_tracks=len(scored.labelled.track_ids),
    )
    url = bundle_url(f"trained:{name}", root_url=root_url)
    bundle = write_bundle(
        url,
        storage=storage,
        bundle=replace(
            scored.bundle,
            name=name,
            thresholds=tuple(choice.threshold for choice in choices),
            origin=replace(scored.bundle.origin, thresholds=chosen),
        ),
        weights=weights,
    )
    best = choose(scored.labelled, rule="best_f1", at=None)
    card = write_card(url, storage=storage)
    return Calibration(bundle, card, choices, best, scored.rows.notes(scored.labelled))
