"""SQL that reads each format of history into the same columns: text alone, no database.

Each statement gives user, track (an identifier), isrc, artist, title, start_us (UTC, microseconds
from 1970), ms (time played; null if nobody says it), fault (null for a usable row), and, of faulty
rows, shown and file. Times mean the start of a play, but Spotify's its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.consumers.recap_fields import CSV_FIELDS, JSON_FIELDS, TABLE
from pipeline.consumers.recap_formats import Container, HistoryFormat, Kind

MALFORMED, NO_TIME, NO_ZONE = "malformed", "no time", "time without zone"
BAD_TIME, FAR_TIME = "unreadable time", "time out of range"
NO_TRACK, BAD_LENGTH = "no track", "negative length"
EARLIEST = "2000-01-01"
"""Players whose clock was never set report 1970; no service kept listens before 2002."""
SHOWN_SIGNS = 160
SHOWN = "concat_ws(', ', \"user\", track, isrc, artist, title, raw)"
ZONED = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([Zz]|UTC|GMT|[+-]\d{2}(:?\d{2})?)$"
NAIVE_FORMATS = (
    *("%d %b %Y %H:%M", "%d %b %Y, %H:%M", "%d %b %Y %H:%M:%S", "%d %B %Y %H:%M"),
    *("%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
)


@dataclass(frozen=True)
class Reading:
    """What a statement needs beside the format.

    Attributes:
        urls: the files, as DuckDB opens them.
        timezone: of times without a zone; None marks them.
        now_us: later times are out of range, UTC microseconds.
    """

    urls: tuple[str, ...]
    timezone: str | None
    now_us: int


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def history_sql(
    form: HistoryFormat, *, reading: Reading, types: Mapping[str, str] | None = None
) -> str:
    """The statement that reads files of one format.

    Args:
        form: the format.
        reading: the files, and how times are taken.
        types: of a Parquet file, its columns and DuckDB's types.
    """
    files = "[" + ", ".join(quoted(url) for url in reading.urls) + "]"
    if form.container is Container.PARQUET:
        fields = _parquet_fields(types or {}, timezone=reading.timezone)
        source = f"read_parquet({files}, filename = true, union_by_name = true)"
    elif form.container is Container.CSV:
        fields = _csv_fields(form, timezone=reading.timezone)
        source = _csv_source(form, files=files)
    else:
        fields = _json_fields(form.kind, timezone=reading.timezone)
        source = _json_source(form, files=files)
    columns = ", ".join(f"{sql} AS {name}" for name, sql in fields.items())
    inner = f"SELECT {columns}, filename AS file FROM {source}"
    return _usable(inner, form=form, reading=reading)


def _usable(inner: str, *, form: HistoryFormat, reading: Reading) -> str:
    """Adds start and fault; a podcast, or a row that names no track, is a fault as well."""
    start = "instant - coalesce(ms, 0) * 1000" if form.kind is Kind.SPOTIFY else "instant"
    is_json = form.container in (Container.JSON_LINES, Container.JSON_ARRAY)
    shown = "raw" if is_json else SHOWN
    zone = f"WHEN zoneless THEN {quoted(NO_ZONE)}" if reading.timezone is None else ""
    return f"""
SELECT "user", track, isrc, artist, title, {start} AS start_us, ms, fault,
    CASE WHEN fault IS NOT NULL THEN left({shown}, {SHOWN_SIGNS}) END AS shown,
    CASE WHEN fault IS NOT NULL THEN file END AS file
FROM (SELECT *, CASE
    WHEN malformed THEN {quoted(MALFORMED)}
    WHEN title IS NULL AND track IS NULL AND isrc IS NULL THEN {quoted(NO_TRACK)}
    WHEN no_time THEN {quoted(NO_TIME)}
    {zone}
    WHEN instant IS NULL THEN {quoted(BAD_TIME)}
    WHEN instant < epoch_us(TIMESTAMP '{EARLIEST}') OR instant > {reading.now_us}
        THEN {quoted(FAR_TIME)}
    WHEN ms < 0 THEN {quoted(BAD_LENGTH)} END AS fault
FROM ({inner}))"""


def _time_of_text(text: str, *, timezone: str | None) -> tuple[str, str]:
    """UTC microseconds of a text, and whether it lacks a zone.

    A number is seconds of Unix, or milliseconds or microseconds if it is too large for seconds.
    """
    number = f"try_cast({text} AS DOUBLE)"
    zoned = f"regexp_matches(trim({text}), {quoted(ZONED)})"
    formats = ", ".join(quoted(one) for one in NAIVE_FORMATS)
    naive = f"coalesce(try_cast({text} AS TIMESTAMP), try_strptime(trim({text}), [{formats}]))"
    local = f"timezone({quoted(timezone)}, {naive})" if timezone else "NULL::TIMESTAMPTZ"
    instant = f"""CASE WHEN {number} IS NOT NULL THEN
        try_cast({number} * CASE WHEN {number} >= 1e14 THEN 1 WHEN {number} >= 1e11 THEN 1e3
            ELSE 1e6 END AS BIGINT)
        WHEN {zoned} THEN epoch_us(try_cast(trim({text}) AS TIMESTAMPTZ))
        ELSE epoch_us({local}) END"""
    zoneless = f"({number} IS NULL AND NOT {zoned} AND {naive} IS NOT NULL)"
    return instant, zoneless


def _named(found: Mapping[str, str], *, time: str, timezone: str | None) -> dict[str, str]:
    """The common columns from SQL of texts."""
    instant, zoneless = _time_of_text(time, timezone=timezone)
    empty = "NULL::VARCHAR"
    texts = {
        name: f"nullif(trim({found[name]}), '')" if name in found else empty
        for name in ("user", "track", "isrc", "artist", "title")
    }
    ms = f"try_cast(try_cast({found['ms']} AS DOUBLE) AS BIGINT)" if "ms" in found else "NULL"
    if "s" in found:
        ms = f"coalesce({ms}, try_cast(1000 * try_cast({found['s']} AS DOUBLE) AS BIGINT))"
    quoted_texts = {f'"{name}"': sql for name, sql in texts.items()}
    return quoted_texts | {
        "ms": f"{ms}::BIGINT",
        "instant": instant,
        "zoneless": zoneless,
        "no_time": f"nullif(trim({time}), '') IS NULL",
    }


def _json_fields(kind: Kind, *, timezone: str | None) -> dict[str, str]:
    paths = [path for options in JSON_FIELDS[kind].values() for path in options]
    at = {path: f"v[{i}]" for i, path in enumerate(paths, 1)}
    found = {
        name: "coalesce(" + ", ".join(at[path] for path in options) + ")"
        for name, options in JSON_FIELDS[kind].items()
    }
    if kind is Kind.SPOTIFY:
        found["track"] = f"regexp_extract({found['track']}, '[^:]+$')"
    fields = _named(found, time=found["time"], timezone=timezone)
    return fields | {"malformed": "v IS NULL", "raw": "line"}


def _json_source(form: HistoryFormat, *, files: str) -> str:
    paths = [path for options in JSON_FIELDS[form.kind].values() for path in options]
    listed = "[" + ", ".join(quoted(path) for path in paths) + "]"
    if form.container is Container.JSON_ARRAY:
        rows = f"read_json_objects({files}, format = 'array', filename = true)"
        line = "json::VARCHAR"
    else:
        rows = (
            f"read_csv({files}, delim = E'\\x01', quote = '', escape = '', comment = '', "
            "header = false, columns = {'line': 'VARCHAR'}, auto_detect = false, "
            "filename = true, store_rejects = true)"
        )
        line = "line"
    return (
        f"(SELECT filename, line, CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN "
        f"json_extract_string(line, {listed}) END AS v "
        f"FROM (SELECT filename, {line} AS line FROM {rows}) WHERE trim(line) <> '')"
    )


def _csv_fields(form: HistoryFormat, *, timezone: str | None) -> dict[str, str]:
    there = {name.casefold(): f'"{_plain(name)}"' for name in form.columns}
    found = {}
    for name, options in CSV_FIELDS[form.kind].items():
        columns = [there[option] for option in options if option in there]
        if columns:
            found[name] = columns[0]
    fields = _named(found, time=found["time"], timezone=timezone)
    return fields | {"malformed": "false", "raw": found["time"]}


def _csv_source(form: HistoryFormat, *, files: str) -> str:
    columns = ", ".join(f"{quoted(_plain(name))}: 'VARCHAR'" for name in form.columns)
    return (
        f"read_csv({files}, delim = {quoted(form.delimiter)}, quote = '\"', escape = '\"', "
        f"header = {str(form.has_header).lower()}, columns = {{{columns}}}, auto_detect = false, "
        "filename = true, store_rejects = true)"
    )


def _plain(name: str) -> str:
    return name.replace('"', "")


def _parquet_fields(types: Mapping[str, str], *, timezone: str | None) -> dict[str, str]:
    found = {name: f'"{name}"::VARCHAR' for name in types if name in TABLE}
    if "ms_played" in types:
        found["ms"] = '"ms_played"::VARCHAR'
    fields = _named(found, time='"time"::VARCHAR', timezone=timezone)
    for name in ("user", "track", "isrc", "artist", "title"):
        if types.get(name) == "VARCHAR":  # no copy of ten million texts to trim them
            fields[f'"{name}"'] = f"nullif(\"{name}\", '')"
    kind = types["time"]
    if kind == "TIMESTAMP WITH TIME ZONE":
        fields |= {"instant": 'epoch_us("time")', "zoneless": "false"}
    elif kind.startswith("TIMESTAMP"):
        local = f'timezone({quoted(timezone)}, "time"::TIMESTAMP)' if timezone else "NULL"
        fields |= {"instant": f"epoch_us({local}::TIMESTAMPTZ)", "zoneless": "true"}
    if kind.startswith("TIMESTAMP"):
        fields["no_time"] = '"time" IS NULL'
    if types.get("ms_played", "") in ("BIGINT", "INTEGER", "UBIGINT", "UINTEGER"):
        fields["ms"] = '"ms_played"::BIGINT'
    return fields | {"malformed": "false", "raw": '"time"'}
