from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.playlist_energy import energy, percentile_ranks, target_energy
from pipeline.consumers.playlist_rules import Curve


def test_ranks_go_from_0_to_1_and_ties_share_their_middle():
    ranks = percentile_ranks(np.array([3.0, 1.0, np.nan, 2.0, 2.0]))
    assert ranks[[0, 1, 3, 4]] == pytest.approx([1, 0, 0.5, 0.5])
    assert np.isnan(ranks[2])


def test_loud_dense_and_bright_tracks_have_more_energy():
    rising = np.array([[-30.0, 1.0, 500.0], [-8.0, 9.0, 4000.0], [-15.0, np.nan, 1500.0]])
    assert energy(rising, np.zeros((3, 0))).tolist() == [0.0, 1.0, 0.5]


def test_calm_tags_lower_the_energy():
    lively, calm = np.array([[0.5], [0.5]]), np.array([[0.9], [0.1]])
    assert energy(lively, calm).tolist() == [0.0, 1.0]


def test_a_track_of_which_nothing_is_known_has_no_energy():
    values = energy(np.array([[np.nan], [1.0]]), np.zeros((2, 0)))
    assert np.isnan(values[0])
    assert np.isnan(energy(np.zeros((2, 0)), np.zeros((2, 0)))).all()


@given(st.sampled_from(Curve), st.floats(0, 1))
def test_curves_stay_within_their_ends(curve, progress):
    target = target_energy(curve, progress=progress)
    assert target is None if curve is Curve.NONE else 0.1 <= target <= 0.9 + 1e-9


def test_curves_have_their_shapes():
    def shape(curve):
        return [target_energy(curve, progress=x) for x in (0.0, 0.5, 1.0)]

    assert shape(Curve.RISING) == pytest.approx([0.1, 0.5, 0.9])
    assert shape(Curve.FALLING) == pytest.approx([0.9, 0.5, 0.1])
    assert shape(Curve.ARC) == pytest.approx([0.1, 0.9, 0.1])
    assert shape(Curve.FLAT) == pytest.approx([0.5] * 3)
