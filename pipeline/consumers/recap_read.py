"""Reads a listening history into one Parquet file of listens, and counts what cannot be used."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
from duckdb import DuckDBPyConnection

from pipeline.consumers.recap_facts import Read
from pipeline.consumers.recap_files import HistoryFiles, check_parquet
from pipeline.consumers.recap_formats import Container, HistoryFormat
from pipeline.consumers.recap_sql import MALFORMED, NO_ZONE, Reading, history_sql, quoted
from pipeline.errors import ConfigError
from pipeline.storage import Storage, is_local
from pipeline.tables.output import printable

SHOWN_ROWS = 5
SHOWN_USERS = 10
MICROSECONDS_A_DAY = 86_400_000_000


def read_history(
    connection: DuckDBPyConnection,
    *,
    files: HistoryFiles,
    storage: Storage,
    timezone: str | None,
    stage_path: str,
) -> Read:
    """Makes the view `listens` (user, track, isrc, artist, title, start_us, ms) of usable rows.

    Rows of text go through a local Parquet file, so that they are parsed once; Parquet is read
    where it is.

    Args:
        connection: of `pipeline.tables.database.database`.
        files: of the history.
        storage: how to reach them.
        timezone: of times without a zone; None refuses them.
        stage_path: where the Parquet file is made, on a local disk.

    Raises:
        ConfigError: a file breaks off, times have no zone, or no row can be used.
    """
    if timezone:
        check_timezone(connection, timezone, setting="history.timezone")
    with _readable():
        statements = [
            _statement(connection, form, urls=urls, storage=storage, timezone=timezone)
            for form, urls in files.by_format.items()
        ]
        whole = " UNION ALL ".join(f"({statement})" for statement in statements)
        if all(form.container is Container.PARQUET for form in files.by_format):
            connection.execute(f"CREATE VIEW staged AS {whole}")
        else:
            connection.execute(
                f"COPY ({whole}) TO {quoted(stage_path)} (FORMAT parquet, COMPRESSION lz4_raw)"
            )
            connection.read_parquet(stage_path).create_view("staged")
        connection.execute(
            'CREATE VIEW listens AS SELECT "user", track, isrc, artist, title, start_us, ms '
            "FROM staged WHERE fault IS NULL"
        )
        return _facts(connection, files=files)


@contextmanager
def _readable() -> Iterator[None]:
    """Words for files that DuckDB cannot read."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"the history breaks off or is damaged: {reason}") from error


def _statement(
    connection: DuckDBPyConnection,
    form: HistoryFormat,
    *,
    urls: tuple[str, ...],
    storage: Storage,
    timezone: str | None,
) -> str:
    if not is_local(urls[0]):
        filesystem, _ = storage.filesystem(urls[0])
        protocols = filesystem.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        if not names & set(connection.list_filesystems()):
            connection.register_filesystem(filesystem)
    reading = Reading(urls, timezone, time.time_ns() // 1000 + MICROSECONDS_A_DAY)
    types: Mapping[str, str] = {}
    if form.container is Container.PARQUET:
        relation = connection.read_parquet(list(urls), union_by_name=True)
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        check_parquet(list(types), url=urls[0])
    return history_sql(form, reading=reading, types=types)


def _facts(connection: DuckDBPyConnection, *, files: HistoryFiles) -> Read:
    counts = dict(
        connection.sql("SELECT coalesce(fault, ''), count(*) FROM staged GROUP BY 1").fetchall()
    )
    shown = _faulty(connection) if set(counts) - {""} else []
    rejected, texts = _rejected(connection)
    if rejected:
        counts[MALFORMED] = counts.get(MALFORMED, 0) + rejected
        shown += texts
    usable = counts.pop("", 0)
    rows = usable + sum(counts.values())
    _refuse_zoneless(connection, count=counts.get(NO_ZONE, 0))
    if not rows:
        raise ConfigError("the listening history is empty: its files hold no row")
    if not usable:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items()))
        raise ConfigError(
            f"none of the {rows:,} rows of the history can be used ({reasons}). The first are:\n  "
            + "\n  ".join(shown[:SHOWN_ROWS])
        )
    return Read(
        files=files.num_files,
        formats=tuple(form.name for form in files.by_format),
        left_out=files.left_out,
        rows=rows,
        faults=dict(sorted(counts.items())),
        shown=tuple(shown[:SHOWN_ROWS]),
    )


def _faulty(connection: DuckDBPyConnection) -> list[str]:
    rows = connection.sql(
        f"SELECT fault, shown, file FROM staged WHERE fault IS NOT NULL LIMIT {SHOWN_ROWS}"
    ).fetchall()
    return [
        f"{fault}: {printable(text or '')} ({printable((url or '').rpartition('/')[2])})"
        for fault, text, url in rows
    ]


def _rejected(connection: DuckDBPyConnection) -> tuple[int, list[str]]:
    """Lines that are no row of their CSV, or no UTF-8: DuckDB lists them in a table of its own."""
    try:
        rows = connection.sql("SELECT DISTINCT file_id, line, csv_line FROM reject_errors")
    except duckdb.CatalogException:
        return 0, []
    count = int(rows.count("*").fetchall()[0][0])
    texts = rows.order("file_id, line").limit(SHOWN_ROWS).fetchall()
    return count, [f"{MALFORMED}: {printable(text[:160])} (line {line})" for _, line, text in texts]


def _refuse_zoneless(connection: DuckDBPyConnection, *, count: int) -> None:
    if not count:
        return
    text, url = connection.execute(
        "SELECT shown, file FROM staged WHERE fault = $1 LIMIT 1", [NO_ZONE]
    ).fetchall()[0]
    raise ConfigError(
        f"{count:,} times of the history have no time zone, as in {printable(text)!r} "
        f"({printable(url)}). Say which zone they mean: --set history.timezone=UTC (Last.fm's own "
        "dates), or --set history.timezone=Europe/Berlin"
    )


def check_timezone(connection: DuckDBPyConnection, name: str, *, setting: str) -> None:
    """Refuses a zone that is not in the time zone database.

    Raises:
        ConfigError: with the nearest names.
    """
    known = [row[0] for row in connection.sql("SELECT name FROM pg_timezone_names()").fetchall()]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; near it are {', '.join(near)}" if near else "; examples: UTC, Europe/Berlin"
        raise ConfigError(f"{setting}: there is no time zone {name!r}{hint}")


def choose_user(connection: DuckDBPyConnection, *, user: str | None) -> str:
    """The user of the history whose recap is made; empty if the history names nobody.

    Raises:
        ConfigError: there are several and none is given, or the given one is not there.
    """
    users = connection.sql(
        "SELECT coalesce(\"user\", '') AS name, count(*) AS n FROM listens GROUP BY 1 ORDER BY 2 "
        "DESC, 1"
    ).fetchall()
    names = [name for name, _ in users]
    if user is None and len(names) == 1:
        return str(names[0])
    if user is not None and user in names:
        return user
    if user is not None and names == [""]:
        return ""
    shown = ", ".join(f"{printable(name)!r} ({n:,})" for name, n in users[:SHOWN_USERS])
    if user is None:
        raise ConfigError(
            f"the history has {len(names):,} users: give --user NAME, or --population for all. "
            f"Most listens have {shown}"
        )
    near = difflib.get_close_matches(user, names, n=3, cutoff=0.5)
    hint = f"near it are {', '.join(map(repr, near))}" if near else f"most listens have {shown}"
    raise ConfigError(f"the history has no user {user!r}; {hint}")
