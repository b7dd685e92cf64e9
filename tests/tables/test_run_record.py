from __future__ import annotations

import json

import pytest
from lined import commit_rows
from tagged import STORAGE

from pipeline.errors import TableError
from pipeline.revision import Code
from pipeline.tables.run_record import RunKeeper, RunRecord, read_records, record_url


def record(run_id: str = "r1", revision: str = "f00") -> RunRecord:
    return RunRecord(
        run_id=run_id,
        verb="tag",
        started_at="2026-03-01T12:00:00+00:00",
        code=Code("0.1.0", revision, "a" * 64),
        config="workspace:\n  root_url: x\n",
        tracking_uri="http://mlflow:5000",
        experiment="earmark",
        experiment_id="1",
    )


def read(root, run_id: str = "r1") -> RunRecord:
    return read_records(str(root), storage=STORAGE, run_ids=[run_id])[run_id]


def test_a_record_is_there_before_the_run_and_whole_after_it(tmp_path):
    keeper = RunKeeper(record(), root_url=str(tmp_path), storage=STORAGE)
    keeper.begin()
    assert read(tmp_path) == record()
    commit_rows(tmp_path, ["t1"], run_id="r1")
    commit_rows(tmp_path, ["t2"], run_id="r1")
    tags = keeper.end("FINISHED")
    found = read(tmp_path)
    assert (found.status, found.versions) == ("FINISHED", {"results": [1, 2]})
    assert found.started_at < found.ended_at
    assert tags == {"earmark.table.results": f"versions 1 to 2 of {tmp_path}/results"}


def test_mlflows_run_is_told_code_and_configuration():
    tags = record().tags()
    assert tags["earmark.code_revision"] == tags["mlflow.source.git.commit"] == "f00"
    assert tags["earmark.config_sha256"] == record().config_sha256
    assert record(revision="f00+modified").tags()["mlflow.source.git.commit"] == "f00"
    assert "mlflow.source.git.commit" not in record(revision="").tags()


def test_runs_without_a_record_are_left_out_and_other_files_are_named(tmp_path):
    assert read_records(str(tmp_path), storage=STORAGE, run_ids=["r1"]) == {}
    url = record_url(str(tmp_path), "r1")
    STORAGE.write(url, json.dumps({"run_id": "r1"}).encode())
    with pytest.raises(TableError, match=r"runs/r1\.json does not describe a run"):
        read(tmp_path)
