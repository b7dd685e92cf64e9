"""Parts of features, plans and lists of work, written anew without some tracks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.storage import Storage, join
from pipeline.tables.features import PART_ROW_GROUP
from pipeline.tables.receipt import write_parquet

MOVED = pa.schema(
    [
        pa.field("old_part", pa.string(), nullable=False),
        pa.field("track_id", pa.string(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("first_row", pa.int64(), nullable=False),
    ]
)
"""Where a track's mel is that shared a part with one that is forgotten."""


def parts_of(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Parts with mels of the tracks in `forgotten`; `feature_index` is registered."""
    rows = connection.sql(
        "SELECT DISTINCT part FROM feature_index SEMI JOIN forgotten USING (track_id) "
        "WHERE part IS NOT NULL ORDER BY part"
    ).fetchall()
    return [part for (part,) in rows]


def rewrite_parts(
    parts: Sequence[str], track_ids: Sequence[str], *, root_url: str, storage: Storage
) -> pa.Table:
    """Writes each part without the tracks, under a new name; the old ones stay.

    Returns:
        MOVED: the other tracks of these parts.
    """
    moved = [
        _rewrite_part(part, track_ids, root_url=root_url, storage=storage)
        for part in parts
        if storage.exists(join(root_url, "features", part))
    ]
    return pa.concat_tables([MOVED.empty_table(), *moved])


def _rewrite_part(
    part: str, track_ids: Sequence[str], *, root_url: str, storage: Storage
) -> pa.Table:
    filesystem, path = storage.arrow_filesystem(join(root_url, "features", part))
    whole = pq.read_table(path, filesystem=filesystem)
    kept = without(whole, track_ids)
    if not kept.num_rows:
        return MOVED.empty_table()
    name = f"{part.rpartition('/')[0]}/part-{uuid.uuid4().hex}.parquet"
    write_parquet(
        kept,
        join(root_url, "features", name),
        storage=storage,
        row_group_size=PART_ROW_GROUP,
        plain=["mel"],
    )
    first: dict[str, int] = {}
    for row, track_id in enumerate(kept["track_id"].to_pylist()):
        first.setdefault(track_id, row)
    rows = [
        {"old_part": part, "track_id": track_id, "part": name, "first_row": row}
        for track_id, row in first.items()
    ]
    return pa.Table.from_pylist(rows, schema=MOVED)


def lists_naming(track_ids: Sequence[str], *, root_url: str, storage: Storage) -> list[str]:
    """Plans, and lists of work that a killed run left, that hold one of the tracks."""
    folder = join(root_url, "plans")
    if not storage.is_dir(folder):
        return []
    wanted, found = pa.array(track_ids, pa.string()), []
    for entry in storage.walk(folder):
        if not entry.url.endswith(".parquet"):
            continue
        filesystem, path = storage.arrow_filesystem(entry.url)
        if "track_id" not in pq.read_schema(path, filesystem=filesystem).names:
            continue
        ids = pq.read_table(path, filesystem=filesystem, columns=["track_id"])["track_id"]
        if pc.any(pc.is_in(ids, value_set=wanted)).as_py():
            found.append(entry.url)
    return found


def rewrite_list(url: str, track_ids: Sequence[str], *, storage: Storage) -> None:
    """A plan without the tracks, under its name; a list of work is deleted: no run reads it.

    The plan keeps its id, which rows carry, though it is the hash of what it was.
    """
    if "/plans/pending/" in url:
        storage.delete(url)
        return
    filesystem, path = storage.arrow_filesystem(url)
    whole = pq.read_table(path, filesystem=filesystem)
    kept = without(whole, track_ids)
    facts = dict(whole.schema.metadata or {})
    if b"num_tracks" in facts:
        facts[b"num_tracks"] = str(kept.num_rows).encode()
    sink = pa.BufferOutputStream()
    pq.write_table(kept.replace_schema_metadata(facts), sink, compression="zstd")
    storage.write(url, sink.getvalue().to_pybytes())


def without(table: pa.Table, track_ids: Sequence[str]) -> pa.Table:
    """The rows of all other tracks."""
    named = pc.is_in(table["track_id"], value_set=pa.array(track_ids, pa.string()))
    return table.filter(pc.invert(named))
