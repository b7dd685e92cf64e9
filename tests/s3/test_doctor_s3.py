"""What the doctor says of a workspace in an object store, also one that fails."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from s3.faulty_proxy import Fault, FaultyProxy, Rule

from pipeline.doctor.deadline import carry_out
from pipeline.doctor.finding import State
from pipeline.doctor.node_trial import try_store
from pipeline.doctor.store import Trial
from pipeline.storage import Storage


def looked(trial):
    return carry_out("workspace", trial.check_files, timeout_s=60, remedy="mend it")


def test_a_bucket_that_is_well_is_left_empty(bucket):
    bucket.direct.write(f"{bucket.url}/ws/mine.txt", b"x")
    trial = Trial(f"{bucket.url}/ws", storage=bucket.storage)
    found = [*looked(trial), *trial.check_creation(), *trial.check_commit()]
    assert [(f.check, f.state) for f in found] == [
        ("workspace", State.OK),
        ("conditional put", State.OK),
        ("table commit", State.OK),
    ]
    places = {"folder_url": trial.folder_url, "endpoint_url": bucket.proxy.url(), "region": None}
    assert try_store(**places, expected=trial.content) == ""
    assert trial.remove() == []
    left = [entry.url for entry in bucket.direct.walk(bucket.url)]
    assert left == [f"{bucket.url}/ws/mine.txt"]


def test_a_bucket_that_may_only_be_read_has_failed_with_its_remedy(bucket):
    bucket.proxy.reset(Rule(Fault.DENIED, method="PUT|POST"))
    (found,) = looked(Trial(bucket.url, storage=bucket.storage))
    assert found.state is State.FAILED
    assert "refuses access" in found.seen
    assert "list, read, write and delete" in found.remedy


def test_a_bucket_that_is_not_there_has_failed(bucket):
    (found,) = looked(Trial("s3://no-such-bucket/ws", storage=bucket.storage))
    assert (found.state, "there is no bucket" in found.seen) == (State.FAILED, True)


@pytest.fixture
def deaf(bucket):
    """The same server, but a put with a condition is a put."""
    proxy = FaultyProxy(urlsplit(bucket.direct.endpoint_url).port)
    handler = proxy._server.RequestHandlerClass

    class Deaf(handler):
        def _forward(self, body):
            del self.headers["If-None-Match"]
            return super()._forward(body)

    proxy._server.RequestHandlerClass = Deaf
    yield Storage(endpoint_url=proxy.url())
    proxy.close()


def test_a_store_without_conditional_put_has_failed(bucket, deaf):
    trial = Trial(bucket.url, storage=deaf)
    (found,) = trial.check_creation()
    assert found.state is State.FAILED
    assert "7 of 7 creators of one key won" in found.seen
    assert "overwrite each other's commits" in found.remedy
    assert trial.remove() == []


def test_what_may_not_be_deleted_is_named(bucket):
    bucket.proxy.reset(Rule(Fault.DENIED, method="DELETE"))
    trial = Trial(bucket.url, storage=bucket.storage)
    (found,) = looked(trial)
    assert (found.state, "deleting: " in found.seen) == (State.FAILED, True)
    (cleaned,) = trial.remove()
    assert trial.folder_url in cleaned.remedy
