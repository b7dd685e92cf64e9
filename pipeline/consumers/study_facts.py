"""A table that a person brings along: more facts about tracks, artists, composers or albums.

A catalog's year is mostly that of a release, and composers' lives stand in no file. So a study may
be given a table whose first column is a key that the catalog knows; its other columns become
attributes, and `year` stands over the catalog's.
"""

from __future__ import annotations

import io
import posixpath
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from pipeline.errors import ConfigError
from pipeline.storage import Storage

ENDINGS = (".csv", ".parquet", ".jsonl")
YEAR = "year"
SHOWN = 5


@dataclass(frozen=True)
class Facts:
    """The table as it was read.

    Attributes:
        key: the attribute that its rows are joined by.
        columns: its other columns, without `year`.
        has_year: whether there is one.
        table: `key` in lower case, the columns as text, `year` as a whole number.
    """

    key: str
    columns: tuple[str, ...]
    has_year: bool
    table: pa.Table


def read_facts(url: str, *, storage: Storage) -> Facts:
    """Reads a table of facts; an empty cell is not known.

    Raises:
        ConfigError: there is no such file, it cannot be read, has one column, a key twice, or a
            year that is no whole number.
    """
    if not url.endswith(ENDINGS):
        raise ConfigError(f"study.facts: {url} ends in none of {', '.join(ENDINGS)}")
    if not storage.exists(url):
        raise ConfigError(f"study.facts: there is no file {url}")
    table = _read(storage.read(url), url=url)
    key, *names = [name.strip().casefold() for name in table.column_names]
    if not names or len({key, *names}) <= len(names):
        raise ConfigError(
            f"study.facts: {url} has the columns {', '.join(table.column_names)}: a key (track_id, "
            "artist, composer, ...) comes first, then at least one fact, each name once"
        )
    texts = [_text(column) for column in table.columns]
    keys = pc.utf8_lower(texts[0])
    _refuse_repeated(keys, url=url)
    values = {"key": keys}
    for name, column in zip(names, texts[1:], strict=True):
        values[name] = _years(column, url=url) if name == YEAR else column
    found = pa.table(values).filter(pc.is_valid(keys))
    return Facts(key, tuple(name for name in names if name != YEAR), YEAR in names, found)


def add_facts(connection: DuckDBPyConnection, facts: Facts, *, keys_sql: str) -> str | None:
    """Makes `source.study_facts` (number and the columns), and says which keys met no track.

    Args:
        connection: of `open_views`, with `source.numbers`.
        facts: from `read_facts`.
        keys_sql: SELECT of each track's number and key.
    """
    connection.from_arrow(facts.table).create("source.study_facts_read")
    connection.execute(
        "CREATE TABLE source.study_facts AS SELECT number, f.* EXCLUDE (key) FROM "
        f"(SELECT number, min(key) AS key FROM ({keys_sql}) GROUP BY number) "
        "JOIN source.study_facts_read f USING (key)"
    )
    unmet = connection.sql(
        f"SELECT key FROM source.study_facts_read ANTI JOIN ({keys_sql}) USING (key) ORDER BY key"
    ).fetchall()
    if not unmet:
        return None
    shown = ", ".join(key for (key,) in unmet[:SHOWN]) + (", ..." if len(unmet) > SHOWN else "")
    total = facts.table.num_rows
    return f"{len(unmet)} of {total} rows of the facts meet no track by {facts.key}: {shown}"


def _read(data: bytes, *, url: str) -> pa.Table:
    ending = posixpath.splitext(url)[1]
    try:
        if ending == ".parquet":
            return pq.read_table(io.BytesIO(data))
        if ending == ".jsonl":
            return pa_json.read_json(io.BytesIO(data))
        return pa_csv.read_csv(io.BytesIO(data))
    except (pa.ArrowException, ValueError) as error:
        raise ConfigError(f"study.facts: {url} cannot be read: {error}") from error


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    except pa.ArrowException as error:
        raise ConfigError(f"study.facts: a column is no list of names: {error}") from error
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _years(column: pa.ChunkedArray, *, url: str) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int32())
    except pa.ArrowException as error:
        raise ConfigError(f"study.facts: {url}: a year is no whole number: {error}") from error


def _refuse_repeated(keys: pa.ChunkedArray, *, url: str) -> None:
    times = Counter(key for key in keys.to_pylist() if key is not None)
    twice = sorted(key for key, number in times.items() if number > 1)
    if twice:
        raise ConfigError(
            f"study.facts: {url} has more than one row of {', '.join(map(repr, twice[:SHOWN]))}"
        )
