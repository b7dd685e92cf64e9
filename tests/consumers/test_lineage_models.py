from __future__ import annotations

import dataclasses

from fakes import tone_bundle
from tagged import STORAGE, scoring

from pipeline.config import Precision, TagInput
from pipeline.consumers.lineage_models import NO_WEIGHTS, model_facts
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.models.scoring import scores_id, scoring_id


def tone_scoring(root):
    """The tone tagger's scoring as `tag` describes it, and the bundle."""
    tone_bundle(str(root))
    bundle, weights = read_bundle(bundle_url("trained:tone", root_url=str(root)), storage=STORAGE)
    made = dataclasses.replace(
        scoring(scoring_id(bundle, source=TagInput.AUDIO, precision=Precision.BFLOAT16)),
        model_version=bundle.model_version,
        reference="trained:tone",
        taxonomy=bundle.taxonomy,
        scores_id=scores_id(bundle, source=TagInput.AUDIO, precision=Precision.BFLOAT16),
    )
    return made, bundle, weights


def facts(root, one, *others):
    known = {other.scoring_id: other for other in (one, *others)}
    return model_facts(one, known=known, root_url=str(root), storage=STORAGE)


def test_a_scoring_of_before_gets_its_weights_from_the_bundle_that_is_still_there(tmp_path):
    one, bundle, _ = tone_scoring(tmp_path)
    found = facts(tmp_path, one)
    assert found["weights_sha256"] == bundle.weights_sha256
    assert (found["precision"], found["source"]) == ("bfloat16", bundle.source)
    assert "not_recorded" not in found


def test_another_bundle_in_its_place_does_not_count(tmp_path):
    one, _, _ = tone_scoring(tmp_path)
    found = facts(tmp_path, dataclasses.replace(one, model_version="tone@000000000000"))
    assert (found["weights_sha256"], found["not_recorded"]) == (None, NO_WEIGHTS)
    kept = dataclasses.replace(one, model_version="tone@0", weights_sha256="f" * 64)
    assert facts(tmp_path, kept)["weights_sha256"] == "f" * 64


def test_a_taught_tag_leads_to_the_scoring_whose_embeddings_it_reads(tmp_path):
    base, bundle, weights = tone_scoring(tmp_path)
    taught = dataclasses.replace(bundle, name="taught", base=bundle.scores_fingerprint)
    url = bundle_url("taught:x.1", root_url=str(tmp_path))
    made = write_bundle(url, storage=STORAGE, bundle=taught, weights=weights)
    one = dataclasses.replace(
        base,
        scoring_id="x",
        scores_id="",
        model_version=made.model_version,
        reference="taught:x.1",
    )
    expected = {"scoring_id": base.scoring_id, "model_version": base.model_version}
    assert facts(tmp_path, one, base)["base"] == expected
    assert facts(tmp_path, base)["base"] is None
