from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.consumers.recap_suppression import shown_cells

USERS = st.lists(st.integers(0, 60), max_size=20)


@given(USERS, st.integers(2, 30))
def test_no_cell_under_the_minimum_is_shown(users, min_users):
    shown = shown_cells(users, min_users=min_users)
    assert all(n >= min_users for n, is_shown in zip(users, shown, strict=True) if is_shown)


@given(USERS, st.integers(2, 30))
def test_what_is_left_of_a_total_is_never_one_small_cell(users, min_users):
    shown = shown_cells(users, min_users=min_users)
    hidden = [n for n, is_shown in zip(users, shown, strict=True) if not is_shown]
    if hidden and any(n >= min_users for n in users):
        assert len(hidden) >= 2
        assert max(hidden) >= min_users


@given(st.lists(st.integers(20, 60), max_size=20))
def test_large_cells_are_all_shown(users):
    assert all(shown_cells(users, min_users=20))


def test_the_smallest_large_cell_goes_with_a_small_one():
    assert shown_cells([50, 3, 21, 30], min_users=20) == [True, False, False, True]
    assert shown_cells([3, 4], min_users=20) == [False, False]
    assert shown_cells([], min_users=20) == []
