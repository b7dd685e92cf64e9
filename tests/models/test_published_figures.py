from __future__ import annotations

import pytest

from pipeline.models.published import PUBLISHED
from pipeline.models.published_figures import (
    FIGURES,
    JAMENDO,
    MSD,
    MTAT_ALL_CLIPS,
    MTAT_TAGGED_CLIPS,
    figures_of,
    source_of,
)

DATA = {
    ("musicnn", "mtat50"): MTAT_ALL_CLIPS,
    ("sota", "mtat50"): MTAT_TAGGED_CLIPS,
    ("musicnn", "msd50"): MSD,
    ("sota", "msd50"): MSD,
    ("sota", "jamendo50"): JAMENDO,
}


def test_every_published_tagger_has_its_figures():
    assert set(FIGURES) == set(PUBLISHED)


def test_a_tagger_is_known_by_where_its_weights_come_from():
    assert len({source_of(reference) for reference in FIGURES}) == len(FIGURES)
    for reference, figures in FIGURES.items():
        assert figures_of(source_of(reference)) is figures
    assert figures_of("earmark train 0123") is None


@pytest.mark.parametrize("reference", FIGURES)
def test_the_data_are_those_of_the_tags_and_of_the_project(reference):
    figures, taxonomy = FIGURES[reference], PUBLISHED[reference].taxonomy
    assert figures.data is DATA[reference.partition(":")[0], taxonomy]
    assert 0.79 < figures.roc_auc < 0.92
    assert 0.2 < figures.pr_auc < 0.47
    assert ("16 chunks" in figures.protocol) == reference.startswith("sota:")
