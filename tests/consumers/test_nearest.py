from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers import nearest
from pipeline.consumers.nearest import nearest_rows, similarities, unit_vectors


def random_units(seed: int, *, rows: int, width: int, spread: float) -> np.ndarray:
    """Vectors around one direction: the less spread, the closer all similarities lie."""
    rng = np.random.default_rng(seed)
    values = 1 + spread * rng.standard_normal((rows, width))
    return unit_vectors(values).astype(np.float16)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(1, 30),
    st.sampled_from([0.01, 0.3, 10.0]),
)
def test_the_nearest_are_those_of_a_full_sort_in_float64(seed, rows, width, limit, spread):
    vectors = random_units(seed, rows=rows, width=width, spread=spread)
    rng = np.random.default_rng(seed + 1)
    query, order = rng.standard_normal(width), rng.permutation(rows).astype(np.int32)
    allowed = rng.random(rows) < 0.8
    found, similar = nearest_rows(vectors, query, limit=limit, order_N=order, allowed_N=allowed)
    exact = (vectors.astype(np.float64) * unit_vectors(query).astype(np.float64)).sum(axis=1)
    candidates = np.flatnonzero(allowed)
    expected = candidates[np.lexsort((order[candidates], -exact[candidates]))][:limit]
    assert found.tolist() == expected.tolist()
    assert similar == pytest.approx(np.clip(exact[expected], -1, 1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
def test_storing_in_float16_moves_a_similarity_by_at_most_half_a_unit(seed, width):
    values = np.random.default_rng(seed).standard_normal((20, width))
    stored = unit_vectors(values).astype(np.float16)
    query = values[0] / np.linalg.norm(values[0])
    exact = values @ query / np.linalg.norm(values, axis=1)
    assert np.abs(similarities(stored, query.astype(np.float32)) - exact).max() < 5.2e-4


@pytest.mark.parametrize("block", [1, 7, 1_000])
def test_neither_block_nor_threads_change_an_answer(monkeypatch, block):
    vectors = random_units(0, rows=500, width=33, spread=0.01)
    order, allowed = np.arange(500, dtype=np.int32), np.ones(500, bool)
    expected = nearest_rows(vectors, vectors[3], limit=50, order_N=order, allowed_N=allowed)
    monkeypatch.setattr(nearest, "BLOCK_ROWS", block)
    monkeypatch.setattr(nearest, "AGAIN_ROWS", block)
    found = nearest_rows(vectors, vectors[3], limit=50, order_N=order, allowed_N=allowed)
    assert found[0].tolist() == expected[0].tolist()
    assert found[1].tolist() == expected[1].tolist()


def test_equal_vectors_come_in_the_order_that_is_given():
    vectors = np.repeat(random_units(0, rows=1, width=753, spread=1), 40, axis=0)
    order = np.random.default_rng(0).permutation(40).astype(np.int32)
    found, _ = nearest_rows(
        vectors, vectors[0], limit=5, order_N=order, allowed_N=np.ones(40, bool)
    )
    assert order[found].tolist() == [0, 1, 2, 3, 4]


def test_a_vector_without_length_or_not_finite_becomes_zero():
    odd = np.array([[0.0, 0.0], [np.inf, 1.0], [np.nan, 1.0], [3.0, 4.0], [1e300, 0.0]])
    units = unit_vectors(odd)
    assert units.tolist()[:3] == [[0, 0]] * 3
    assert units[3].tolist() == pytest.approx([0.6, 0.8])


def test_nothing_allowed_finds_nothing():
    vectors = random_units(0, rows=5, width=4, spread=1)
    rows, similar = nearest_rows(
        vectors,
        vectors[0],
        limit=3,
        order_N=np.arange(5, dtype=np.int32),
        allowed_N=np.zeros(5, bool),
    )
    assert len(rows) == len(similar) == 0
