from __future__ import annotations

import pytest

from pipeline.consumers.search_tags import CurrentModel
from pipeline.consumers.study_subjects import Kind, find_subjects
from pipeline.errors import ConfigError
from pipeline.taxonomy import Taxonomy

MODELS = (
    CurrentModel("s1", "small@1", Taxonomy("small", ("mood---sad", "instrument---guitar"))),
    CurrentModel(
        "s2",
        "large@2",
        Taxonomy("large", ("instrument---guitar", "instrument---Harp", "era---80s")),
    ),
)
LABELS = ("composer---bach", "genre---rock", "genre---pop")


def names(*texts: str, called: str | None = None) -> list[str]:
    found = find_subjects(texts, models=MODELS, labels=LABELS, called=called)
    return [one.name for one in found]


def test_tags_are_meant_by_name_with_category_or_by_glob():
    assert names("sad", "era---80s") == ["mood---sad", "era---80s"]
    assert names("instrument---h*") == ["instrument---Harp"]
    assert names("SAD", "mood---*", "sad") == ["mood---sad"]


def test_a_tag_of_several_models_is_a_subject_of_each():
    assert names("guitar") == ["instrument---guitar (small)", "instrument---guitar (large)"]
    assert names("guitar", called="large") == ["instrument---guitar"]


def test_descriptors_and_numbers_of_the_catalog_are_subjects():
    found = find_subjects(["tempo_bpm", "key", "duration_s"], models=MODELS, labels=(), called=None)
    assert [one.kind for one in found] == [Kind.NUMBER, Kind.CATEGORY, Kind.NUMBER]
    assert [one.unit for one in found] == ["1/minute", "", "seconds"]
    assert "spectral_flatness_mean" in names("spectral_*")


def test_labels_are_meant_by_their_mark():
    assert names("label:genre---*") == ["label:genre---rock", "label:genre---pop"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((), "at least one SUBJECT"),
        (("mood---sadd",), "nearest names are mood---sad"),
        (("loudness",), "loudness_lufs"),
        (("label:genre---rok",), "genre---rock"),
        (("instrument---x*",), "no tag"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest(texts, said):
    with pytest.raises(ConfigError, match=said):
        names(*texts)


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="'huge'; there is: small"):
        names("sad", called="huge")
