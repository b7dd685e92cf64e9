"""The describing actor by itself, without Ray, and what reads its rows."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from sounds import clicks
from threadpoolctl import threadpool_info
from workspace import CONF, write_broken, write_catalog, write_tones

from pipeline import config
from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.errors import TableError
from pipeline.stages.describe import DescribeTracks, DescribeWork
from pipeline.stages.extract_catalog import load_work, plan_audio
from pipeline.storage import Storage
from pipeline.tables.database import database
from pipeline.tables.descriptors import described
from pipeline.tables.ledger import DESCRIPTORS_LEDGER
from pipeline.tables.prepare import Asked, prepare
from pipeline.tables.receipt import Receipt
from pipeline.tables.verify import verify
from pipeline.tables.views import open_views, run_query

STORAGE = Storage()


def prepared_in(root):
    return prepare(
        Asked(
            DESCRIPTORS_LEDGER,
            keys=[DESCRIPTORS.spec_id],
            register=lambda connection: plan_audio(connection, root_url=str(root), storage=STORAGE),
            order="track_id",
            root_url=str(root),
            storage=STORAGE,
            memory_mb=200,
        ),
        run_id="run",
    )


def run_actor(root) -> list[Receipt]:
    """Describes what is left of the catalog and commits it; gives the receipts."""
    job = config.load(config.DescribeJob, CONF / "describe.yaml")
    prepared = prepared_in(root)
    work = DescribeWork(
        root_url=str(root),
        pending=prepared.pending,
        load=load_work(
            STORAGE,
            sample_rate=DESCRIPTORS.sample_rate,
            limits=job.limits,
            runtime=job.runtime,
        ),
        spec=DESCRIPTORS,
        plan_id=prepared.plans[DESCRIPTORS.spec_id].plan_id,
        run_id="run",
        file_tracks=3,
    )
    unit = pa.table({"start": [0], "stop": [prepared.pending.num_tracks]})
    texts = [text for table in DescribeTracks(work)(unit) for text in table["receipt"].to_pylist()]
    receipts = [Receipt.from_json(text) for text in texts]
    (committer,) = prepared.committers.values()
    for receipt in receipts:
        committer.add(receipt)
    committer.commit()
    return receipts


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("described")
    write_tones(root / "music", num_tracks=4)
    write_broken(root / "music")
    write_catalog(root, sorted((root / "music").iterdir()))
    assert [len(receipt.rows) for receipt in run_actor(root)] == [3, 3, 1]
    return root


def rows_of(root) -> dict[str, dict]:
    table = DeltaTable(f"{root}/descriptors").to_pyarrow_table()
    return {row["track_id"]: row for row in table.to_pylist()}


def test_every_track_has_a_row_and_the_broken_ones_say_why(root):
    rows = rows_of(root)
    assert len(rows) == 7
    reasons = {name: row["reason"] for name, row in rows.items() if row["status"] == "failed"}
    assert reasons == {"x-empty": "empty", "x-html": "not_audio", "x-short": "too_short"}
    assert {row["spec_id"] for row in rows.values()} == {DESCRIPTORS.spec_id}
    assert all(row["chords"] is None for row in rows.values() if row["status"] == "failed")


def test_the_values_are_those_of_the_audio(root):
    row = rows_of(root)["t000"]  # 100 Hz, half of full scale, 4 s
    assert row["status"] == "ok"
    assert row["duration_s"] == pytest.approx(4.0)
    assert row["rms_dbfs"] == pytest.approx(-9.03, abs=0.1)
    assert row["spectral_centroid_hz_mean"] == pytest.approx(100, abs=15)
    assert row["tempo_bpm"] is None
    assert len(row["mfcc_mean"]) == 20


def test_blas_has_one_thread_in_the_actor(root):
    assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def test_verify_knows_the_descriptors(root):
    report = verify(str(root), storage=STORAGE, memory_mb=200)
    assert report.holds, report.faults
    assert any("descriptors" in line and "4 ok + 3 failed" in line for line in report.lines())


def test_verify_misses_what_is_not_described(root, tmp_path):
    write_catalog(tmp_path, [root / "music" / "t000.wav"])
    prepared_in(tmp_path)
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=200)
    assert "is not finished" in report.faults[0]


def test_nothing_is_left_to_describe(root):
    assert prepared_in(root).pending.num_tracks == 0


def test_a_changed_file_is_described_again_and_the_view_shows_the_new_one(tmp_path):
    import soundfile

    path = tmp_path / "music" / "a.wav"
    path.parent.mkdir()
    for bpm in (100, 130):
        seconds = 6 + bpm / 100  # another size is another version
        soundfile.write(path, clicks(bpm, seconds=seconds), DESCRIPTORS.sample_rate)
        write_catalog(tmp_path, [path])
        run_actor(tmp_path)
    assert DeltaTable(f"{tmp_path}/descriptors").to_pyarrow_table().num_rows == 2
    with open_views(str(tmp_path), storage=STORAGE, memory_mb=200) as connection:
        (row,) = run_query(connection, "SELECT track_id, tempo_bpm FROM descriptors").to_pylist()
    assert row["tempo_bpm"] == pytest.approx(130, rel=0.03)


def test_descriptors_join_the_catalog(root):
    sql = (
        "SELECT track_id, t.uri, d.loudness_lufs FROM tracks t JOIN descriptors d USING (track_id)"
        " WHERE d.brightness_mean > 0.5"
    )
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        rows = run_query(connection, sql).to_pylist()
    assert sorted(row["track_id"] for row in rows) == ["t001", "t003"]  # the tones of 4 kHz


def test_tracks_without_descriptors_are_an_error_that_says_what_to_run(root, tmp_path):
    with database(memory_mb=200) as connection:
        rows = described(
            connection,
            spec_id=DESCRIPTORS.spec_id,
            root_url=str(root),
            storage=STORAGE,
            where="track_id < 't002'",
        )
    assert [row["track_id"] for row in rows] == ["t000", "t001"]
    with database(memory_mb=200) as connection, pytest.raises(TableError, match="earmark describe"):
        described(connection, spec_id="other", root_url=str(root), storage=STORAGE, where="true")
