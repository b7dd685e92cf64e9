"""One S3 server and one faulty proxy for the suite; a bucket of its own for each test."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest
from s3.faulty_proxy import FaultyProxy, Remote

from pipeline.storage import Storage

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Endpoint:
    """The server, and the proxy in front of it."""

    direct_url: str
    proxy: FaultyProxy


@dataclass(frozen=True)
class Bucket:
    """An empty bucket behind the proxy."""

    name: str
    proxy: FaultyProxy
    storage: Storage
    direct: Storage
    """Past the proxy: for what the test itself looks at."""

    @property
    def url(self) -> str:
        return f"s3://{self.name}"


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    """The server keeps its objects in memory."""
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "serve.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(server.stdout.readline())
        with Remote(ctx=get_context("spawn")) as remote:
            yield Endpoint(f"http://127.0.0.1:{port}", remote.FaultyProxy(port))
    finally:
        server.stdin.close()
        server.wait(timeout=20)


@pytest.fixture
def bucket(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    proxy, direct = endpoint.proxy, Storage(endpoint_url=endpoint.direct_url)
    name = f"b-{uuid.uuid4().hex[:12]}"
    filesystem, _ = direct.filesystem("s3://x")
    filesystem.mkdir(name)
    proxy.reset()
    yield Bucket(name, proxy, Storage(endpoint_url=proxy.url()), direct)
    proxy.reset()
