import io
import time
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pyarrow as pa
import pytest

from pipeline.audio.header import Header
from pipeline.catalog import probe as module
from pipeline.catalog.probe import PROBED, probe, probe_batches
from pipeline.errors import DataError, Reason
from pipeline.storage import Storage

STORAGE = Storage()


def reason_of(uri, *, timeout_s=5.0):
    with pytest.raises(DataError) as caught:
        probe(str(uri), storage=STORAGE, timeout_s=timeout_s)
    return caught.value.reason


def test_a_file_gives_its_header(music):
    assert probe(str(music / "a/one.wav"), storage=STORAGE, timeout_s=5.0) == Header(
        codec="pcm_16", sample_rate_hz=8_000, num_channels=1, duration_s=0.5
    )


def test_a_file_of_any_store_gives_its_header(music):
    fsspec.filesystem("memory").pipe("/probe/one.wav", (music / "a/one.wav").read_bytes())
    header = probe("memory://probe/one.wav", storage=STORAGE, timeout_s=5.0)
    assert header.codec == "pcm_16"


def test_each_fault_has_its_reason(tmp_path):
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "page.mp3").write_text("<html>404</html>")
    assert reason_of(tmp_path / "gone.mp3") is Reason.MISSING
    assert reason_of(tmp_path / "empty.mp3") is Reason.EMPTY
    assert reason_of(tmp_path / "page.mp3") is Reason.NOT_AUDIO
    assert reason_of("nothing://x.mp3") is Reason.FETCH_FAILED


def test_a_file_without_an_end_costs_the_deadline(tmp_path):
    path = tmp_path / "endless.mp3"
    path.write_bytes(b"\xff\xe0" * 4_000_000)  # signs of a frame, and never one
    started = time.monotonic()
    assert reason_of(path, timeout_s=0.2) is Reason.TIMED_OUT
    assert time.monotonic() - started < 5.0


def test_a_header_without_an_end_costs_the_byte_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_HEADER_BYTES", 10_000)
    path = tmp_path / "tags.wav"
    size = 50_000
    path.write_bytes(b"RIFF\0\0\0\0WAVELIST" + size.to_bytes(4, "little") + b"INFO" + b"x" * size)
    assert reason_of(path) is Reason.UNDECODABLE


def test_an_answer_of_the_store_that_came_too_late_is_a_time_out(monkeypatch, music):
    class SlowFile(io.FileIO):
        def read(self, size=-1):
            time.sleep(0.1)
            return super().read(size)

    monkeypatch.setattr(
        Storage, "filesystem", lambda self, url: (Opener(SlowFile), url), raising=True
    )
    assert reason_of(music / "a/one.wav", timeout_s=0.05) is Reason.TIMED_OUT


class Opener:
    def __init__(self, kind):
        self.kind = kind

    def open(self, path, mode, **options):
        return self.kind(path, mode)


def test_a_batch_has_a_row_for_each_file_in_its_order(music):
    uris = [str(music / "a/one.wav"), str(music / "gone.wav"), str(music / "b/one.wav")]
    batch = pa.RecordBatch.from_pydict({"position": [4, 5, 9], "uri": uris})
    with ThreadPoolExecutor(3) as executor:
        (found,) = probe_batches(iter([batch]), storage=STORAGE, timeout_s=5.0, executor=executor)
    assert found.schema == PROBED
    assert found["position"].to_pylist() == [4, 5, 9]
    assert found["codec"].to_pylist() == ["pcm_16", None, "pcm_16"]
    assert found["reason"].to_pylist() == [None, "missing", None]
