"""Which numbers of a population may be shown: none that few users make, nor one by subtraction.

What this does not protect: a number whose users are many but where one of them makes nearly all
(dominance); two recaps of nearly the same users, which can be subtracted (differencing between
runs); what a reader knows from elsewhere. It is no differential privacy.
"""

from __future__ import annotations

from collections.abc import Sequence


def shown_cells(users: Sequence[int], *, min_users: int) -> list[bool]:
    """Which cells of one table are written.

    Those of fewer than `min_users` users are not. Where one is left out, the smallest of the
    others goes too (complementary suppression): a total minus all shown cells is then a number of
    at least `min_users` users. The rule of the minimum count is that of statistical offices
    (Hundepool et al., Statistical Disclosure Control, 2012, chapters 4 and 5).

    Args:
        users: users behind each cell; a user may stand behind several.
        min_users: the minimum.

    Returns:
        True for a cell that may be written, in the order given.
    """
    shown = [count >= min_users for count in users]
    if all(shown) or not any(shown):
        return shown
    smallest = min((i for i, is_shown in enumerate(shown) if is_shown), key=lambda i: users[i])
    shown[smallest] = False
    return shown
