"""A model that cuts tracks into other chunks: for the published evaluation, and for a dense one."""

from __future__ import annotations

from dataclasses import replace

from pipeline.config_evaluation import EvaluateJob
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.storage import absolute, join


def recut(config: EvaluateJob) -> EvaluateJob:
    """The job with its models cut as `evaluation.chunks` says, below ROOT/models/recut.

    Chunks decide scores, so a model that is cut otherwise is another bundle and another scoring.

    Raises:
        ConfigError: a bundle is missing or broken.
    """
    if config.evaluation.chunks is None:
        return config
    models = tuple(_recut(model, config=config) for model in config.scoring.models)
    scoring = config.scoring.model_copy(update={"models": models})
    return config.model_copy(update={"scoring": scoring})


def _recut(reference: str, *, config: EvaluateJob) -> str:
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    chunks = config.evaluation.chunks
    bundle, weights = read_bundle(bundle_url(reference, root_url=root_url), storage=storage)
    chunking = replace(bundle.chunking, count=chunks if isinstance(chunks, int) else None)
    if chunking == bundle.chunking:
        return reference
    changed = replace(bundle, name=f"{bundle.name}-{chunks}-chunks", chunking=chunking)
    name = f"{changed.name}-{changed.fingerprint[:12]}"
    url = join(root_url, "models", "recut", name)
    write_bundle(url, storage=storage, bundle=changed, weights=weights)
    return url
