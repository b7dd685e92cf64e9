"""Each user's personality and sessions from the tables of a recap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.consumers.recap_facts import Personality, Sessions
from pipeline.consumers.recap_formulas import (
    AXES,
    WARM_UP_MONTHS,
    exploration,
    letters,
    newness,
    uniqueness,
    variety,
    words,
)
from pipeline.consumers.recap_lists import Cells
from pipeline.consumers.recap_plays import local_sql

AUDIENCE_OF_PLAYS = """
CREATE TABLE audience AS SELECT artist_key, count(*) AS users FROM by_artist GROUP BY 1
"""
# A person's plays are his alone: who else heard his artists stands in the listens.
AUDIENCE_OF_LISTENS = """
CREATE TABLE audience AS
SELECT artist_key, count(DISTINCT hash(coalesce("user", ''))) AS users
FROM listens JOIN songs ON item = hash(listens.track, listens.isrc, listens.artist, listens.title)
WHERE artist_key IN (SELECT artist_key FROM by_artist)
GROUP BY 1
"""
PEOPLE = """
WITH warm AS (
    SELECT user_key, min(first_month) + {warm_up} AS since FROM by_artist GROUP BY 1
), explored AS (
    SELECT user_key, sum(b.plays) AS plays,
        coalesce(sum(b.plays) FILTER (b.month = p.first_month), 0) AS new_plays
    FROM by_month b JOIN by_artist p USING (user_key, artist_key) JOIN warm USING (user_key)
    WHERE b.month >= since GROUP BY 1
), spread AS (
    SELECT user_key, sum(plays) AS plays, sum(plays * plays) AS squares,
        sum(plays * ((users - 1) / {others})) AS shared
    FROM by_artist LEFT JOIN audience USING (artist_key) GROUP BY 1
)
SELECT user_key, coalesce(new_plays, 0)::BIGINT, coalesce(explored.plays, 0)::BIGINT,
    spread.plays::BIGINT, squares::BIGINT, shared::DOUBLE
FROM spread LEFT JOIN explored USING (user_key)
"""
AGES = """
SELECT user_key, map(list(age), list(plays)) FROM (
    SELECT user_key, age, count(*) AS plays FROM plays WHERE age IS NOT NULL GROUP BY 1, 2
) GROUP BY 1
"""
LONGEST = """
SELECT sum(ms) / 1000 AS seconds, min(start_us) AS start_us FROM (
    SELECT ms, start_us, sum(begins::INTEGER) OVER (ORDER BY start_us, track_key) AS number
    FROM plays
) GROUP BY number ORDER BY 1 DESC, 2 LIMIT 1
"""


@dataclass(frozen=True)
class Company:
    """The users of a history.

    Attributes:
        num_users: all of them.
        min_others: other users that uniqueness needs.
    """

    num_users: int
    min_others: int

    @property
    def is_enough(self) -> bool:
        """Whether a user can be compared with the others."""
        return self.num_users - 1 >= max(1, self.min_others)


def personalities(
    cells: Cells, *, company: Company
) -> list[tuple[float | None, float | None, float | None, float | None]]:
    """The four values of each user in `plays`.

    Args:
        cells: of a person or a population.
        company: whom a user is compared with.
    """
    connection = cells.connection
    connection.execute(AUDIENCE_OF_LISTENS if cells.min_users is None else AUDIENCE_OF_PLAYS)
    ages = dict(connection.sql(AGES).fetchall())
    sql = PEOPLE.format(warm_up=WARM_UP_MONTHS, others=float(max(1, company.num_users - 1)))
    return [
        (
            exploration(new_plays, plays=later_plays),
            newness(ages.get(user, {}).items()),
            variety(squares, plays=plays),
            uniqueness(shared or 0.0, plays=plays) if company.is_enough else None,
        )
        for user, new_plays, later_plays, plays, squares, shared in connection.sql(sql).fetchall()
    ]


def person(values: tuple[float | None, ...]) -> Personality:
    """One user's personality."""
    notes = tuple(
        f"{kind.low} and {kind.high}: not known, {kind.missing}"
        for kind, value in zip(AXES, values, strict=True)
        if value is None
    )
    return Personality(values, letters(values), words(values), notes)


def population(people: Sequence[tuple[float | None, ...]], *, cells: Cells) -> Personality:
    """Means over the users who have a value, and how many users are of each type.

    An axis that fewer users than the minimum have is not shown.
    """
    means: list[float | None] = []
    for column in zip(*people, strict=True):
        known = [value for value in column if value is not None]
        enough = len(known) >= (cells.min_users or 1)
        means.append(sum(sorted(known)) / len(known) if enough else None)
    counted = Counter(letters(values) for values in people)
    types = cells.keep("types", [(name, n) for name, n in counted.most_common()])
    whole = person(tuple(means))
    return Personality(whole.values, whole.letters, whole.words, whole.notes, tuple(types))


def sessions(cells: Cells, *, timezone: str) -> Sessions:
    """Sessions of all users in `plays`; the longest one of a person.

    Args:
        cells: of a person or a population.
        timezone: of the longest session's day.
    """
    connection = cells.connection
    count, seconds, plays = connection.sql(
        "SELECT sum(begins::INTEGER)::BIGINT, sum(ms)::DOUBLE / 1000, count(*) FROM plays"
    ).fetchall()[0]
    if cells.min_users is not None:
        return Sessions(count, seconds / count, plays / count)
    longest, day = connection.sql(
        f"SELECT seconds, strftime({local_sql(timezone)}, '%Y-%m-%d') FROM ({LONGEST})"
    ).fetchall()[0]
    return Sessions(count, seconds / count, plays / count, longest, day)
