"""The table `current`: which scoring a taxonomy's views show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from pipeline.errors import TableError
from pipeline.schemas import CURRENT
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.commit_note import commit_note, noting
from pipeline.tables.scorings import Scoring

TABLE = "current"
APPLICATION = "current"
MADE_CURRENT = "made_current"
"""In a commit's note: TAXONOMY_ID=SCORING_ID of what the views show from it on."""
MAX_ATTEMPTS = 5

Rows = list[dict[str, Any]]


def read_current(root_url: str, *, storage: Storage) -> pa.Table:
    """The rows of the table, by taxonomy_id; none if there is no table yet."""
    table = delta.open_existing(join(root_url, TABLE), storage=storage, schema=CURRENT)
    rows = [] if table is None else _rows(table)
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["taxonomy_id"]), schema=CURRENT)


def set_current(root_url: str, *, storage: Storage, scoring: Scoring) -> None:
    """Makes the views of the scoring's taxonomy show it.

    Raises:
        TableError: other jobs change the table all the time.
    """
    taxonomy_id = scoring.taxonomy.taxonomy_id

    def replace(rows: Rows) -> Rows:
        return [row for row in rows if row["taxonomy_id"] != taxonomy_id] + [_row(scoring)]

    _change(root_url, storage=storage, change=replace)


def set_current_where_none(
    root_url: str, *, storage: Storage, scorings: Sequence[Scoring]
) -> tuple[str, ...]:
    """Makes scorings current whose taxonomies have none; of two for one taxonomy, the first.

    Returns:
        The scoring_ids that were made current.

    Raises:
        TableError: other jobs change the table all the time.
    """
    first: dict[str, Scoring] = {}
    for scoring in scorings:
        first.setdefault(scoring.taxonomy.taxonomy_id, scoring)

    def add(rows: Rows) -> Rows:
        taken = {row["taxonomy_id"] for row in rows}
        return rows + [_row(scoring) for key, scoring in first.items() if key not in taken]

    added = _change(root_url, storage=storage, change=add)
    return tuple(row["scoring_id"] for row in added)


def _change(root_url: str, *, storage: Storage, change: Callable[[Rows], Rows]) -> Rows:
    """Writes what `change` makes of the rows, on the version that it saw; gives the new rows.

    A commit whose answer was lost may have happened: then the table holds what was to be written.
    """
    url, written, fault = join(root_url, TABLE), Rows(), ""
    for _ in range(MAX_ATTEMPTS):
        table = delta.open_table(url, storage=storage, schema=CURRENT)
        before = _rows(table)
        if written and all(row in before for row in written):
            return written
        after = change(before)
        if after == before:
            return []
        written = [row for row in after if row not in before]
        moved = ", ".join(f"{row['taxonomy_id']}={row['scoring_id']}" for row in written)
        try:
            with noting(**{MADE_CURRENT: moved}):
                _overwrite(table, rows=after)
        except (CommitFailedError, OSError) as error:
            fault = str(error)
            continue
        return written
    raise TableError(
        f"{url} could not be changed in {MAX_ATTEMPTS} attempts ({fault}); other jobs change it, "
        "or its store fails: run again"
    )


def _rows(table: DeltaTable) -> Rows:
    # Not to_pyarrow_table: with its file system, pyarrow's threads can abort the process's end.
    rows: Rows = pa.table(table.scan().read_all()).to_pylist()
    return rows


def _row(scoring: Scoring) -> dict[str, Any]:
    return {
        "taxonomy_id": scoring.taxonomy.taxonomy_id,
        "taxonomy": scoring.taxonomy.name,
        "tags": list(scoring.taxonomy.tags),
        "scoring_id": scoring.scoring_id,
        "model_version": scoring.model_version,
        "since": datetime.now(UTC),
    }


def _overwrite(table: DeltaTable, *, rows: Rows) -> None:
    version = (table.transaction_version(APPLICATION) or 0) + 1
    write_deltalake(
        table,
        pa.Table.from_pylist(rows, schema=delta.without_comments(CURRENT)),
        mode="overwrite",
        commit_properties=CommitProperties(
            custom_metadata=commit_note(),
            app_transactions=[Transaction(APPLICATION, version)],
        ),
    )
