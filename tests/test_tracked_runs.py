"""A run and its tables lead to each other: tags in MLflow, a record in the workspace, commits."""

from __future__ import annotations

import shutil

import mlflow
import pytest
from lined import commit_rows, tag_tracks
from tagged import STORAGE, scoring, track, write_scorings, write_tracks
from tracking_database import give_database
from workspace import tag_job

from pipeline.config import dump
from pipeline.revision import this_code
from pipeline.tables.run_record import read_records
from pipeline.tracked_runs import find_runs
from pipeline.tracking import tracked


@pytest.fixture
def root(tmp_path):
    write_tracks(tmp_path, [track("t1"), track("t2")])
    write_scorings(tmp_path, scoring("s1"))
    return tmp_path


def in_mlflow(root, run_id: str):
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}").get_run(run_id)


def record(root, run_id: str):
    return read_records(str(root), storage=STORAGE, run_ids=[run_id])[run_id]


def test_a_run_in_mlflow_leads_to_tables_versions_code_and_configuration(root):
    tag_tracks(root, ["t1"])
    run_id = tag_tracks(root, ["t2"])
    tags = in_mlflow(root, run_id).data.tags
    assert tags["earmark.table.results"] == f"version 2 of {root}/results"
    assert tags["earmark.sources_sha256"] == this_code().sources_sha256
    kept = record(root, run_id)
    assert tags["earmark.config_sha256"] == kept.config_sha256
    assert (kept.status, kept.versions) == ("FINISHED", {"results": [2]})
    assert kept.config == dump(tag_job(root))
    assert kept.experiment == "earmark"
    assert kept.tracking_uri == f"sqlite:///{root / 'mlflow.db'}"


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("boom"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_ends_badly_leads_to_what_it_had_committed(root, error, status):
    with pytest.raises(type(error)):
        commit_and_raise(root, error)
    (run_id,) = (path.stem for path in (root / "runs").iterdir())
    found = in_mlflow(root, run_id)
    assert found.info.status == record(root, run_id).status == status
    assert found.data.tags["earmark.table.results"] == f"version 1 of {root}/results"


def commit_and_raise(root, error: BaseException) -> None:
    give_database(root)
    job = tag_job(root)
    with tracked(job, verb="tag", root_url=str(root), tracking=job.tracking) as run:
        commit_rows(root, ["t1"], run_id=run.run_id)
        raise error


def test_a_job_that_ran_before_another_is_not_named_by_it(root):
    first, second = tag_tracks(root, ["t1"]), tag_tracks(root, ["t1"], key="s2")
    assert record(root, first).versions == {"results": [1]}
    assert record(root, second).versions == {"results": [2]}


def test_what_the_workspace_has_no_record_of_is_asked_of_mlflow(root):
    run_id = tag_tracks(root, ["t1"])
    shutil.rmtree(root / "runs")
    tracking = tag_job(root).tracking
    found = find_runs([run_id, "0" * 32], root_url=str(root), tracking=tracking)
    assert list(found) == [run_id]
    assert (found[run_id]["verb"], found[run_id]["status"]) == ("tag", "FINISHED")
    assert found[run_id]["parameters"]["workspace.root_url"] == str(root)


def test_asking_makes_no_database(tmp_path):
    assert find_runs(["r"], root_url=str(tmp_path), tracking=tag_job(tmp_path).tracking) == {}
    assert not list(tmp_path.iterdir())
    tracking = tag_job(tmp_path).tracking
    assert find_runs(["r"], root_url="s3://bucket/x", tracking=tracking) == {}
