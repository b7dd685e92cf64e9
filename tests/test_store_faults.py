from __future__ import annotations

import errno
import os
import subprocess
import tempfile

import pyarrow as pa
import pytest

from pipeline.errors import UserError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage
from pipeline.store_faults import lasts, patiently, scratch
from pipeline.tables.plan import make_plan


@pytest.fixture
def full_disk(tmp_path, monkeypatch):
    """The temporary folder on a file system of 64 KiB, where this process may mount one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(line, capture_output=True).returncode != 0:
        pytest.skip("skipped: mounting a small file system needs root")
    monkeypatch.setattr(tempfile, "tempdir", str(mounted))
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


class Flaky:
    """Fails with each error in turn, then works."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_may_pass_is_tried_again_as_often_as_there_are_pauses():
    call = Flaky(OSError("503"), ConnectionResetError())
    assert patiently(call, pauses_s=(0.0, 0.0)) == "done"
    assert call.calls == 3
    call = Flaky(OSError("503"), OSError("503"))
    with pytest.raises(OSError, match="503"):
        patiently(call, pauses_s=(0.0,))


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(), PermissionError("Forbidden"), OSError(errno.ENOSPC, "full")],
    ids=lambda error: type(error).__name__,
)
def test_what_lasts_is_not_tried_again(error):
    assert lasts(error)
    call = Flaky(error)
    with pytest.raises(type(error)):
        patiently(call, pauses_s=(0.0, 0.0))
    assert call.calls == 1


def test_no_other_error_is_caught():
    call = Flaky(ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        patiently(call, pauses_s=(0.0,))
    assert call.calls == 1


def test_a_full_temporary_folder_is_named_with_what_to_do(full_disk):
    with (
        pytest.raises(UserError, match=f"{full_disk} is full.*TMPDIR"),
        scratch("earmark-test-") as folder,
    ):
        (folder / "x").write_bytes(b"x" * 2**20)
    assert list(full_disk.iterdir()) == []


def test_a_plan_that_does_not_fit_the_temporary_folder_says_so(full_disk, tmp_path):
    import duckdb

    ids = [os.urandom(16).hex() for _ in range(50_000)]
    rows = {"track_id": ids, "audio_version": ids, "uri": ids}
    with duckdb.connect() as connection:
        schema = pa.schema([CATALOG.field(name) for name in rows])
        connection.register("planned", pa.table(rows, schema=schema))
        with pytest.raises(UserError, match="temporary folder"):
            make_plan(
                connection, root_url=str(tmp_path), storage=Storage(), key="k", table="results"
            )
    assert not (tmp_path / "plans").exists()
