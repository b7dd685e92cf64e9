"""Registered models for tests: a workspace with tone taggers as versions in its own database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fakes import TONE_REFERENCE, TONE_TAGS, tone_bundle
from tagged import track, write_tracks
from tracking_database import give_database
from workspace import CONF, tag_job, write_tones

from pipeline import config
from pipeline.config_evaluation import PromoteJob
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.registry import register
from pipeline.storage import Storage
from pipeline.tracking import tracked

MODEL = "tones"


def register_tone(root: Path, *, sign: float = 1.0, **changes: object) -> int:
    """Registers the tone bundle with its weights times `sign`; returns the version."""
    give_database(root)
    tone_bundle(str(root))
    url = bundle_url(TONE_REFERENCE, root_url=str(root))
    bundle, weights = read_bundle(url, storage=Storage())
    made = replace(bundle, **changes)
    weights = {key: value * sign for key, value in weights.items()}
    job = tag_job(root)
    with tracked(job, verb="train", root_url=str(root), tracking=job.tracking) as run:
        url = str(root / "trained" / run.run_id)
        made = write_bundle(url, storage=Storage(), bundle=made, weights=weights)
        return register(
            run,
            name=MODEL,
            bundle=made,
            bundle_url=url,
            storage=Storage(),
            metrics={"roc_auc_macro": 0.75},
        )


def labelled_tones(root: Path, *, num_test: int, num_train: int) -> None:
    """A catalog of tones that are labelled with what they are; the first ones are the test."""
    write_tones(root / "music", num_tracks=num_test + num_train)
    rows = [
        track(
            f"t{i:03d}",
            uri=str(path),
            split="test" if i < num_test else "train",
            labels=[TONE_TAGS[0] if i % 2 else TONE_TAGS[1]],
        )
        for i, path in enumerate(sorted((root / "music").iterdir()))
    ]
    write_tracks(root, rows)


def promote_job(root: Path, *overrides: str) -> PromoteJob:
    return config.load(
        PromoteJob,
        CONF / "promote.yaml",
        overrides=(f"workspace.root_url={root}", f"promotion.model={MODEL}", *overrides),
    )
