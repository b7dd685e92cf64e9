from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest
from ray_head import end, free_port
from tracking_database import give_database

from pipeline.config import TrackingConfig
from pipeline.doctor.finding import State
from pipeline.doctor.mlflow_server import check_mlflow
from pipeline.errors import ConfigError


def look(root, uri=None, experiment="earmark"):
    tracking = TrackingConfig(uri=uri, experiment=experiment)
    found = check_mlflow(tracking, root_url=str(root), timeout_s=5)
    return {finding.check: finding for finding in found}


@pytest.fixture
def server():
    """As much of MLflow as is asked: its version, and an experiment."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            experiment = {"experiment_id": "1", "name": "earmark", "lifecycle_stage": "active"}
            experiment["artifact_location"] = server.artifacts
            body = json.dumps({"experiment": experiment}).encode()
            if self.path == "/version":
                body = server.version.encode()
            known = self.path == "/version" or "get-by-name" in self.path
            self.send_response(200 if known else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.version, server.artifacts = version("mlflow"), "mlflow-artifacts:/1"
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_workspace_without_runs_is_skipped_and_gets_no_database(tmp_path):
    (found,) = look(tmp_path).values()
    assert (found.state, "the first job makes" in found.seen) == (State.SKIPPED, True)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_the_database_of_a_workspace_answers(tmp_path):
    give_database(tmp_path)
    found = look(tmp_path)
    assert found["MLflow"].state is State.OK
    assert found["MLflow artifacts"].state is State.SKIPPED


def test_a_database_that_is_none_is_told(tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database" * 100)
    (found,) = look(tmp_path).values()
    assert found.state is State.FAILED
    assert "not a database" in found.seen
    assert "mlflow db upgrade" in found.remedy


def test_a_remote_workspace_needs_a_server():
    with pytest.raises(ConfigError, match=r"tracking\.uri"):
        look("s3://bucket/ws")


def test_a_server_that_is_not_there_says_how_to_go_on(tmp_path):
    (found,) = look(tmp_path, f"http://127.0.0.1:{free_port()}").values()
    assert (found.check, found.state) == ("MLflow", State.FAILED)
    assert "refused" in found.seen
    assert "mlflow server" in found.remedy


def test_another_version_of_the_server_is_a_warning(server, tmp_path):
    server.version, server.artifacts = "2.9.0", "file:///srv/artifacts"
    found = look(tmp_path, server.url)
    assert found["MLflow"].state is State.OK
    assert found["MLflow version"].state is State.WARNING
    assert "2.9.0 of the server" in found["MLflow version"].seen
    assert "mlflow db upgrade" in found["MLflow version"].remedy


def test_artifacts_in_a_folder_of_each_client_are_a_warning(server, tmp_path):
    server.artifacts = "/srv/artifacts"
    found = look(tmp_path, server.url)["MLflow artifacts"]
    assert (found.state, "--artifacts-destination" in found.remedy) == (State.WARNING, True)


def test_artifacts_that_may_not_be_written_have_failed(server, tmp_path):
    found = look(tmp_path, server.url)["MLflow artifacts"]
    assert (found.state, "403" in found.seen) == (State.FAILED, True)


@pytest.mark.long
def test_a_database_that_was_moved_is_a_warning_and_writes_nothing(tmp_path):
    give_database(tmp_path)  # its first experiment keeps its files where it was made
    found = look(tmp_path, f"sqlite:///{tmp_path}/mlflow.db", experiment="Default")
    assert found["MLflow artifacts"].state is State.WARNING
    assert "is not there" in found["MLflow artifacts"].seen


@pytest.mark.slow
def test_a_real_server_is_well_and_keeps_nothing_of_it(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    line = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    line += ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--workers", "1"]
    line += ["--artifacts-destination", str(tmp_path / "artifacts")]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 200
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=2).close()
                break
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.5)
        found = look("s3://bucket/ws", url)
    finally:
        end(process)
    assert {finding.state for finding in found.values()} == {State.OK}, found
    assert set(found) == {"MLflow", "MLflow version", "MLflow artifacts"}
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
