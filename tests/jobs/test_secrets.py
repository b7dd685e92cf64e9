"""Secrets that are planted everywhere turn up nowhere: tables, logs, MLflow, reports, messages."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fakes import TONE_REFERENCE, tone_bundle
from tracking_database import give_database
from workspace import CONF, write_broken, write_tones

from pipeline.storage import Storage

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
HERE = Path(__file__).resolve().parent
MARK = "hunter2"
PLANTED = {
    name: f"{MARK}-{number}-Zm9vYmFy"
    for number, name in enumerate(
        [
            *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
            *("RAY_AUTH_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
            *("MLFLOW_TRACKING_USERNAME", "DATABASE_PASSWORD", "HF_TOKEN"),
        ]
    )
}
IN_URL = f"{MARK}-url-Zm9v"
VERBS = ("catalog", "tag", "publish", "query", "report", "verify", "models", "show")


@pytest.fixture(scope="module")
def endpoint():
    server = subprocess.Popen(
        [sys.executable, str(HERE.parent / "s3" / "serve.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    server.stdin.close()
    server.wait(timeout=20)


def lines(folder: Path, *, endpoint: str) -> list[list[str]]:
    """Verbs on a bucket; then those that are given a password in a URL, or a bucket not there."""
    store = f"workspace.endpoint_url={endpoint}"
    here = ("--workspace", "s3://planted/ws", "--set", store)
    tracked = ("--set", f"tracking.uri=sqlite:///{folder}/mlflow.db")
    tag = ("tag", "--conf", str(CONF / "tag.yaml"), "--model", TONE_REFERENCE)
    bad = f"https://me:{IN_URL}@127.0.0.1:9"
    signed = f"https://127.0.0.1:9/a.mp3?X-Amz-Signature={IN_URL}"
    return [
        ["catalog", "s3://planted/music", *here],
        [*tag, *here, *tracked],
        ["publish", *here],
        ["query", "SELECT * FROM tags", *here],
        ["query", "SELECT * FROM duckdb_settings()", *here],
        ["report", "--output", str(folder / "report.html"), *here],
        ["verify", *here],
        ["models", "card", TONE_REFERENCE, *here],
        ["show", "t001.wav", *here],
        ["!", "catalog", f"{bad}/music", *here],
        ["!", "catalog", signed, *here],
        ["!", "catalog", str(folder / "tracks.jsonl"), *here],
        ["!", "catalog", "s3://nowhere/music", *here],
        ["!", "dataset", "import", "gtzan", f"{bad}/gtzan", *here],
        ["!", *tag, *here, "--set", f"tracking.uri={bad}"],
        ["!", *tag, *here, "--set", f"tracking.uri=postgresql://me:{IN_URL}@127.0.0.1/x"],
        ["!", *tag, *here, "--set", f"workspace.endpoint_url={bad}"],
        ["!", *tag, *here, "--set", f"workspace.nothing={bad}"],
        ["!", *tag, *here, "--set", f"workspace=[{bad}]"],
        ["!", "publish", "--workspace", f"s3://key:{IN_URL}@planted/ws"],
        ["!", "publish", "--conf", str(folder / "broken.yaml"), *here],
    ]


@pytest.fixture(scope="module")
def walked(tmp_path_factory, endpoint) -> tuple[Path, str]:
    """A folder with all that a run left, the bucket and Ray's logs too; and its output."""
    folder = tmp_path_factory.mktemp("secrets")
    sessions = Path(tempfile.mkdtemp(prefix="emk-"))  # Ray's sockets need a short path
    write_tones(folder / "music", num_tracks=3)
    write_broken(folder / "music")
    tone_bundle(str(folder))
    give_database(folder)
    (folder / "tracks.jsonl").write_text(json.dumps({"uri": f"https://me:{IN_URL}@h/a.mp3"}))
    (folder / "broken.yaml").write_text(f"workspace: {{root_url: 's3://key:{IN_URL}@b/x'")
    environment = os.environ | PLANTED
    environment |= {"RAY_TMPDIR": str(sessions), "RAY_AUTH_MODE": "disabled"}
    environment |= {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    environment |= {"MLFLOW_S3_ENDPOINT_URL": endpoint, "PYTHONPATH": str(HERE.parents[1])}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        store = Storage(endpoint_url=endpoint)
        store.filesystem("s3://planted")[0].mkdir("planted")
        for path in [*folder.glob("music/*"), *folder.glob("models/**/*.*")]:
            below = path.relative_to(folder)
            place = "" if below.parts[0] == "music" else "ws/"
            store.put(str(path), f"s3://planted/{place}{below}")
        done = subprocess.run(
            [
                sys.executable,
                str(HERE / "secret_walk.py"),
                json.dumps(lines(folder, endpoint=endpoint)),
            ],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        for entry in store.walk("s3://planted/ws"):
            kept = folder / "bucket" / entry.url.removeprefix("s3://")
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(store.read(entry.url))
    (folder / "tracks.jsonl").unlink()
    (folder / "broken.yaml").unlink()
    shutil.copytree(
        sessions, folder / "ray", ignore=lambda _, names: [n for n in names if n == "sockets"]
    )
    shutil.rmtree(sessions)
    return folder, done.stdout + done.stderr


def texts(path: Path) -> str:
    """All that a file says, unpacked."""
    data = path.read_bytes()
    if data.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(data))
        return f"{table.to_pylist()} {table.schema} {table.schema.metadata}"
    if data.startswith(b"SQLite"):
        return "\n".join(sqlite3.connect(path).iterdump())
    return data.decode("latin1")


def test_the_run_did_all_that_it_should(walked):
    folder, output = walked
    found = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"report.html", "mlflow.db", "config.yaml", "raylet.out"} <= found
    assert list(folder.glob("bucket/planted/ws/*/_delta_log/*.json"))
    assert "6 rows committed now" in output
    assert output.count("== exit code 1") == 12
    assert "holds a password, a token or a signature" in output


def test_no_planted_secret_is_printed(walked):
    _, output = walked
    said = [line for line in output.splitlines() if MARK in line]
    assert said == []


def test_no_planted_secret_is_in_any_file_that_the_run_left(walked):
    folder, _ = walked
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 30
    assert [str(path) for path in files if MARK in texts(path)] == []


def test_secrets_would_be_found_in_each_kind_of_file(walked, tmp_path):
    folder, _ = walked
    parts = folder.glob("bucket/planted/ws/tags/*.parquet")
    assert any("'tag': 'high'" in texts(part) for part in parts)
    assert "earmark.verb" in texts(folder / "mlflow.db")
    (tmp_path / "log.txt").write_text(f"x {MARK}")
    assert MARK in texts(tmp_path / "log.txt")
