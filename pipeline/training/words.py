"""A recipe and its augmentation as sentences, for a model's card."""

from __future__ import annotations

from pipeline.config_training import AugmentConfig, RecipeConfig, RecipeKind, SpecAugmentConfig
from pipeline.training.recipe import MOMENTUM, PLATEAU_EPOCHS, SGD_RATES, SWITCHES


def recipe_words(recipe: RecipeConfig) -> str:
    """Optimiser, schedule, steps and arithmetic."""
    decay = f"weight decay {recipe.weight_decay:g}"
    if recipe.kind is RecipeKind.ADAMW:
        schedule = (
            f"AdamW up to {recipe.lr:g}, {decay}: linear warm-up for "
            f"{recipe.warmup_epochs:g} epoch(s), then a cosine to zero"
        )
    elif recipe.kind is RecipeKind.MUSICNN:
        schedule = (
            f"as published for musicnn: Adam at {recipe.lr:g}, {decay}; the rate halved after "
            f"{PLATEAU_EPOCHS} epochs without a lower loss"
        )
    else:
        rates = ", ".join(f"{rate:g}" for rate in SGD_RATES)
        switches = ", ".join(map(str, SWITCHES))
        schedule = (
            f"as published for sota-music-tagging-models: Adam at {recipe.lr:g}, {decay}; from "
            f"epochs {switches} on SGD with momentum {MOMENTUM:g} at {rates}, each from the best "
            "weights so far"
        )
    clipped = f", gradients to a norm of {recipe.clip_norm:g}" if recipe.clip_norm else ""
    return (
        f"one random chunk of each track an epoch, up to {recipe.epochs:,} epochs, "
        f"{recipe.batch_tracks:,} chunks a step in {recipe.micro_batches} parts; {schedule}"
        f"{clipped}; arithmetic {recipe.precision}; seed {recipe.seed}"
    )


def augment_words(augment: AugmentConfig) -> str:
    """What was done to chunks."""
    done = []
    if augment.gain_db:
        done.append(f"loudness moved by up to {augment.gain_db:g} dB either way")
    if augment.mixup_alpha is not None:
        done.append(f"mixup, Beta({augment.mixup_alpha:g}, {augment.mixup_alpha:g})")
    if augment.specaugment is not None:
        done.append(_mask_words(augment.specaugment))
    if augment.balance:
        done.append("tracks of rare tags drawn more often")
    return "; ".join(done) or "none"


def _mask_words(masks: SpecAugmentConfig) -> str:
    return (
        f"SpecAugment: {masks.time_masks} masks of up to {masks.time_frames} frames, "
        f"{masks.band_masks} of up to {masks.bands} bands"
    )
