"""Plans: the tracks that a job must end with, written down before it starts.

A plan's id is a hash of its tracks with their audio versions and of the key (a scoring or a front
end), so the same work has the same id on any machine and day. `verify` compares the tables with
the plans; nothing else decides what "all" means.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import TableError
from pipeline.schemas import PLAN
from pipeline.storage import Storage, join
from pipeline.store_faults import scratch

BATCH_ROWS = 65_536
SHOWN_DUPLICATES = 20


@dataclass(frozen=True)
class Plan:
    """A plan in storage.

    Attributes:
        plan_id: hash of the planned tracks and the key.
        key: the scoring_id or spec_id that every track shall have a row under.
        table: `results`, `feature_index` or `descriptors`.
        num_tracks: rows of the plan.
        submitted_at: when it was submitted last, ISO 8601 in UTC.
        part: of the catalog, in words; empty: all of it.
    """

    plan_id: str
    key: str
    table: str
    num_tracks: int
    submitted_at: str
    part: str = ""


def plan_url(root_url: str, plan_id: str) -> str:
    """Where a plan is."""
    return join(root_url, "plans", f"{plan_id}.parquet")


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    *,
    root_url: str,
    storage: Storage,
    key: str,
    table: str,
    part: str = "",
) -> Plan:
    """Writes the plan of the view `planned` (track_id, audio_version, uri, ...).

    The same plan again has the same id and file; only its `submitted_at` moves, so that the plan
    that was submitted last is the one that `verify` holds a key to, for each part of the catalog.

    Raises:
        TableError: there is nothing to plan, or a track_id stands twice.
        UserError: the disk of the temporary folder is full.
    """
    _refuse_duplicates(connection)
    with scratch("earmark-plan-") as folder:
        unnamed = folder / "rows.parquet"
        plan_id, num_tracks = _write_rows(connection, unnamed, key=key)
        if not num_tracks:
            raise TableError("there is no track to plan: the catalog is empty")
        plan = Plan(plan_id, key, table, num_tracks, datetime.now(UTC).isoformat(), part)
        named = folder / "plan.parquet"
        _copy_with_metadata(unnamed, named, plan=plan)
        storage.put(str(named), plan_url(root_url, plan_id))
    return plan


def read_plan(url: str, *, storage: Storage) -> Plan:
    """The facts of a plan, without its rows."""
    filesystem, path = storage.arrow_filesystem(url)
    metadata = pq.read_schema(path, filesystem=filesystem).metadata
    fact = {name.decode(): value.decode() for name, value in metadata.items()}
    return Plan(
        fact["plan_id"],
        fact["key"],
        fact["table"],
        int(fact["num_tracks"]),
        fact["submitted_at"],
        fact.get("part", ""),
    )


def read_plans(root_url: str, *, storage: Storage) -> list[Plan]:
    """Every plan in the workspace, oldest first."""
    folder = join(root_url, "plans")
    if not storage.is_dir(folder):
        return []
    urls = [entry.url for entry in storage.walk(join(folder, "*.parquet"))]
    return sorted((read_plan(url, storage=storage) for url in urls), key=lambda p: p.submitted_at)


def _refuse_duplicates(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "SELECT track_id, list(uri ORDER BY uri) FROM planned GROUP BY track_id "
        f"HAVING count(*) > 1 ORDER BY track_id LIMIT {SHOWN_DUPLICATES + 1}"
    ).fetchall()
    if rows:
        shown = "\n".join(
            f"  {track}: {', '.join(uris)}" for track, uris in rows[:SHOWN_DUPLICATES]
        )
        more = "\n  ..." if len(rows) > SHOWN_DUPLICATES else ""
        raise TableError(
            "these track ids stand more than once in the catalog; a track must have one row:\n"
            f"{shown}{more}\nGive the tracks different ids in the source table, remove the copies, "
            "or scan one of the sources with --set scan.dataset=NAME, then run again."
        )


def _write_rows(connection: duckdb.DuckDBPyConnection, path: Path, *, key: str) -> tuple[str, int]:
    digest = hashlib.sha256(key.encode())
    num_tracks = 0
    rows = connection.sql("SELECT track_id, audio_version, uri FROM planned ORDER BY track_id")
    with pq.ParquetWriter(path, PLAN, compression="zstd") as writer:
        for batch in rows.to_arrow_reader(BATCH_ROWS):
            for track_id, version in zip(batch["track_id"], batch["audio_version"], strict=True):
                digest.update(f"{track_id.as_py()}\0{version.as_py()}\n".encode())
            writer.write_table(pa.Table.from_batches([batch]).cast(PLAN))
            num_tracks += batch.num_rows
    return digest.hexdigest()[:16], num_tracks


def _copy_with_metadata(source: Path, target: Path, *, plan: Plan) -> None:
    facts = {name: str(value) for name, value in vars(plan).items()}
    schema = PLAN.with_metadata(facts)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in pq.ParquetFile(source).iter_batches(BATCH_ROWS):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
