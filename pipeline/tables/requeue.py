"""Failed tracks become open again: their rows leave the ledger, and the next run does them anew.

The rows go in one transaction a table and key, so that readers see all of them or none and a track
still has one row at most. The transaction carries the application transaction of the key, as the
committer's do: a job that is at work on the key notices, and looks at the table again. What was
taken out is written to the table `requeued` first; `verify` tells those tracks from lost ones.

Only rows of the files that the catalog has now are taken: others could not be done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from pipeline.errors import ConfigError, Reason, TableError
from pipeline.schemas import REQUEUED
from pipeline.storage import Storage, absolute, join
from pipeline.tables import delta
from pipeline.tables.database import database, register_catalog
from pipeline.tables.ledger import LEDGERS, Ledger
from pipeline.tables.requeue_report import Failures
from pipeline.tables.rewrite import (
    DataFile,
    Effect,
    data_files,
    read_files,
    replace_files,
    write_files,
)

TABLE = "requeued"
ROW_GROUP_ROWS = 20_000
FILE_ROWS = 100_000
MAX_ATTEMPTS = 5


def known_reasons(names: Sequence[str]) -> tuple[Reason, ...]:
    """The reasons that were named.

    Raises:
        ConfigError: one that there is not.
    """
    unknown = [name for name in names if name not in set(Reason)]
    if unknown:
        raise ConfigError(
            f"--reason {', '.join(unknown)}: no such reason; there are {', '.join(Reason)}"
        )
    return tuple(Reason(name) for name in dict.fromkeys(names))


def failures(
    root_url: str,
    *,
    storage: Storage,
    memory_mb: int,
    ledgers: Sequence[Ledger] = LEDGERS,
    keys: Sequence[str] | None = None,
    reasons: Sequence[Reason],
) -> list[Failures]:
    """Counts what `requeue` would open again.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        ledgers: these tables only.
        keys: these scorings or front ends only; None: all.
        reasons: these only.

    Raises:
        TableError: there is no catalog.
    """
    with database(memory_mb=memory_mb) as connection:
        register_catalog(connection, root_url=absolute(root_url), storage=storage)
        found = []
        for ledger in ledgers:
            url = ledger.url(absolute(root_url))
            table = delta.open_existing(url, storage=storage, schema=ledger.schema)
            delta.parquet_source(
                connection, name=ledger.name, table=table, schema=ledger.schema, storage=storage
            )
            found += connection.sql(
                f"SELECT '{ledger.name}', {ledger.key_column}, reason, count(*) "
                f"FROM {_failed(ledger.name, reasons=reasons)} GROUP BY ALL ORDER BY ALL"
            ).fetchall()
    return [Failures(*row) for row in found if keys is None or row[1] in keys]


def requeue(found: Sequence[Failures], *, root_url: str, storage: Storage, memory_mb: int) -> int:
    """Takes the failed rows out of the ledgers; gives their number.

    Args:
        found: what `failures` counted.
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.

    Raises:
        TableError: other jobs commit under a key all the time; what was done for the keys before
            it stands.
    """
    places = dict.fromkeys((one.table, one.key) for one in found)
    total = 0
    for name, key in places:
        reasons = [Reason(one.reason) for one in found if (one.table, one.key) == (name, key)]
        ledger = next(ledger for ledger in LEDGERS if ledger.name == name)
        work = _Work(ledger, key, tuple(reasons), absolute(root_url), storage, memory_mb)
        total += work.carry_out()
    return total


@dataclass(frozen=True)
class _Work:
    """The requeue of one key."""

    ledger: Ledger
    key: str
    reasons: tuple[Reason, ...]
    root_url: str
    storage: Storage
    memory_mb: int

    def carry_out(self) -> int:
        url = self.ledger.url(self.root_url)
        recorded = 0
        for _ in range(MAX_ATTEMPTS):
            table = delta.open_table(url, storage=self.storage, schema=self.ledger.schema)
            with database(memory_mb=self.memory_mb) as connection:
                found = self._find(connection, table)
                if not found:  # also after a commit whose answer was lost
                    return recorded
                try:
                    self._record(connection)
                    recorded = found
                    self._take_out(connection, table, url=url)
                except CommitFailedError:
                    continue
            return recorded
        raise TableError(
            f"{url}: other jobs committed under {self.key} {MAX_ATTEMPTS} times while this one "
            "tried to; let them end, then run `earmark requeue` again"
        )

    def _find(self, connection: duckdb.DuckDBPyConnection, table: DeltaTable) -> int:
        """`open_again`: the rows to take out, each with the file that it is in."""
        register_catalog(connection, root_url=self.root_url, storage=self.storage)
        files = delta.parquet_source(
            connection,
            name="ledger",
            table=table,
            schema=self.ledger.schema,
            storage=self.storage,
        )
        if not files:
            return 0
        mine = delta.file_uris(table, predicate=f"{self.ledger.key_column} = '{self.key}'")
        if not mine:
            return 0
        rows = connection.read_parquet(mine, hive_partitioning=False, filename=True)
        rows.create_view("with_files")
        connection.execute(
            "CREATE TABLE open_again AS SELECT track_id, audio_version, reason, detail, filename "
            f"FROM {_failed('with_files', reasons=self.reasons)} "
            f"WHERE {self.ledger.key_column} = $1",
            [self.key],
        )
        ((num,),) = connection.sql("SELECT count(*) FROM open_again").fetchall()
        return int(num)

    def _record(self, connection: duckdb.DuckDBPyConnection) -> None:
        url = join(self.root_url, TABLE)
        rows = connection.sql(
            "SELECT $1 AS table_name, $2 AS key, track_id, audio_version, reason, detail, "
            "$3::TIMESTAMPTZ AS requeued_at FROM open_again ORDER BY track_id",
            params=[self.ledger.name, self.key, datetime.now(UTC)],
        )
        table = delta.open_table(url, storage=self.storage, schema=REQUEUED)
        new = write_files(
            rows.to_arrow_reader(ROW_GROUP_ROWS),
            table_url=url,
            storage=self.storage,
            schema=REQUEUED,
            file_rows=FILE_ROWS,
        )
        replace_files(table, old=[], new=new, schema=REQUEUED, effect=Effect.OTHER_ROWS)

    def _take_out(
        self, connection: duckdb.DuckDBPyConnection, table: DeltaTable, *, url: str
    ) -> None:
        old = self._touched(connection, table)
        schema, column = self.ledger.schema, self.ledger.key_column
        read_files(connection, table, old, schema=schema, storage=self.storage)
        rows = connection.sql(
            f"SELECT {', '.join(schema.names)} FROM old_rows o WHERE {column} <> $1 OR NOT EXISTS "
            "(FROM open_again a WHERE a.track_id = o.track_id "
            "AND a.audio_version = o.audio_version) ",
            params=[self.key],
        )
        new = write_files(
            rows.to_arrow_reader(ROW_GROUP_ROWS),
            table_url=url,
            storage=self.storage,
            schema=schema,
            file_rows=FILE_ROWS,
        )
        replace_files(
            table,
            old=old,
            new=new,
            schema=schema,
            effect=Effect.OTHER_ROWS,
            fences=[self.key],
            note={"maintenance": "requeue", "reasons": ", ".join(self.reasons)},
        )

    def _touched(self, connection: duckdb.DuckDBPyConnection, table: DeltaTable) -> list[DataFile]:
        urls = connection.sql("SELECT DISTINCT filename FROM open_again").fetchall()
        names = {url.rpartition("/")[2] for (url,) in urls}
        files = data_files(table, key_column=self.ledger.key_column)
        return [file for file in files if file.name in names]


def _failed(table: str, *, reasons: Sequence[Reason]) -> str:
    """SQL: the failed rows of a ledger for these reasons, of files that the catalog has now."""
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    return (
        f"(SELECT * FROM {table} SEMI JOIN catalog USING (track_id, audio_version) "
        f"WHERE status = 'failed' AND reason IN ({listed}))"
    )
