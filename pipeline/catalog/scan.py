"""Scans a SOURCE into the catalog table, and opens that table for others.

A scan lists the source, compares the listing with the source's rows, reads the headers of what is
new or changed, and replaces the source's rows in one Delta commit, so readers see the catalog
before or after it. A scan that fails leaves the table as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial

from deltalake import DeltaTable
from duckdb import DuckDBPyConnection

from pipeline.catalog import changes
from pipeline.catalog.commit import delete_source, replace_source
from pipeline.catalog.probe import PROBED, probe_batches
from pipeline.catalog.report import ScanReport, make_report
from pipeline.catalog.sources import LISTING, FileListing, Kind, Source, open_source
from pipeline.catalog.table import TableListing
from pipeline.config import ScanConfig
from pipeline.errors import TableError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage, absolute, join
from pipeline.tables.database import database
from pipeline.tables.delta import open_existing, open_table, parquet_source

DATABASE_MB = 1024

Listing = FileListing | TableListing


class Effect(StrEnum):
    """What a scan does to the catalog."""

    WRITE = "write"
    SHOW = "show"
    """Nothing: its report says what it would do."""


def scan_into_catalog(
    source: str,
    *,
    root_url: str,
    storage: Storage,
    scan: ScanConfig,
    on_progress: Callable[[int, int], None],
    effect: Effect = Effect.WRITE,
) -> ScanReport:
    """Brings the catalog's rows of a source up to date.

    Args:
        source: folder, glob, URL, audio file, or table of tracks.
        root_url: the workspace.
        storage: how to reach both.
        scan: what is audio, and how it is read.
        on_progress: called with the headers read so far, and the headers to read.
        effect: SHOW leaves the catalog as it is; without one, none is made.

    Raises:
        ConfigError: the source does not exist, holds no audio, or its table cannot be used.
        TableError: something else is at the catalog's place, or another scan of the same source
            committed in the meantime.
    """
    opened = open_source(source, storage=storage)
    url = join(root_url, "catalog")
    with (
        database(memory_mb=DATABASE_MB) as connection,
        ThreadPoolExecutor(scan.num_threads) as pool,
    ):
        listing = _listing(opened, storage=storage, scan=scan, executor=pool)
        sum(changes.insert(connection, listing.batches(), table="listing", schema=LISTING))
        open_it = open_table if effect is Effect.WRITE else open_existing
        table = open_it(url, storage=storage, schema=CATALOG)
        parquet_source(connection, name="catalog", table=table, schema=CATALOG, storage=storage)
        changes.compare(connection, source_url=opened.url)
        _probe(connection, storage=storage, scan=scan, executor=pool, on_progress=on_progress)
        changes.finish(connection, source_url=opened.url, scanned_at=datetime.now(UTC))
        report = make_report(connection, source_url=opened.url, omitted=listing.omitted)
        if table is not None and report.committed and effect is Effect.WRITE:
            rows = partial(changes.fresh_rows, connection)
            replace_source(table, rows=rows, source_url=opened.url)
    return report


def open_catalog(root_url: str, *, storage: Storage) -> DeltaTable:
    """The catalog of a workspace, as `tables.delta.parquet_source` reads it.

    Raises:
        TableError: there is none, or it has other columns.
    """
    url = join(root_url, "catalog")
    table = open_existing(url, storage=storage, schema=CATALOG)
    if table is None:
        raise TableError(f"no catalog at {url}; run earmark catalog SOURCE first")
    return table


def remove_source(source: str, *, root_url: str, storage: Storage) -> int:
    """Takes all rows of a source out of the catalog, in one commit; their number.

    Raises:
        TableError: there is no catalog.
    """
    table = open_catalog(root_url, storage=storage)
    return delete_source(table, source_url=absolute(source))


def _listing(source: Source, *, storage: Storage, scan: ScanConfig, executor: Executor) -> Listing:
    if source.kind is Kind.TABLE:
        return TableListing(source, storage=storage, scan=scan, executor=executor)
    return FileListing(source, storage=storage, scan=scan)


def _probe(
    connection: DuckDBPyConnection,
    *,
    storage: Storage,
    scan: ScanConfig,
    executor: Executor,
    on_progress: Callable[[int, int], None],
) -> None:
    total = changes.num_to_probe(connection)
    done = 0
    headers = probe_batches(
        changes.to_probe(connection),
        storage=storage,
        timeout_s=scan.probe_timeout_s,
        executor=executor,
    )
    for count in changes.insert(connection, headers, table="probed", schema=PROBED):
        done += count
        on_progress(done, total)
