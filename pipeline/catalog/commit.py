"""Replaces a source's rows in the catalog, in one commit that says whose rows they are.

Delta tells that two commits touch the same rows by the range of `source_url` in each file, of which
it keeps the first characters only. Sources whose URLs begin alike look like one to it, so that
commits of two scans at once would refuse each other; each therefore names its source.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from pipeline.errors import TableError
from pipeline.tables.commit_note import commit_note

SOURCE = "earmark.source_url"
"""In a commit: whose rows it changed."""
REWRITES = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations that change no row."""
MAX_ATTEMPTS = 10
"""So many scans of other sources may commit while one commit is tried."""


def replace_source(
    table: DeltaTable, *, rows: Callable[[], pa.RecordBatchReader], source_url: str
) -> None:
    """Puts rows in the place of all rows of a source.

    Args:
        table: the catalog, at the version that the rows were compared with.
        rows: opens a reader of them; each attempt needs a new one.
        source_url: whose they are.

    Raises:
        TableError: something else has changed rows of this source since, or the store gave no
            answer.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        version = table.version()
        try:
            _write(table, rows=rows(), source_url=source_url)
            return
        except CommitFailedError as error:
            table.update_incremental()
            if attempt == MAX_ATTEMPTS or _changed(table, since=version, source_url=source_url):
                raise TableError(
                    f"another scan of {source_url} committed while this one ran; run it again "
                    f"({error})"
                ) from error
        except OSError as error:
            raise TableError(
                f"the catalog's store gave no answer to the commit ({error}): it may have "
                "happened. Run the scan again: it adds what is missing, or finds nothing to do"
            ) from error


def delete_source(table: DeltaTable, *, source_url: str) -> int:
    """Takes all rows of a source out, in one commit; their number."""
    metrics = table.delete(_predicate(source_url), commit_properties=_properties(source_url))
    return int(metrics["num_deleted_rows"])


def _write(table: DeltaTable, *, rows: pa.RecordBatchReader, source_url: str) -> None:
    write_deltalake(
        table,
        rows,
        mode="overwrite",
        predicate=_predicate(source_url),
        commit_properties=_properties(source_url),
    )


def _changed(table: DeltaTable, *, since: int, source_url: str) -> bool:
    """Whether a commit after a version may have changed rows of the source."""
    return any(
        entry["operation"] not in REWRITES and entry.get(SOURCE, source_url) == source_url
        for entry in table.history(table.version() - since)
    )


def _properties(source_url: str) -> CommitProperties:
    return CommitProperties(custom_metadata=commit_note(**{SOURCE: source_url}))


def _predicate(source_url: str) -> str:
    quoted = source_url.replace("'", "''")
    return f"source_url = '{quoted}'"
