from __future__ import annotations

import pytest
from fakes import TONE_REFERENCE, tone_bundle
from workspace import CONF

from pipeline import config
from pipeline.config_evaluation import EvaluateJob
from pipeline.errors import ConfigError
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.stages.recut import recut
from pipeline.storage import Storage


@pytest.fixture
def root(tmp_path):
    tone_bundle(str(tmp_path))
    return tmp_path


def job(root, chunks: str) -> EvaluateJob:
    return config.load(
        EvaluateJob,
        CONF / "evaluate.yaml",
        overrides=(
            f"workspace.root_url={root}",
            f"scoring.models=['{TONE_REFERENCE}']",
            f"evaluation.chunks={chunks}",
        ),
    )


def test_another_number_of_chunks_is_another_bundle_of_the_same_weights(root):
    (url,) = recut(job(root, "16")).scoring.models
    changed, weights = read_bundle(url, storage=Storage())
    original, own = read_bundle(bundle_url(TONE_REFERENCE, root_url=str(root)), storage=Storage())
    assert (changed.chunking.count, changed.name) == (16, "tone-16-chunks")
    assert changed.fingerprint != original.fingerprint
    assert all(weights[key].equal(own[key]) for key in own)
    assert recut(job(root, "16")).scoring.models == (url,)


@pytest.mark.parametrize("chunks", ["null", "all"])
def test_a_bundle_that_is_cut_so_already_stays(root, chunks):
    assert recut(job(root, chunks)).scoring.models == (TONE_REFERENCE,)


@pytest.mark.parametrize("chunks", ["0", "some"])
def test_chunks_that_are_no_number_are_refused(root, chunks):
    with pytest.raises(ConfigError, match=r"evaluation\.chunks"):
        job(root, chunks)
