"""Where bytes are: local paths and URLs, through fsspec. The only home of fsspec.

One set of options serves fsspec (audio, features, bundles), pyarrow (Parquet parts) and deltalake
(tables). Secrets are not among them: they stay with each library's own mechanism (environment
variables, profiles, instance roles).
"""

from __future__ import annotations

import posixpath
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
import pyarrow.fs as pafs
from fsspec.core import url_to_fs

from pipeline.errors import ConfigError, DataError, Reason
from pipeline.store_faults import DELTA_RETRIES, FAULTS, patiently, told
from pipeline.urls import absolute, has_glob, is_local, join, local_path

__all__ = ["FAULTS", "Entry", "Storage", "absolute", "has_glob", "is_local", "join", "local_path"]

RETRY_PAUSES_S = (0.2, 1.0, 4.0)
"""Between Earmark's own attempts; each is what the libraries below make of it."""
S3_ATTEMPTS = 5
"""botocore's, a request: pauses of up to 1, 2, 4 and 8 s."""
S3_ROUNDS = 3
"""s3fs's, around botocore's: for answers that break off."""


@dataclass(frozen=True)
class Entry:
    """A file that a walk met. `version` changes when its bytes do."""

    url: str
    size_bytes: int
    version: str


@dataclass(frozen=True)
class Storage:
    """Options for object stores; the default serves local paths and plain clouds.

    Attributes:
        endpoint_url: of an S3-compatible store, else None.
        region: of an S3 bucket, else None.
    """

    endpoint_url: str | None = None
    region: str | None = None

    def filesystem(self, url: str) -> tuple[fsspec.AbstractFileSystem, str]:
        """The fsspec file system of a URL, and the path in it."""
        if is_local(url):  # not by url_to_fs: it takes `Song::Live.mp3` for a chain of URLs
            return fsspec.filesystem("file"), local_path(url)
        if url.startswith(("s3://", "s3a://")):  # nor here: names of objects may hold `::` too
            fs = self._s3()
            return fs, fs._strip_protocol(url)
        try:
            fs, path = url_to_fs(url)
        except ImportError as error:
            raise ConfigError(f"{url} cannot be reached from here: {error}") from error
        return fs, path

    def _s3(self) -> fsspec.AbstractFileSystem:
        fs = fsspec.filesystem(
            "s3",
            endpoint_url=self.endpoint_url,
            client_kwargs={"region_name": self.region} if self.region else {},
            config_kwargs={"retries": {"mode": "standard", "total_max_attempts": S3_ATTEMPTS}},
            use_listings_cache=False,  # other machines write here too
        )
        fs.retries = S3_ROUNDS
        return fs

    def arrow_filesystem(self, url: str) -> tuple[pafs.FileSystem, str]:
        """The pyarrow file system of a URL, and the path in it."""
        fs, path = self.filesystem(url)
        if is_local(url):
            return pafs.LocalFileSystem(), path
        return pafs.PyFileSystem(pafs.FSSpecHandler(fs)), path

    def delta_options(self, url: str) -> dict[str, str] | None:
        """What deltalake's object store needs for the URL."""
        if is_local(url):
            return None
        options = dict(DELTA_RETRIES)
        if self.endpoint_url:
            options["AWS_ENDPOINT_URL"] = self.endpoint_url
            if self.endpoint_url.startswith("http://"):
                options["AWS_ALLOW_HTTP"] = "true"
        if self.region:
            options["AWS_REGION"] = self.region
        return options

    def exists(self, url: str) -> bool:
        """Whether a file or folder is there."""
        fs, path = self.filesystem(url)
        with _answering(url):
            return bool(fs.exists(path))

    def is_dir(self, url: str) -> bool:
        """Whether the URL is a folder."""
        fs, path = self.filesystem(url)
        with _answering(url):
            return bool(fs.isdir(path))

    def open(self, url: str, mode: str = "rb") -> IO[bytes]:
        """A file object; its parent folders are made when it is written."""
        fs, path = self.filesystem(url)
        if "w" in mode and is_local(url):
            fs.makedirs(posixpath.dirname(path), exist_ok=True)
        handle: IO[bytes] = fs.open(path, mode)
        return handle

    def write(self, url: str, data: bytes) -> None:
        """Writes a whole file: on a local disk through a temporary name, so never half of it."""
        if not is_local(url):
            fs, remote = self.filesystem(url)
            with _answering(url):
                patiently(lambda: fs.pipe_file(remote, data), pauses_s=RETRY_PAUSES_S)
            return
        path = Path(local_path(url))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        temporary.write_bytes(data)
        temporary.replace(path)

    def put(self, path: str, url: str) -> None:
        """Copies a local file to a URL; never leaves half of it under the name."""
        if is_local(url):
            target = Path(local_path(url))
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = _temporary(target)
            shutil.copyfile(path, temporary)
            temporary.replace(target)
        else:
            fs, remote = self.filesystem(url)
            with _answering(url):
                patiently(lambda: fs.put_file(path, remote), pauses_s=RETRY_PAUSES_S)

    def read(self, url: str) -> bytes:
        """A whole file."""

        def whole() -> bytes:
            with self.open(url) as file:
                return file.read()

        with _answering(url):
            return whole() if is_local(url) else patiently(whole, pauses_s=RETRY_PAUSES_S)

    def delete(self, url: str) -> None:
        """Removes one file."""
        fs, path = self.filesystem(url)
        with _answering(url):
            fs.rm_file(path)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """A track's file; a store that fails is asked again, a few times.

        Raises:
            DataError: missing, empty, too_large, or fetch_failed with what the store said.
            ConfigError: a library for the URL's kind of store is not installed.
        """
        try:
            data = patiently(
                lambda: self._start_of(url, num_bytes=max_bytes + 1),
                pauses_s=() if is_local(url) else RETRY_PAUSES_S,
            )
        except FileNotFoundError:
            raise DataError(Reason.MISSING, url) from None
        except (ValueError, *FAULTS) as error:
            raise DataError(Reason.FETCH_FAILED, f"{type(error).__name__}: {error}") from error
        if len(data) > max_bytes:
            raise DataError(Reason.TOO_LARGE, f"over {max_bytes} bytes, the limit")
        if not data:
            raise DataError(Reason.EMPTY, "0 bytes")
        return data

    def _start_of(self, url: str, *, num_bytes: int) -> bytes:
        fs, path = self.filesystem(url)
        with fs.open(path, "rb") as file:
            data: bytes = file.read(num_bytes)
        return data

    def stat(self, url: str) -> Entry:
        """One file.

        Raises:
            FileNotFoundError: it is not there, or is no file.
        """
        fs, path = self.filesystem(url)
        with _answering(url):
            info = fs.info(path)
        if info["type"] != "file":
            raise FileNotFoundError(f"not a file but a {info['type']}")
        return Entry(url, int(info["size"] or 0), _version(info))

    def walk(self, url: str) -> Iterator[Entry]:
        """Every file below a folder, or that a glob names, in the order of its path."""
        fs, path = self.filesystem(url)
        with _answering(url):
            if fs.isdir(path):  # first of all: `Album [2004]` is a folder, not a pattern
                found = fs.find(path, detail=True)
            elif has_glob(path) and not fs.exists(path):
                found = fs.glob(path, detail=True)
            else:
                found = {path: fs.info(path)}
        for name in sorted(found):
            info = found[name]
            if info["type"] == "file":
                yield Entry(_as_url(fs, name, like=url), int(info["size"] or 0), _version(info))


@contextmanager
def _answering(url: str) -> Iterator[None]:
    """Words for what a store refuses; a local disk's errors stay as they are."""
    if is_local(url):
        yield
        return
    with told(url):
        yield


def _temporary(path: Path) -> Path:
    """A name beside a file that no other process uses."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")


def _as_url(fs: fsspec.AbstractFileSystem, name: str, *, like: str) -> str:
    return name if is_local(like) else str(fs.unstrip_protocol(name))


def _version(info: dict[str, Any]) -> str:
    """The store's etag, else size and time of change."""
    etag = info.get("ETag") or info.get("etag")
    if etag:
        return str(etag).strip('"')
    changed = info.get("mtime") or info.get("LastModified") or info.get("created") or ""
    return f"{info.get('size')}-{changed}"
