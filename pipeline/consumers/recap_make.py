"""A recap of a listening history: files in, facts out, through DuckDB in bounded memory."""

from __future__ import annotations

import posixpath
import tempfile
from dataclasses import replace

from duckdb import DuckDBPyConnection

from pipeline.config_recap import RecapJob, RecapScope
from pipeline.consumers.recap_facts import Match, Read, Recap
from pipeline.consumers.recap_files import find_history
from pipeline.consumers.recap_lists import AGGREGATES, Cells, entries, periods, tag_grid, tag_shares
from pipeline.consumers.recap_match import match_history
from pipeline.consumers.recap_people import (
    Company,
    person,
    personalities,
    population,
    sessions,
)
from pipeline.consumers.recap_plays import Counting, local_sql, make_plays, make_tags
from pipeline.consumers.recap_read import check_timezone, choose_user, read_history
from pipeline.errors import ConfigError
from pipeline.storage import absolute
from pipeline.tables.database import database
from pipeline.tables.views import open_views

BATCH_ROWS = 65_536
GRID_TAGS = 6
USERS = "SELECT count(DISTINCT hash(coalesce(\"user\", ''))) FROM listens"
MATCHES = "SELECT how::VARCHAR, count(*) FROM plays GROUP BY 1 ORDER BY 1"
TOTALS = """
SELECT sum(plays)::BIGINT, sum(ms)::DOUBLE / 1000,
    (SELECT count(DISTINCT artist_key) FROM by_artist), count(DISTINCT track_key),
    count(DISTINCT user_key)
FROM by_track
"""


def make_recap(job: RecapJob) -> Recap:
    """The recap that a configuration describes.

    Raises:
        ConfigError: no history, one in another format, an empty one, times without a zone, several
            users and none chosen, a population under the minimum, an unknown time zone.
        TableError: there is no workspace.
    """
    place, storage = job.workspace, job.workspace.storage
    if job.history.source is None:
        raise ConfigError("give a listening HISTORY: a file or a folder (history.source)")
    files = find_history(absolute(job.history.source), storage=storage)
    with (
        tempfile.TemporaryDirectory(prefix="earmark-recap-") as folder,
        open_views(place.root_url, storage=storage, memory_mb=job.query.memory_mb) as views,
        database(memory_mb=job.query.memory_mb) as connection,
    ):
        check_timezone(connection, job.recap.timezone, setting="recap.timezone")
        read = read_history(
            connection,
            files=files,
            storage=storage,
            timezone=job.history.timezone,
            stage_path=posixpath.join(folder, "listens.parquet"),
        )
        user = _subject(connection, job=job)
        _prepare(connection, views=views, job=job)
        left_out = make_plays(connection, counting=_counting(job, user=user))
        make_tags(
            connection,
            views=views,
            taxonomies=job.tags.taxonomies,
            per_category=job.tags.per_category,
        )
        read = replace(read, skips=left_out.skips, duplicates=left_out.duplicates)
        return _recap(connection, job=job, user=user, read=read)


def _subject(connection: DuckDBPyConnection, *, job: RecapJob) -> str | None:
    """The user whose recap is made; None for all."""
    if job.recap.scope is RecapScope.PERSON:
        return choose_user(connection, user=job.recap.user)
    if job.recap.user is not None:
        raise ConfigError("recap.user and the scope population contradict: give one of them")
    return None


def _check_population(num_users: int, *, min_users: int) -> None:
    if num_users < min_users:
        raise ConfigError(
            f"the history has {num_users} user(s), fewer than recap.min_users = {min_users}: "
            "nothing may be shown of so small a population"
        )


def _prepare(connection: DuckDBPyConnection, *, views: DuckDBPyConnection, job: RecapJob) -> None:
    has_isrc = "isrc" in views.view("tracks").columns
    isrc = "isrc" if has_isrc else "NULL::VARCHAR AS isrc"
    tracks = views.sql(f"SELECT track_id, artist, title, year, duration_s, {isrc} FROM tracks")
    match_history(connection, tracks=tracks.to_arrow_reader(BATCH_ROWS), has_isrc=has_isrc)


def _counting(job: RecapJob, *, user: str | None) -> Counting:
    history = job.history
    return Counting(history.min_s, history.unknown_s, job.recap.timezone, user)


def _recap(connection: DuckDBPyConnection, *, job: RecapJob, user: str | None, read: Read) -> Recap:
    connection.execute(AGGREGATES)
    top, alone = job.recap.top, user is not None
    cells = Cells(connection, None if alone else job.recap.min_users)
    num_plays, seconds, num_artists, num_tracks, num_users = connection.sql(TOTALS).fetchall()[0]
    num_all = connection.sql(USERS).fetchall()[0][0] if alone else num_users
    if not alone:
        _check_population(num_users, min_users=job.recap.min_users)
    artists, tracks = entries(cells, top=top)
    tags, moods = tag_shares(cells, top=top)
    shown = moods if alone else ()
    months = periods(cells, name="months")
    people = personalities(cells, company=Company(num_all, job.recap.min_users))
    first, last = _days(connection, timezone=job.recap.timezone)
    return Recap(
        user=user or job.recap.user or "",
        first_day=first if alone else (months[0].label if months else ""),
        last_day=last if alone else (months[-1].label if months else ""),
        timezone=job.recap.timezone,
        plays=num_plays,
        listened_s=seconds,
        num_artists=num_artists,
        num_tracks=num_tracks,
        artists=artists,
        tracks=tracks,
        tags=tags,
        moods=moods,
        months=months,
        weekdays=periods(cells, name="weekdays"),
        hours=periods(cells, name="hours"),
        slots=periods(cells, name="slots"),
        moods_by_month=tag_grid(connection, moods=shown, name="months", top=GRID_TAGS),
        moods_by_hour=tag_grid(connection, moods=shown, name="hours", top=GRID_TAGS),
        sessions=sessions(cells, timezone=job.recap.timezone),
        personality=person(people[0]) if alone else population(people, cells=cells),
        read=read if alone else replace(read, shown=(), left_out=()),
        match=_match(cells, top=top),
        users=cells.users(num_users),
        min_users=cells.min_users,
        suppressed={name: count for name, count in cells.suppressed.items() if count},
    )


def _days(connection: DuckDBPyConnection, *, timezone: str) -> tuple[str, str]:
    days = [
        connection.sql(
            f"SELECT strftime({local_sql(timezone)}, '%Y-%m-%d') "
            f"FROM (SELECT {which}(start_us) AS start_us FROM plays)"
        ).fetchall()[0][0]
        for which in ("min", "max")
    ]
    return days[0], days[1]


def _match(cells: Cells, *, top: int) -> Match:
    """How plays met the catalog. What a population's few users alone played is not named."""
    by = {how: int(plays) for how, plays in cells.connection.sql(MATCHES).fetchall()}
    rows = cells.read(
        "unmatched",
        "SELECT artist, title, plays, users FROM heard WHERE track_id IS NULL "
        "ORDER BY plays DESC, artist, title",
    )
    unmatched = tuple((artist, title, plays) for artist, title, plays, _ in rows[:top])
    matched = {how: plays for how, plays in by.items() if how}
    return Match(sum(by.values()), sum(matched.values()), matched, unmatched)
