"""Tables in an object store that fails: commits by conditional put, each row once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import boto3
import pytest
from botocore.exceptions import ClientError
from s3.faulty_proxy import Fault, Rule
from s3.ledger_rows import KEY, committed, start, work, written

from pipeline.errors import TableError
from pipeline.schemas import RESULTS, TAGS
from pipeline.tables import delta
from pipeline.tables.current import read_current
from pipeline.tables.database import database
from pipeline.tables.pending import PendingReader
from pipeline.tables.scorings import Scoring, write_scoring
from pipeline.tables.tags import publish
from pipeline.tables.verify import verify
from pipeline.taxonomy import Taxonomy

LOG = r"_delta_log/\d+\.json"
COMMIT_FAULTS = [Fault.SLOW_DOWN, Fault.INTERNAL, Fault.RESET, Fault.LOST, Fault.UNSURE, Fault.SLOW]
slowly = partial(pytest.param, marks=pytest.mark.slow)
by_name = pytest.mark.parametrize("fault", COMMIT_FAULTS, ids=lambda fault: fault.name)


def holds(bucket) -> bool:
    report = verify(bucket.url, storage=bucket.storage, memory_mb=256)
    assert report.holds, report.lines()
    assert not report.orphans
    return True


def held(bucket, *, tracks="abcd", run_id="r1"):
    """A committer that holds one receipt for all tracks."""
    prepared = start(bucket.url, storage=bucket.storage, tracks=list(tracks), run_id=run_id)
    receipt = written(
        bucket.url, storage=bucket.storage, tracks=list(tracks), numbers=list(range(len(tracks)))
    )
    prepared.committers[KEY].add(receipt)
    return prepared


@by_name
def test_a_fault_in_a_commit_neither_loses_nor_doubles_a_row(bucket, fault):
    committer = held(bucket).committers[KEY]
    bucket.proxy.reset(Rule(fault, method="PUT", path=LOG, times=1))
    committer.commit()
    assert bucket.proxy.faults() == {fault.name: 1}
    assert committer.committed == 4
    assert committer.commit() == 0
    assert committed(bucket.url, storage=bucket.direct) == ["a", "b", "c", "d"]
    assert holds(bucket)


def test_a_store_that_fails_all_through_a_commit_is_waited_for(bucket, monkeypatch):
    monkeypatch.setattr("pipeline.tables.ledger.LONGEST_PAUSE_S", 0.05)
    committer = held(bucket).committers[KEY]
    bucket.proxy.reset(Rule(Fault.RESET, share=0.4), Rule(Fault.SLOW_DOWN, share=0.2), seed=3)
    committer.commit()
    assert len(bucket.proxy.faults()) == 2
    bucket.proxy.reset()
    assert committed(bucket.url, storage=bucket.direct) == ["a", "b", "c", "d"]


def test_a_commit_that_cannot_be_made_says_so_and_loses_nothing(bucket, monkeypatch):
    monkeypatch.setattr("pipeline.tables.ledger.LONGEST_PAUSE_S", 0.01)
    committer = held(bucket).committers[KEY]
    bucket.proxy.reset(Rule(Fault.RESET, method="PUT", path=LOG))
    with pytest.raises(TableError, match="could not be committed to"):
        committer.commit()
    bucket.proxy.reset(Rule(Fault.DENIED, method="PUT", path=LOG))
    with pytest.raises(TableError, match="refuses access"):
        committer.commit()
    bucket.proxy.reset()
    assert committer.commit() == 4
    assert holds(bucket)


def test_a_fault_while_shared_rows_are_looked_at_loses_no_receipt(bucket, monkeypatch):
    """A past bug: the receipts that were not looked at yet were forgotten."""
    monkeypatch.setattr("pipeline.tables.ledger.LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr("pipeline.storage.S3_ATTEMPTS", 1)
    monkeypatch.setattr("pipeline.storage.S3_ROUNDS", 1)
    first = start(bucket.url, storage=bucket.storage, tracks=list("abcdef"), run_id="r1")
    second = start(bucket.url, storage=bucket.storage, tracks=list("abcdef"), run_id="r2")
    work(second, root=bucket.url, storage=bucket.storage, tracks=["a"], each=1)
    committer = first.committers[KEY]
    for numbers in ([0, 1], [2, 3], [4, 5]):
        tracks = ["abcdef"[n] for n in numbers]
        receipt = written(bucket.url, storage=bucket.storage, tracks=tracks, numbers=numbers)
        committer.add(receipt)
    bucket.proxy.reset(Rule(Fault.RESET, method="GET", path=receipt.path, times=1))
    committer.commit()
    assert bucket.proxy.faults() == {"RESET": 1}
    assert committed(bucket.url, storage=bucket.direct) == list("abcdef")
    assert holds(bucket)


@by_name
def test_a_table_is_made_once_whatever_the_answer(bucket, fault):
    bucket.proxy.reset(Rule(fault, method="PUT", path=LOG, times=1))
    table = delta.open_table(f"{bucket.url}/results", storage=bucket.storage, schema=RESULTS)
    assert bucket.proxy.faults() == {fault.name: 1}
    assert table.version() == 0
    entries = [entry.url for entry in bucket.direct.walk(f"{bucket.url}/results")]
    assert len(entries) == 1


def test_creators_and_committers_in_many_threads_share_a_scoring(bucket):
    tracks = [f"t{i:02d}" for i in range(8)]
    planned = Barrier(3)  # a plan made after a commit has fewer rows, and other numbers for them

    def run(n):
        prepared = start(bucket.url, storage=bucket.storage, tracks=tracks, run_id=f"r{n}")
        planned.wait(timeout=60)
        work(prepared, root=bucket.url, storage=bucket.storage, tracks=tracks, each=4)
        return prepared.committers[KEY].committed

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(run, range(3))) == 8
    assert committed(bucket.url, storage=bucket.direct) == tracks
    assert holds(bucket)


@pytest.mark.slow
def test_committers_in_two_processes_share_a_scoring_while_the_store_fails(bucket):
    program = Path(__file__).parent / "ledger_rows.py"
    line = [sys.executable, str(program), bucket.url, bucket.proxy.url()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen([*line, run_id, "8"], **pipes) for run_id in ("r1", "r2")]
    assert [run.stdout.readline() for run in runs] == ["ready\n", "ready\n"]
    bucket.proxy.reset(
        Rule(Fault.LOST, method="PUT", path=LOG, skip=1, times=1),
        Rule(Fault.RESET, method="GET|PUT", share=0.05, times=5),
        seed=1,
    )
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    done = [run.communicate(timeout=200)[0] for run in runs]
    assert sum(int(text) for text in done) == 8
    assert bucket.proxy.faults()["LOST"] == 1
    bucket.proxy.reset()
    assert committed(bucket.url, storage=bucket.direct) == [f"t{i:02d}" for i in range(8)]
    assert holds(bucket)


def test_a_failing_store_does_not_hold_up_a_plan_nor_a_reader_of_slices(bucket):
    bucket.proxy.reset(Rule(Fault.RESET, share=0.15), Rule(Fault.SLOW_DOWN, share=0.05), seed=5)
    tracks = [f"t{i:04d}" for i in range(3000)]
    prepared = start(bucket.url, storage=bucket.storage, tracks=tracks, run_id="r1")
    rows = PendingReader(prepared.pending, storage=bucket.storage).rows(2000, 2100)
    assert len(bucket.proxy.faults()) == 2
    assert [row["track_id"] for row in rows] == tracks[2000:2100]


def scoring() -> Scoring:
    return Scoring(
        scoring_id=KEY,
        model_version="m",
        reference="trained:m",
        taxonomy=Taxonomy("two", ("pitch---low", "pitch---high")),
        thresholds=None,
        input="audio",
        frontend={},
        chunking={},
    )


@pytest.mark.parametrize("fault", [None, Fault.LOST, *map(slowly, (Fault.RESET, Fault.UNSURE))])
def test_tags_are_published_once_whatever_the_answer(bucket, fault):
    held(bucket).committers[KEY].commit()
    write_scoring(bucket.url, storage=bucket.storage, scoring=scoring())
    if fault:
        bucket.proxy.reset(Rule(fault, method="PUT", path=f"/tags/{LOG}", skip=1, times=1))
    report = publish(bucket.url, storage=bucket.storage, memory_mb=256)
    assert (report.rows, bucket.proxy.faults()) == (8, {fault.name: 1} if fault else {})
    assert publish(bucket.url, storage=bucket.storage, memory_mb=256).rows == 0
    assert read_current(bucket.url, storage=bucket.storage)["scoring_id"].to_pylist() == [KEY]
    with database(memory_mb=256) as connection:
        table = delta.open_existing(f"{bucket.url}/tags", storage=bucket.storage, schema=TAGS)
        bucket.proxy.reset(Rule(Fault.RESET, method="GET|HEAD", path="parquet", times=2))
        delta.parquet_source(
            connection, name="tags", table=table, schema=TAGS, storage=bucket.storage
        )
        found = connection.sql("SELECT track_id, tag, score FROM tags ORDER BY ALL").fetchall()
    assert found == [
        (track, tag, score) for track in "abcd" for tag, score in (("high", 0.75), ("low", 0.25))
    ]
    assert bucket.proxy.faults() == {"RESET": 2}


def test_a_workspace_may_have_other_than_plain_letters(bucket):
    """A past bug: DuckDB was given names in which a space was %20."""
    root = f"{bucket.url}/my wörk+s=1"
    prepared = start(root, storage=bucket.storage, tracks=["a"], run_id="r1")
    work(prepared, root=root, storage=bucket.storage, tracks=["a"], each=1)
    assert verify(root, storage=bucket.storage, memory_mb=256).holds


@pytest.mark.parametrize("name", ["per%20cent", "a#b", "a*", "a[1]", "a?b"])
def test_a_workspace_name_that_two_libraries_take_for_different_ones_is_refused(bucket, name):
    with pytest.raises(TableError, match="cannot hold a Delta table"):
        delta.open_table(f"{bucket.url}/{name}/t", storage=bucket.storage, schema=RESULTS)


def test_the_server_under_these_tests_lets_one_conditional_put_through(bucket):
    """Without that the tests above would prove nothing."""
    client = boto3.client("s3", endpoint_url=bucket.proxy.url())

    def put(n: int) -> int:
        try:
            client.put_object(Bucket=bucket.name, Key="x", Body=str(n).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        return 200

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, range(24)))
    assert sorted(answers) == [200] + [412] * 23
    assert bucket.direct.read(f"{bucket.url}/x") == str(answers.index(200)).encode()
