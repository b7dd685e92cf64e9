"""Files in an object store that fails: what is tried again, and what people are told."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3.faulty_proxy import Fault, Rule
from workspace import write_tones

from pipeline.catalog.probe import probe
from pipeline.errors import ConfigError, DataError, Reason
from pipeline.schemas import CATALOG
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.receipt import write_parquet

NAMES = [
    "a b.mp3",
    "q'uo\"te.mp3",
    "音楽/ü.mp3",
    "per%20cent.mp3",
    "Song::Live.mp3",
    "hash#x.mp3",
    "que?stion.mp3",
    "br[1]*.mp3",
    "plus+.mp3",
    "back\\slash.mp3",
]
PASSING = [Fault.SLOW_DOWN, Fault.INTERNAL, Fault.RESET, Fault.LOST]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("pipeline.storage.RETRY_PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr("pipeline.storage.S3_ATTEMPTS", 2)


def put(bucket, name, data=b"abc"):
    bucket.direct.write(join(bucket.url, name), data)
    return join(bucket.url, name)


def test_every_name_can_be_written_found_and_fetched(bucket):
    for name in NAMES:
        bucket.storage.write(f"{bucket.url}/in/{name}", name.encode())
    found = list(bucket.storage.walk(f"{bucket.url}/in"))
    assert {entry.url for entry in found} == {f"{bucket.url}/in/{name}" for name in NAMES}
    for entry in found:
        assert entry.url.endswith(bucket.storage.fetch(entry.url, max_bytes=100).decode())
        assert bucket.storage.stat(entry.url) == entry


def test_a_line_end_in_a_listed_name_is_part_of_it(bucket):
    """The server has no such names, so the listing is answered here as S3 does."""
    url = put(bucket, "in/new-line.mp3")
    bucket.proxy.replace(b"new-line", b"new%0Aline")
    (entry,) = bucket.storage.walk(f"{bucket.url}/in")
    assert entry.url == url.replace("new-line", "new\nline")


def test_a_walk_and_a_glob_give_files_with_their_versions(bucket):
    put(bucket, "x/b/two.wav", b"22")
    put(bucket, "x/one.mp3")
    two, one = bucket.storage.walk(f"{bucket.url}/x")
    assert (one.url, one.size_bytes) == (f"{bucket.url}/x/one.mp3", 3)
    assert two.version != one.version
    assert list(bucket.storage.walk(f"{bucket.url}/x/*.mp3")) == [one]
    put(bucket, "x/one.mp3", b"abd")
    (changed,) = bucket.storage.walk(f"{bucket.url}/x/*.mp3")
    assert changed.version != one.version


def test_files_are_put_found_and_deleted(bucket, tmp_path):
    (tmp_path / "source").write_bytes(b"x" * 300_000)
    url = join(bucket.url, "deep/er/file")
    bucket.storage.put(str(tmp_path / "source"), url)
    assert bucket.storage.read(url) == b"x" * 300_000
    assert bucket.storage.exists(url)
    assert bucket.storage.is_dir(join(bucket.url, "deep"))
    bucket.storage.delete(url)
    assert not bucket.storage.exists(url)


def test_a_track_that_is_not_there_or_empty_or_large_has_its_reason(bucket):
    for name, data, reason in [
        ("none.mp3", None, Reason.MISSING),
        ("empty.mp3", b"", Reason.EMPTY),
        ("large.mp3", b"123456", Reason.TOO_LARGE),
    ]:
        url = join(bucket.url, name) if data is None else put(bucket, name, data)
        with pytest.raises(DataError) as error:
            bucket.storage.fetch(url, max_bytes=5)
        assert error.value.reason == reason


@pytest.mark.parametrize("fault", [*PASSING, Fault.CUT], ids=lambda f: f.name)
def test_a_fault_that_passes_is_not_seen_by_readers(bucket, fault):
    url = put(bucket, "x.mp3", b"x" * 200_000)
    bucket.proxy.reset(Rule(fault, method="GET", times=2))
    assert bucket.storage.fetch(url, max_bytes=10**6) == b"x" * 200_000
    assert bucket.proxy.faults() == {fault.name: 2}
    bucket.proxy.reset(Rule(fault, path="list-type=2.*encoding", times=1))
    assert [entry.url for entry in bucket.storage.walk(bucket.url)] == [url]
    assert bucket.proxy.faults() == {fault.name: 1}


@pytest.mark.parametrize("times", [2, 4])  # the second time s3fs's own rounds are used up
def test_a_header_is_read_though_answers_break_off(bucket, times, tmp_path):
    write_tones(tmp_path, num_tracks=1)
    (tone,) = tmp_path.iterdir()
    url = put(bucket, tone.name, tone.read_bytes())
    bucket.proxy.reset(Rule(Fault.CUT, method="GET", times=times))
    assert probe(url, storage=bucket.storage, timeout_s=60).duration_s
    assert bucket.proxy.faults() == {"CUT": times}


def test_a_header_that_never_comes_costs_the_track(bucket, quick, monkeypatch):
    monkeypatch.setattr("pipeline.catalog.probe.RETRY_PAUSES_S", (0.01,))
    url = put(bucket, "x.mp3", b"x" * 100_000)
    bucket.proxy.reset(Rule(Fault.CUT, method="GET"))
    with pytest.raises(DataError) as error:
        probe(url, storage=bucket.storage, timeout_s=60)
    assert error.value.reason == Reason.FETCH_FAILED


@pytest.mark.parametrize("fault", [*PASSING, Fault.UNSURE], ids=lambda f: f.name)
def test_a_fault_that_passes_is_not_seen_by_writers(bucket, fault, tmp_path):
    (tmp_path / "source").write_bytes(b"put")
    table = pa.table({"n": list(range(1000))})
    bucket.proxy.reset(Rule(fault, method="PUT|POST|DELETE", path="written", times=1))
    bucket.storage.write(join(bucket.url, "written"), b"abc")
    assert bucket.proxy.faults() == {fault.name: 1}
    bucket.proxy.reset(Rule(fault, method="PUT|POST|DELETE", path="put", times=1))
    bucket.storage.put(str(tmp_path / "source"), join(bucket.url, "put"))
    assert bucket.proxy.faults() == {fault.name: 1}
    bucket.proxy.reset(Rule(fault, method="PUT|POST|DELETE", path="part", times=1))
    size_bytes = write_parquet(table, join(bucket.url, "part"), storage=bucket.storage)
    assert bucket.proxy.faults() == {fault.name: 1}
    bucket.proxy.reset(Rule(fault, method="PUT|POST|DELETE", path="put", times=1))
    bucket.storage.delete(join(bucket.url, "put"))
    assert bucket.proxy.faults() == {fault.name: 1}
    assert bucket.direct.read(join(bucket.url, "written")) == b"abc"
    assert not bucket.direct.exists(join(bucket.url, "put"))
    part = bucket.direct.read(join(bucket.url, "part"))
    assert len(part) == size_bytes
    assert pq.read_table(pa.BufferReader(part)) == table


def test_a_store_that_never_answers_costs_the_track_and_a_bounded_time(bucket, quick):
    url = put(bucket, "x.mp3")
    bucket.proxy.reset(Rule(Fault.RESET))
    with pytest.raises(DataError) as error:
        bucket.storage.fetch(url, max_bytes=10)
    assert error.value.reason == Reason.FETCH_FAILED
    # botocore's attempts, s3fs's rounds, and Earmark's
    assert 3 < len(bucket.proxy.requests()) <= 2 * 3 * 3


def test_a_store_that_never_answers_fails_a_write_as_an_os_error(bucket, quick):
    bucket.proxy.reset(Rule(Fault.RESET))
    with pytest.raises(OSError, match=r"x\.json"):
        bucket.storage.write(join(bucket.url, "x.json"), b"{}")


def test_what_the_store_refuses_is_not_asked_again(bucket):
    url = put(bucket, "x.mp3")
    bucket.proxy.reset(Rule(Fault.DENIED))
    with pytest.raises(DataError) as error:
        bucket.storage.fetch(url, max_bytes=10)
    assert error.value.reason == Reason.FETCH_FAILED
    assert len(bucket.proxy.requests()) == 1


def calls(storage: Storage, url: str, source: str):
    return {
        "walk": lambda: list(storage.walk(url)),
        "read": lambda: storage.read(url),
        "write": lambda: storage.write(url, b"{}"),
        "put": lambda: storage.put(source, url),
        "open": lambda: delta.open_existing(url, storage=storage, schema=CATALOG),
        "make": lambda: delta.open_table(url, storage=storage, schema=CATALOG),
    }


@pytest.mark.parametrize("name", ["walk", "read", "write", "put", "open", "make"])
def test_no_access_and_no_bucket_are_the_users_to_mend(bucket, tmp_path, name):
    (tmp_path / "source").write_bytes(b"put")
    source = str(tmp_path / "source")
    with pytest.raises(ConfigError, match="there is no bucket 'no-such-bucket'"):
        calls(bucket.storage, "s3://no-such-bucket/x", source)[name]()
    bucket.proxy.reset(Rule(Fault.DENIED))
    with pytest.raises(ConfigError, match=f"refuses access.*{bucket.name}"):
        calls(bucket.storage, join(bucket.url, "x"), source)[name]()


def test_a_bucket_that_may_be_read_only_says_so_where_it_is_written(bucket):
    bucket.proxy.reset(Rule(Fault.DENIED, method="PUT|POST"))
    with pytest.raises(ConfigError, match="refuses access"):
        delta.open_table(join(bucket.url, "t"), storage=bucket.storage, schema=CATALOG)


def test_missing_credentials_are_the_users_to_mend(bucket, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    other = Storage(endpoint_url=bucket.proxy.url(), region="eu-west-1")
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID"):
        other.write(join(bucket.url, "x"), b"{}")
