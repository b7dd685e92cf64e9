"""A catalog through a cluster as companies have it: all of it is real processes on this machine.

A Ray head and two worker nodes with a token, MLflow as a server on a database, an S3 endpoint that
holds everything. catalog, features, train, tag and publish are submitted as people submit them; one
worker node is lost while it makes features, and another takes its place. `-s` shows the times.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from one_machine import BUCKET, Clock, Store, mlflow_server, s3_store, tracking_store
from ray_head import Head, ray_head
from ray_nodes import Node, known, worker_nodes
from workspace import CONF, RATE_HZ, tone, write_broken

from pipeline.config import CatalogJob, FeaturesJob, Section, TablesJob, TagJob, dump, load
from pipeline.config_submit import SubmitConfig
from pipeline.config_training import TrainJob

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
EARMARK = Path(sys.executable).parent / "earmark"
MUSIC, WORKSPACE = f"s3://{BUCKET}/music", f"s3://{BUCKET}/ws"
TONES_HZ = {"tone---low": 150.0, "tone---middle": 800.0, "tone---high": 4_000.0}
SPLITS = ("train", "train", "train", "validation", "test")
NUM_TRACKS = 240
KILLED_AFTER = NUM_TRACKS // 8
STEP_S = 400
FILES = {
    "catalog": (CatalogJob, "catalog.yaml"),
    "features": (FeaturesJob, "features.yaml"),
    "train": (TrainJob, "train.yaml"),
    "tag": (TagJob, "tag.yaml"),
    "publish": (TablesJob, "tables.yaml"),
}
OWN = {
    "catalog": (f"source={MUSIC}/tracks.parquet",),
    "features": ("frontend.name=note-mel64",),
    "train": (
        "task={name: tones, kind: multiclass, tags: null, category: tone, taxonomy: null, "
        "outside: refuse}",
        *("recipe.epochs=2", "runtime.num_workers=2"),
    ),
    "tag": (
        "scoring.models=['models:/smoke/1']",
        *("runtime.unit_tracks=12", "runtime.file_tracks=12"),
    ),
    "publish": (),
}
"""What differs from conf/smoke; front end, tagger and their sizes are those of the smoke files."""


@dataclass
class Company:
    """The cluster, and how its people reach it.

    Attributes:
        head: of the cluster.
        store: with the music and the tables.
        tracking_url: of MLflow.
        nodes: that work, or worked.
        folder: of logs and configurations.
        clock: says what happens.
        reasons: why a track must fail, by id.
        committed_at_loss: rows of features when a node was lost.
    """

    head: Head
    store: Store
    tracking_url: str
    nodes: list[Node]
    folder: Path
    clock: Clock
    reasons: dict[str, str] = field(default_factory=dict)
    committed_at_loss: int = 0

    def add_nodes(self, *names: str) -> None:
        """At once, and waits until all have joined."""
        nodes = [Node(name, head=self.head, log=self.folder / "nodes" / name) for name in names]
        self.nodes += nodes
        for node in nodes:
            node.wait()
            self.clock(f"{node.name} has joined: {node.node_id[:8]}")

    def earmark(self, *line: str) -> str:
        """Runs the command to its end; gives what it printed."""
        done = subprocess.run(
            [EARMARK, *line],
            env=self.head.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=STEP_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def query(self, sql: str) -> list[dict]:
        place = ("--workspace", WORKSPACE, "--set", f"workspace.endpoint_url={self.store.url}")
        text = self.earmark("query", sql, "--format", "json", *place)
        return [json.loads(line) for line in text.splitlines()]

    def submit(self, verb: str) -> Submitted:
        """Starts `earmark submit`, which follows the job."""
        kind, name = FILES[verb]
        overrides = [f"workspace.endpoint_url={self.store.url}", *OWN[verb]]
        if "tracking" in kind.model_fields:
            overrides.append(f"tracking.uri={self.tracking_url}")
        conf = self._written(kind, name, f"workspace.root_url={WORKSPACE}", *overrides)
        cluster = self._written(
            SubmitConfig,
            "submit.yaml",
            *(f"cluster.address={self.head.address}", f"driver.python={sys.executable}"),
            "driver.memory_mb=0",  # on the head, so no lost node takes a driver with it
        )
        log = self.folder / f"{verb}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [EARMARK, "submit", verb, "--cluster", cluster, "--conf", conf],
                env=self.head.environment,
                cwd=self.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return Submitted(verb, process, log, self.clock)

    def num_features(self) -> int:
        """Committed rows of the feature index."""
        options = {f"aws_{key}": value for key, value in self._credentials().items()}
        options |= {"aws_endpoint_url": self.store.url, "aws_allow_http": "true"}
        try:
            table = DeltaTable(f"{WORKSPACE}/feature_index", storage_options=options)
        except TableNotFoundError:
            return 0
        return table.to_pyarrow_table(columns=["track_id"]).num_rows

    def _credentials(self) -> dict[str, str]:
        names = ("access_key_id", "secret_access_key", "region")
        return {name: self.store.environment[f"AWS_{name.upper()}"] for name in names}

    def _written(self, kind: type[Section], name: str, *overrides: str) -> str:
        path = self.folder / f"own-{name}"
        path.write_text(dump(load(kind, CONF / name, overrides=overrides)))
        return str(path)


@dataclass(frozen=True)
class Submitted:
    """A command that follows its job."""

    verb: str
    process: subprocess.Popen
    log: Path
    clock: Clock

    def wait(self) -> None:
        try:
            code = self.process.wait(timeout=STEP_S)
        finally:
            self.process.kill()
        text = self.log.read_text()
        assert code == 0, text
        tracebacks = text.count("Traceback (most recent")
        self.clock(f"earmark submit {self.verb}: exit code 0, {tracebacks} tracebacks in its log")
        self.clock.lines("\n".join(text.strip().splitlines()[-6:]))


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Iterator[Company]:
    """All of it, with the five jobs done."""
    folder, clock = tmp_path_factory.mktemp("company"), Clock()
    print()
    with ExitStack() as stack:
        store = stack.enter_context(s3_store())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in store.environment.items():
            patch.setenv(name, value)
        clock(f"S3 endpoint (moto) at {store.url}")
        database = stack.enter_context(tracking_store(folder))
        clock(f"database of MLflow: {database.partition(':')[0]}")
        server = stack.enter_context(mlflow_server(database, store=store, folder=folder))
        head = stack.enter_context(ray_head(num_cpus=0, variables=store.environment))
        clock(f"Ray head with a token at {head.address}")
        nodes = stack.enter_context(worker_nodes(head, folder=folder / "nodes"))
        made = Company(head, store, server.url, nodes, folder, clock)
        made.add_nodes("node-a", "node-b")
        made.reasons = write_music(store, folder / "music")
        clock(f"{NUM_TRACKS} tracks and {len(made.reasons)} broken files put into {MUSIC}")
        server.wait()
        clock(f"MLflow answers at {server.url}")
        made.submit("catalog").wait()
        lose_a_node(made)
        for verb in ("train", "tag", "publish"):
            made.submit(verb).wait()
        yield made
        clock("the tables are as they must be, or the tests say what is not")
    clock("all processes have ended")


def write_music(store: Store, folder: Path) -> dict[str, str]:
    """Tones in noise with labels, splits and players; gives the reasons of the broken ones."""
    draw = np.random.default_rng(0)
    reasons = write_broken(folder)
    rows = [{"track_id": path.stem, "uri": path.name} for path in sorted(folder.iterdir())]
    for i in range(NUM_TRACKS):
        label, split = list(TONES_HZ)[i % 3], SPLITS[i // 3 % 5]
        wave_T = tone(TONES_HZ[label] * (1 + 0.01 * (i % 7)), seconds=2.0)
        wave_T += 0.05 * draw.standard_normal(len(wave_T))
        name = f"t{i:03d}.{('wav', 'flac', 'ogg', 'mp3')[i % 4]}"
        soundfile.write(folder / name, wave_T, RATE_HZ)
        known_of_it = {"artist": f"{split} player {i % 4}", "split": split, "labels": [label]}
        rows.append({"track_id": f"t{i:03d}", "uri": name, **known_of_it})
    pq.write_table(pa.Table.from_pylist(rows[::-1]), folder / "tracks.parquet")
    filesystem, _ = store.storage.filesystem(MUSIC)
    filesystem.mkdir(BUCKET)
    filesystem.put(f"{folder}/", MUSIC, recursive=True)
    return reasons


def lose_a_node(company: Company) -> None:
    """Makes features, with SIGKILL for a node at work and another one in its place."""
    clock, features = company.clock, company.submit("features")
    while (done := company.num_features()) < KILLED_AFTER:
        assert features.process.poll() is None, features.log.read_text()
        time.sleep(0.1)
    clock(f"earmark submit features: {done} rows are committed, at work: {at_work(company)}")
    victim = company.nodes[0]
    assert victim.name in at_work(company)
    killed = victim.kill()
    company.committed_at_loss = company.num_features()
    clock(
        f"SIGKILL to all {killed} processes of {victim.name} at "
        f"{company.committed_at_loss} committed rows"
    )
    company.add_nodes("node-c")
    features.wait()
    lost = [node for node in known(company.head, "nodes") if node["state"] == "DEAD"]
    clock(f"lost: {', '.join(node['state_message'] for node in lost)}")


def at_work(company: Company) -> list[str]:
    """Names of the nodes with a worker of the job that runs."""
    names = {node.node_id: node.name for node in company.nodes}
    return sorted(
        names[actor["node_id"]]
        for actor in known(company.head, "actors")
        if actor["state"] == "ALIVE" and "ExtractTracks" in actor["class_name"]
    )


def test_a_node_was_lost_while_it_worked_and_another_took_its_place(company):
    assert KILLED_AFTER <= company.committed_at_loss < NUM_TRACKS
    states = {node["node_id"]: node["state"] for node in known(company.head, "nodes")}
    assert [states[node.node_id] for node in company.nodes] == ["DEAD", "ALIVE", "ALIVE"]


def test_each_job_is_listed_with_its_one_attempt(company):
    text = company.earmark("jobs", "--json", "--address", company.head.address)
    jobs = json.loads(text)
    assert [(job["verb"], job["status"], job["id"][-2:]) for job in jobs] == [
        (verb, "SUCCEEDED", "-1") for verb in reversed(FILES)
    ]
    assert {job["workspace"] for job in jobs} == {WORKSPACE}


def test_every_track_is_there_once(company):
    total = NUM_TRACKS + len(company.reasons)
    counted = company.query(
        "SELECT (SELECT count(*) FROM tracks) AS tracks, (SELECT count(*) FROM results) AS results,"
        " (SELECT count(DISTINCT track_id) FROM results) AS different,"
        " (SELECT count(*) FROM results WHERE status = 'ok') AS ok,"
        " (SELECT count(*) FROM tags) AS tags"
    )
    company.clock(f"earmark query: {counted}")
    assert counted == [
        {
            "tracks": total,
            "results": total,
            "different": total,
            "ok": NUM_TRACKS,
            "tags": NUM_TRACKS * len(TONES_HZ),
        }
    ]
    assert company.num_features() == total


def test_each_tag_has_a_score_of_each_track_that_can_be_heard(company):
    rows = company.query(
        "SELECT category || '---' || tag AS label, count(DISTINCT track_id) AS tracks FROM tags "
        "GROUP BY ALL"
    )
    assert {row["label"]: row["tracks"] for row in rows} == dict.fromkeys(TONES_HZ, NUM_TRACKS)


def test_broken_files_are_rows_that_say_why(company):
    rows = company.query("SELECT track_id, reason FROM rejects")
    company.clock(f"earmark query: rejects {rows}")
    assert {row["track_id"]: row["reason"] for row in rows} == company.reasons


def test_the_ledgers_promises_hold(company):
    place = ("--workspace", WORKSPACE, "--set", f"workspace.endpoint_url={company.store.url}")
    said = company.earmark("verify", *place)
    company.clock("earmark verify: exit code 0")
    company.clock.lines(said)


def test_mlflow_has_the_runs_with_their_numbers_and_the_model_in_the_bucket(company):
    client = mlflow.MlflowClient(tracking_uri=company.tracking_url)
    runs = client.search_runs([client.get_experiment_by_name("earmark").experiment_id])
    by_verb = {run.data.tags["earmark.verb"]: run for run in runs}
    assert len(runs) == len(by_verb)
    assert {verb: run.info.status for verb, run in by_verb.items()} == dict.fromkeys(
        ("features", "train", "tag"), "FINISHED"
    )
    assert all(run.data.metrics for run in runs)
    history = client.get_metric_history(by_verb["train"].info.run_id, "validation_loss")
    assert [point.step for point in history] == [0, 1]
    (version,) = client.search_model_versions("name = 'smoke'")
    assert version.run_id == by_verb["train"].info.run_id
    stored = [entry.url for entry in company.store.storage.walk(f"s3://{BUCKET}/mlflow")]
    assert any(url.endswith("weights.safetensors") for url in stored)
    numbers = {verb: len(run.data.metrics) for verb, run in by_verb.items()}
    company.clock(
        f"MLflow: runs finished with so many metrics {numbers}, model smoke version "
        f"{version.version}, {len(stored)} files in the bucket"
    )
