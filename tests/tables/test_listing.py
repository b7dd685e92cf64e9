from __future__ import annotations

import fsspec
import pyarrow as pa
from tagged import STORAGE

from pipeline.storage import Storage
from pipeline.tables import listing
from pipeline.tables.listing import list_files


def listed(root, *, tables=("results",), storage=STORAGE):
    found = list(list_files(str(root), storage=storage, tables=tables))
    return {row["path"]: row for batch in found for row in batch.to_pylist()}


def test_every_file_of_a_folder_has_its_size_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "BATCH_ROWS", 2)
    names = ["a.txt", "features/spec/part-1.parquet", "plans/x y.parquet", "results/.hidden"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found = listed(tmp_path)
    assert sorted(found) == names
    for name in names:
        facts = (tmp_path / name).stat()
        assert found[name]["size_bytes"] == len(name)
        assert found[name]["changed_at_s"] == facts.st_mtime


def test_an_empty_folder_has_no_batches(tmp_path):
    assert list(list_files(str(tmp_path), storage=STORAGE, tables=())) == []


class Pages:
    """A store of which one page at a time is asked, as of S3."""

    def __init__(self, names):
        self.names = names
        self.asked = []

    def isdir(self, path):
        return True

    def ls(self, path):
        return [{"name": f"{path}/spec"}]

    def find(self, path, *, detail, prefix):
        self.asked.append((path, prefix))
        start = f"{path}/{prefix}"
        facts = {"type": "file", "size": 7, "LastModified": None, "mtime": 12.5}
        return {name: facts for name in self.names if name.startswith(start)}


class PagedStorage(Storage):
    """Reaches `Pages`."""

    def __init__(self, pages):
        object.__setattr__(self, "pages", pages)

    def filesystem(self, url):
        return self.pages, "bucket/ws"


def test_an_object_store_is_asked_in_pages_for_what_can_be_garbage():
    names = ["results/part-0a.parquet", "features/spec/part-ff.parquet", "plans/pending/r.parquet"]
    pages = Pages([f"bucket/ws/{name}" for name in names])
    found = listed("s3://bucket/ws", storage=PagedStorage(pages))
    assert sorted(found) == sorted(names)
    assert found["results/part-0a.parquet"]["changed_at_s"] == 12.5
    assert len(pages.asked) == 1 + 2 * 16


def test_a_store_without_pages_lists_every_file_once():
    memory = fsspec.filesystem("memory")
    for name in ("part-0a", "part-1b"):
        memory.pipe(f"/listing/results/{name}", b"x")
    rows = [
        row
        for batch in list_files("memory://listing", storage=STORAGE, tables=("results",))
        for row in pa.Table.from_batches([batch]).to_pylist()
    ]
    assert sorted(row["path"] for row in rows) == ["results/part-0a", "results/part-1b"]
