from __future__ import annotations

import numpy as np

from pipeline.audio.descriptors_spec import PITCH_CLASSES
from pipeline.evaluation.descriptor_vector import (
    COLUMNS,
    LISTS,
    NUMBERS,
    descriptor_vector,
    filled,
)
from pipeline.schemas import DESCRIPTORS

SILENT = dict.fromkeys(COLUMNS)
FULL = {
    **dict.fromkeys(NUMBERS, 1.0),
    **{name: [1.0] * length for name, length in LISTS.items()},
    "key": "C",
    "mode": "major",
}


def test_the_columns_are_the_table_s():
    assert set(COLUMNS) <= set(DESCRIPTORS.names)


def test_every_vector_has_one_length():
    length = len(NUMBERS) + sum(LISTS.values()) + 3
    assert len(descriptor_vector(FULL)) == len(descriptor_vector(SILENT)) == length
    assert np.isnan(descriptor_vector(SILENT)).all()
    assert np.isfinite(descriptor_vector(FULL)).all()


def test_keys_a_fifth_apart_are_nearest():
    places = {name: descriptor_vector(FULL | {"key": name})[-3:-1] for name in PITCH_CLASSES}
    distances = {name: np.linalg.norm(places[name] - places["C"]) for name in PITCH_CLASSES}
    assert set(sorted(distances, key=distances.get)[:3]) == {"C", "F", "G"}
    assert max(distances, key=distances.get) == "F#"


def test_what_is_missing_takes_the_mean_of_the_training_tracks():
    vectors_NE = np.array([[1, np.nan], [3, np.nan], [np.nan, 5], [np.nan, np.nan]], np.float32)
    found = filled(vectors_NE, trains_N=np.array([True, True, False, False]))
    assert found.tolist() == [[1, 0], [3, 0], [2, 5], [2, 0]]
