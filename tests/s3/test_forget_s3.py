"""Lineage, and forgetting a track, in a bucket."""

from __future__ import annotations

import pyarrow as pa
from s3.ledger_rows import start, written
from tagged import track

from pipeline.consumers.lineage import lineage
from pipeline.schemas import CATALOG
from pipeline.tables import delta
from pipeline.tables.forget import forget
from pipeline.tables.rewrite import Effect, replace_files, write_files
from pipeline.tables.vacuum import Action
from pipeline.tables.verify import verify

TRACKS = ["t1", "t2", "t3"]


def test_a_track_in_a_bucket_has_a_lineage_and_can_be_forgotten(bucket):
    root, storage = f"{bucket.url}/ws", bucket.storage
    table = delta.open_table(f"{root}/catalog", storage=storage, schema=CATALOG)
    rows = pa.Table.from_pylist([track(one) for one in TRACKS], schema=CATALOG).to_batches()
    new = write_files(
        rows, table_url=f"{root}/catalog", storage=storage, schema=CATALOG, file_rows=9
    )
    replace_files(table, old=[], new=new, schema=CATALOG, effect=Effect.OTHER_ROWS)
    prepared = start(root, storage=storage, tracks=TRACKS, run_id="r")
    (committer,) = prepared.committers.values()
    committer.add(written(root, storage=storage, tracks=TRACKS, numbers=[0, 1, 2]))
    committer.commit()
    where = {"root_url": root, "storage": storage, "memory_mb": 200}
    (row,) = lineage("t1", **where, look_up=None).rows["results"]
    assert (row["stored"]["added_in"], row["stored"]["commit"]["run_id"]) == ([1], "r")
    report = forget(["t1"], **where, action=Action.DELETE)
    assert report.is_gone, report.lines()
    assert verify(root, storage=storage, memory_mb=200).holds
    assert lineage("t2", **where, look_up=None).rows["results"][0]["status"] == "ok"
