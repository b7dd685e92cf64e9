"""Tracks whose names are like one that no track has, for messages."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from pipeline.tables.output import printable

SHOWN = 3
LEAST_ALIKE = 0.75
"""Jaro-Winkler similarity, 0 to 1: a word with one or two wrong letters has 0.9 and more."""
END_CHARACTERS = 40


def near_names(connection: DuckDBPyConnection, *, name: str) -> list[str]:
    """Up to three tracks by id, title, artist and title, or file name; the most alike first.

    Args:
        connection: from `open_views`.
        name: what was asked for.
    """
    rows = connection.execute(
        f"""
        WITH named AS (
            SELECT track_id, title, artist, uri, unnest([
                lower(track_id), lower(title), lower(concat_ws(' ', artist, title)),
                regexp_extract(lower(uri), '([^/]*?)(\\.[^./]*)?$', 1)
            ]) AS called FROM tracks
        )
        SELECT track_id, any_value(title), any_value(artist), any_value(uri),
            max(jaro_winkler_similarity(called, lower($1))) AS alike
        FROM named GROUP BY track_id HAVING alike >= {LEAST_ALIKE}
        ORDER BY alike DESC, track_id LIMIT {SHOWN}
        """,
        [name],
    ).fetchall()
    return [_line(*row[:4]) for row in rows]


def _line(track_id: str, title: str | None, artist: str | None, uri: str) -> str:
    named = ", ".join(filter(None, (title, artist))) or f"...{uri[-END_CHARACTERS:]}"
    return printable(f"{track_id} ({named})")
