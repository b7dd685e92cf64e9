"""What is written into a copy's own metadata: which tags of a track, under which names. Pure.

Names: EARMARK_TAGS (`category---name`, highest score first), EARMARK_SCORES (one a tag, in the same
order), EARMARK_MODEL, EARMARK_SCORING and EARMARK_TAXONOMY (one a model), EARMARK_RULE (when a tag
counted). What players read (genre, mood, BPM, key) is filled on request, and only where the file
says nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.export_columns import best_first
from pipeline.taxonomy import SEPARATOR, Taxonomy

PREFIX = "EARMARK_"
MOODS = ("mood", "mood/theme", "theme")
"""Categories that count as mood."""


class Filled(StrEnum):
    """What players read, and what fills it."""

    GENRE = "genre"
    """Chosen tags of the category genre."""
    MOOD = "mood"
    """Chosen tags of the categories mood, theme and mood/theme."""
    BPM = "bpm"
    """The descriptor tempo_bpm, rounded."""
    KEY = "key"
    """The descriptors key and mode, as `C#m`."""


@dataclass(frozen=True)
class Rule:
    """Which of a model's tags a track gets; with both fields None, the positive ones.

    Attributes:
        top: the best n of each model at most; None: no limit.
        minimum: score from which on a tag counts; None: the model's threshold a tag, and where it
            has none, `top` alone decides.
    """

    top: int | None
    minimum: float | None

    def words(self, *, calibrated: bool) -> str:
        """The rule as it stands in EARMARK_RULE."""
        parts = []
        if self.minimum is not None:
            parts.append(f"score of at least {self.minimum:g}")
        elif calibrated:
            parts.append("score at or over the tag's threshold")
        if self.top is not None:
            parts.append(f"best {self.top}")
        return ", ".join(parts)

    def decides(self, *, calibrated: bool) -> bool:
        """Whether it says of each tag if it counts."""
        return calibrated or self.top is not None or self.minimum is not None


@dataclass(frozen=True)
class Model:
    """A model whose tags are written.

    Attributes:
        version: bundle name and fingerprint.
        scoring_id: all that can change a score, hashed.
        taxonomy: the tag of each score.
        thresholds: one a tag; None: not calibrated.
    """

    version: str
    scoring_id: str
    taxonomy: Taxonomy
    thresholds: tuple[float, ...] | None


@dataclass(frozen=True)
class Sound:
    """What was measured of a track; None: not described, or nothing was found.

    Attributes:
        tempo_bpm: beats a minute.
        key: the tonic, C to B.
        mode: major or minor.
    """

    tempo_bpm: float | None = None
    key: str | None = None
    mode: str | None = None


@dataclass(frozen=True)
class Fields:
    """What a copy gets.

    Attributes:
        own: texts by name, the names beginning with EARMARK_; they replace what was there.
        filled: texts by what players read; written only where the file has none.
    """

    own: dict[str, tuple[str, ...]]
    filled: dict[Filled, tuple[str, ...]]


def chosen_tags(
    scores_K: NDArray[np.float32], *, model: Model, rule: Rule
) -> list[tuple[str, float]]:
    """The tags that a track gets from one model, `category---name` and score, best first."""
    least_K = np.full(len(scores_K), -np.inf, np.float32)
    if rule.minimum is not None:
        least_K[:] = rule.minimum
    elif model.thresholds is not None:
        least_K[:] = model.thresholds
    order = best_first(scores_K[np.newaxis])[0]
    kept = [k for k in order if scores_K[k] >= least_K[k]][: rule.top]
    return [(model.taxonomy.tags[k], float(scores_K[k])) for k in kept]


def fields_of(
    scores: Sequence[NDArray[np.float32] | None],
    *,
    models: Sequence[Model],
    rule: Rule,
    fills: Sequence[Filled],
    sound: Sound,
) -> Fields:
    """What a track's copy gets; of a model that did not score it, nothing.

    Args:
        scores: (K,) of each model, or None.
        models: in the same order.
        rule: which tags count.
        fills: what players read that is filled.
        sound: the track's descriptors.
    """
    pairs = [(one, s) for one, s in zip(models, scores, strict=True) if s is not None]
    if not pairs:
        return Fields({}, {})
    tags = [pair for one, s in pairs for pair in chosen_tags(s, model=one, rule=rule)]
    rules = (rule.words(calibrated=one.thresholds is not None) for one, _ in pairs)
    own = {
        "TAGS": tuple(tag for tag, _ in tags),
        "SCORES": tuple(f"{score:.4f}" for _, score in tags),
        "MODEL": tuple(one.version for one, _ in pairs),
        "SCORING": tuple(one.scoring_id for one, _ in pairs),
        "TAXONOMY": tuple(one.taxonomy.taxonomy_id for one, _ in pairs),
        "RULE": tuple(dict.fromkeys(rules)),
    }
    filled = {fill: _filled(fill, tags=tags, sound=sound) for fill in fills}
    return Fields(
        {PREFIX + name: texts for name, texts in own.items() if texts},
        {fill: texts for fill, texts in filled.items() if texts},
    )


def _filled(fill: Filled, *, tags: list[tuple[str, float]], sound: Sound) -> tuple[str, ...]:
    if fill is Filled.BPM:
        return () if sound.tempo_bpm is None else (str(round(sound.tempo_bpm)),)
    if fill is Filled.KEY:
        return () if sound.key is None else (sound.key + ("m" if sound.mode == "minor" else ""),)
    categories = ("genre",) if fill is Filled.GENRE else MOODS
    parts = (tag.partition(SEPARATOR) for tag, _ in tags)
    return tuple(dict.fromkeys(name for category, _, name in parts if category in categories))
