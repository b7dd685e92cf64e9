"""Where a tagger comes from: what a training and a calibration leave in its bundle, for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """A training that made a bundle's weights.

    Attributes:
        training_id: hash of the lesson and its tracks.
        num_tracks: tracks of each split that it read.
        datasets: their data sets, and how many tracks each gave; a track may name none.
        licences: licences that the catalog knows of their audio, and of how many tracks.
        group: the catalog's column that no two splits share; None: nothing was checked.
        recipe: optimiser, schedule and steps, in words.
        augmentation: what was done to chunks, in words.
        num_epochs: that were run.
        best_epoch: whose weights these are, from 1.
        best_by: the figure on validation that chose it.
    """

    training_id: str
    num_tracks: dict[str, int]
    datasets: dict[str, int]
    licences: dict[str, int]
    group: str | None
    recipe: str
    augmentation: str
    num_epochs: int
    best_epoch: int
    best_by: str


@dataclass(frozen=True)
class ThresholdOrigin:
    """How a bundle's thresholds were chosen.

    Attributes:
        rule: in words, for example `precision of at least 0.9`.
        split: whose tracks they were chosen on.
        dataset: tracks of this data set only; None: of all.
        num_tracks: so many.
    """

    rule: str
    split: str
    dataset: str | None
    num_tracks: int


@dataclass(frozen=True)
class Origin:
    """What is known; None: not made here, or before bundles kept it."""

    training: Training | None = None
    thresholds: ThresholdOrigin | None = None


def rule_words(rule: str, *, at: float | None) -> str:
    """A rule of thresholds as people say it."""
    return rule if at is None else f"{rule} of at least {at:g}"
