"""Whole jobs in a bucket whose store fails all the time: the rows of an undisturbed run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from s3.faulty_proxy import Fault, Rule
from workspace import write_broken, write_tones

from pipeline.audio.frontend import FRONTENDS
from pipeline.tables.features import FeatureReader
from pipeline.tables.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SAME = ("track_id", "status", "reason", "duration_s", "num_chunks", "num_rows", "num_frames")
TROUBLE = (
    Rule(Fault.LOST, method="PUT", path=r"results/_delta_log/\d+1\.json", times=2),
    Rule(Fault.UNSURE, method="PUT", path=r"feature_index/_delta_log/\d+1\.json", times=1),
    Rule(Fault.RESET, method="PUT", path=r"_delta_log/\d+2\.json", times=2),
    Rule(Fault.CUT, method="GET", path=r"music/", share=0.1),
    Rule(Fault.LOST, method="PUT", path=r"part-", share=0.1),
    Rule(Fault.SLOW_DOWN, share=0.04),
    Rule(Fault.RESET, share=0.02),
    Rule(Fault.SLOW, share=0.05, seconds=0.2),
)


def rows(url: str, *, table: str, options: dict[str, str] | None) -> dict[str, dict]:
    found = pa.table(DeltaTable(f"{url}/{table}", storage_options=options).scan().read_all())
    by_track = {row["track_id"]: row for row in found.to_pylist()}
    assert len(by_track) == found.num_rows
    return by_track


def carry_out(bucket, folder: Path, *, num_nodes: int, num_tracks: int) -> None:
    """Both runs, the second one with everything failing now and then."""
    write_tones(folder / "music", num_tracks=num_tracks)
    write_broken(folder / "music")
    program = Path(__file__).parent / "jobs_in_a_bucket.py"
    line = [
        sys.executable,
        str(program),
        str(folder),
        bucket.url,
        bucket.proxy.url(),
        str(num_nodes),
    ]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        try:
            said = next(line for line in run.stdout if line in {"local\n", ""})
            assert said == "local\n"
            bucket.proxy.reset(*TROUBLE, seed=7)
            rest, _ = run.communicate("\n", timeout=500)
        finally:
            run.kill()
    assert "done" in rest
    assert run.returncode == 0


def compare(bucket, folder: Path) -> None:
    faults = bucket.proxy.faults()
    assert {"LOST", "UNSURE", "SLOW_DOWN", "RESET", "SLOW"} <= set(faults), faults
    bucket.proxy.reset()
    url, options = f"{bucket.url}/ws", bucket.direct.delta_options(bucket.url)
    for table in ("feature_index", "results"):
        here = rows(str(folder), table=table, options=None)
        there = rows(url, table=table, options=options)
        assert here.keys() == there.keys()
        for track_id, row in here.items():
            other = there[track_id]
            assert [row.get(name) for name in SAME] == [other.get(name) for name in SAME]
            if table == "results" and row["status"] == "ok":
                np.testing.assert_allclose(row["scores"], other["scores"], atol=1e-5)
                np.testing.assert_allclose(row["embedding"], other["embedding"], rtol=1e-5)
    one = next(
        row for row in rows(url, table="feature_index", options=options).values() if row["part"]
    )
    keys = ("part", "first_row", "num_rows", "num_frames")
    reader = FeatureReader(url, storage=bucket.storage, spec=FRONTENDS["sota-mel96"])
    assert reader.mel(**{key: one[key] for key in keys}).shape[1] == one["num_frames"]
    report = verify(url, storage=bucket.storage, memory_mb=256)
    assert report.holds, report.lines()


def test_features_and_tag_in_a_bucket_that_fails_give_the_rows_of_a_local_run(bucket, tmp_path):
    carry_out(bucket, tmp_path, num_nodes=1, num_tracks=8)
    compare(bucket, tmp_path)


@pytest.mark.timeout(1200)
def test_several_nodes_that_write_at_once_give_the_rows_of_a_local_run(bucket, tmp_path):
    carry_out(bucket, tmp_path, num_nodes=3, num_tracks=120)
    compare(bucket, tmp_path)
