"""The listening personality: four axes in 0 to 1 from counts alone, and their words.

The pairs of words are those that Spotify's Listening Personality (Wrapped 2022) made known; it
published no formulas. The formulas, and the two constants in them, are Earmark's own. Each axis is
a function of counts: the order in which a history's rows stand changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

SESSION_GAP_S = 1_800
"""A pause of 30 minutes ends a session: the usual limit of web analytics, rounded up from the 25.5
minutes that Catledge and Pitkow measured (Characterizing browsing strategies, 1995)."""
WARM_UP_MONTHS = 3
"""Calendar months at a history's start in which everything looks new: left out of exploration."""
HALF_AGE_YEARS = 5
"""A track of this age counts half as new as one of this year."""
EVEN_ARTISTS = 20
"""Listening spread evenly over one artist more than this is in the middle between the ends."""
UNKNOWN = "-"


@dataclass(frozen=True)
class AxisKind:
    """An axis between two ends.

    Attributes:
        low: its word at 0; the first letter stands for it.
        high: its word at 1.
        low_words: what is said of a listener on this side.
        high_words: and on that side.
        formula: what the value is, in words for the page.
        missing: why it may be unknown.
    """

    low: str
    high: str
    low_words: str
    high_words: str
    formula: str
    missing: str


AXES = (
    AxisKind(
        "familiarity",
        "exploration",
        "returns to known artists",
        "keeps finding new artists",
        f"From month {WARM_UP_MONTHS + 1} on, the share of plays that went to artists heard for "
        "the first time in the month of the play.",
        f"the history has no month after its first {WARM_UP_MONTHS}",
    ),
    AxisKind(
        "timelessness",
        "newness",
        "plays music of all years",
        "plays what has just come out",
        "The mean over plays of 0.5 ^ (age / 5 years); age is the year of the play minus the "
        "catalog's year of the track, at least 0.",
        "the catalog has no year of any track that was played",
    ),
    AxisKind(
        "loyalty",
        "variety",
        "stays with few artists",
        "spreads over many artists",
        f"(D - 1) / (D - 1 + {EVEN_ARTISTS}); D = 1 / sum of squared shares of plays by artist, "
        "the number of artists that an even listening of this concentration would have (Hill's "
        "number of order 2).",
        "nothing was played",
    ),
    AxisKind(
        "commonality",
        "uniqueness",
        "hears what others hear",
        "hears what few others hear",
        "1 minus the mean over plays of the share of the other users of the history who played "
        "the artist, too.",
        "the history has too few other users to compare with",
    ),
)


def exploration(new_plays: int, *, plays: int) -> float | None:
    """Share of plays of artists that are new in their month.

    Args:
        new_plays: plays, after the warm-up, in the month in which their artist is heard first.
        plays: all plays after the warm-up.

    Returns:
        0 to 1; None without plays after the warm-up.
    """
    return new_plays / plays if plays else None


def newness(ages: Iterable[tuple[int, int]]) -> float | None:
    """Mean of 0.5 ^ (age / HALF_AGE_YEARS) over plays.

    Args:
        ages: year of the play minus year of the track, and the number of plays, each.

    Returns:
        0 to 1; None without plays.
    """
    total, weight = 0.0, 0
    for age, plays in sorted(ages):
        total += plays * _weight_of_age(age)
        weight += plays
    return min(1.0, total / weight) if weight else None


@cache
def _weight_of_age(age: int) -> float:
    return float(0.5 ** (max(age, 0) / HALF_AGE_YEARS))


def even_artists(plays: Iterable[int]) -> float:
    """Hill's number of order 2 (Hill, Diversity and evenness, Ecology 54, 1973): 1 / sum p^2.

    Args:
        plays: of each artist, above 0.
    """
    counts = list(plays)
    return float(sum(counts)) ** 2 / float(sum(count * count for count in counts))


def variety(squares: int, *, plays: int) -> float | None:
    """How far plays spread over artists: 0 for one artist, 0.5 for 21 even ones, below 1.

    Args:
        squares: sum over artists of the square of their plays.
        plays: sum over artists of their plays.

    Returns:
        0 to 1; None without plays.
    """
    if not plays:
        return None
    spread = max(0.0, plays * plays / squares - 1.0)
    return spread / (spread + EVEN_ARTISTS)


def uniqueness(shared: float, *, plays: int) -> float | None:
    """How little of a person's plays others share.

    Args:
        shared: sum over plays of the share of other users who played the artist, 0 to `plays`.
        plays: plays.

    Returns:
        0 to 1; None without plays.
    """
    return min(1.0, max(0.0, 1.0 - shared / plays)) if plays else None


def letter(kind: AxisKind, *, value: float | None) -> str:
    """The first letter of the end that a value is nearer to; 0.5 is the high end."""
    if value is None:
        return UNKNOWN
    return (kind.high if value >= 0.5 else kind.low)[0].upper()


def letters(values: Sequence[float | None]) -> str:
    """The four letters, as `FNVU`; `-` for an axis that is unknown."""
    return "".join(letter(kind, value=value) for kind, value in zip(AXES, values, strict=True))


def words(values: Sequence[float | None]) -> tuple[str, ...]:
    """What the known axes say of a listener."""
    return tuple(
        kind.high_words if value >= 0.5 else kind.low_words
        for kind, value in zip(AXES, values, strict=True)
        if value is not None
    )
