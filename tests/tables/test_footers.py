import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage import Storage
from pipeline.tables.footers import rows_of_files


def test_each_file_has_its_rows_or_its_fault_in_the_order_given(tmp_path):
    urls = [f"{tmp_path}/{i}.parquet" for i in range(40)]
    for i, url in enumerate(urls):
        pq.write_table(pa.table({"x": range(i)}), url)
    whole = (tmp_path / "7.parquet").read_bytes()
    (tmp_path / "7.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "8.parquet").write_bytes(b"")
    (tmp_path / "9.parquet").unlink()
    found = rows_of_files(urls, storage=Storage())
    assert list(found) == urls
    assert found[urls[9]] == "is not there"
    for i in (7, 8):
        assert found[urls[i]].startswith("is damaged: ")
    assert all(found[url] == i for i, url in enumerate(urls) if i not in (7, 8, 9))


def test_of_no_files_nothing_is_said():
    assert rows_of_files([], storage=Storage()) == {}
