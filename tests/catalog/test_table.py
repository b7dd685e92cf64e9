import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.catalog.sources import hashed_id, open_source
from pipeline.catalog.table import TableListing
from pipeline.errors import ConfigError
from pipeline.storage import Storage

STORAGE = Storage()


@pytest.fixture
def read(scan_config):
    """The rows of a table of tracks, and what was omitted."""

    def run(path, **settings):
        with ThreadPoolExecutor(2) as executor:
            listing = TableListing(
                open_source(str(path), storage=STORAGE),
                storage=STORAGE,
                scan=scan_config.model_copy(update=settings),
                executor=executor,
            )
            rows = [row for batch in listing.batches() for row in batch.to_pylist()]
        return rows, listing.omitted

    return run


@pytest.fixture
def table(music):
    """Writes a table beside the music; gives its path."""

    def run(name, text):
        (music / name).write_text(text)
        return music / name

    return run


def test_csv_parquet_and_jsonl_say_the_same(music, table, read):
    row = {
        "uri": "a/one.wav",
        "track_id": "007",
        "title": "Rain",
        "artist": "A Band",
        "year": 1999,
        "split": "test",
        "labels": ["genre---pop", "mood---sad"],
    }
    text = row | {"labels": "genre---pop;mood---sad"}
    as_csv = table("t.csv", f"{','.join(text)}\n{','.join(map(str, text.values()))}\n")
    as_jsonl = table("t.jsonl", json.dumps(row) + "\n\n")
    pq.write_table(pa.Table.from_pylist([row]), music / "t.parquet")
    expected = read(as_jsonl)[0]
    assert expected[0]["track_id"] == "007"
    assert expected[0]["year"] == 1999
    assert expected[0]["labels"] == ["genre---pop", "mood---sad"]
    assert read(as_csv)[0] == expected
    assert read(music / "t.parquet")[0] == expected


def test_an_integer_track_id_becomes_text(music, read):
    pq.write_table(pa.table({"uri": ["a/one.wav"], "track_id": [7]}), music / "t.parquet")
    assert read(music / "t.parquet")[0][0]["track_id"] == "7"


def test_a_relative_uri_starts_at_the_tables_folder(music, table, read):
    rows, _ = read(table("t.csv", "uri\na/one.wav\n../music/b/one.wav\n"))
    assert [row["uri"] for row in rows] == [str(music / "a/one.wav"), str(music / "b/one.wav")]
    assert all(row["size_bytes"] > 0 for row in rows)


def test_a_track_without_an_id_has_that_of_its_path(music, table, read):
    rows, _ = read(table("t.csv", f"uri\na/one.wav\n{music}/a/two.wav\n"))
    assert rows[0]["track_id"] == hashed_id("a/one.wav", dataset=None)
    assert rows[1]["track_id"] == hashed_id("a/two.wav", dataset=None)


def test_a_missing_file_is_a_row_with_a_reason(table, read):
    rows, _ = read(table("t.csv", "uri\na/one.wav\na/gone.wav\n"))
    assert [row["reason"] for row in rows] == [None, "missing"]


def test_a_data_set_of_the_table_stands_before_that_of_the_scan(table, read):
    rows, _ = read(table("t.csv", "uri,dataset\na/one.wav,theirs\na/two.wav,\n"), dataset="mine")
    assert [row["dataset"] for row in rows] == ["theirs", "mine"]


def test_unknown_columns_are_named(table, read):
    _, omitted = read(table("t.csv", "uri,mood,bpm\na/one.wav,sad,90\n"))
    assert omitted.columns == {"mood", "bpm"}


def test_a_table_without_uri_is_refused_with_its_columns(table, read):
    with pytest.raises(ConfigError, match="no column uri; its columns are: path, artist"):
        read(table("t.csv", "path,artist\nx.wav,y\n"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "uri\n", "has no rows"),
        ("t.csv", "uri,title\n,x\n", "row 1 of .* has an empty uri"),
        ("t.csv", "uri,labels\nx.wav,rock\n", "'rock'; labels are of the form category---name"),
        ("t.csv", "uri,split\nx.wav,dev\n", "'dev'; use train, validation, test"),
        ("t.jsonl", '{"uri": "x.wav"}\n{"uri\n', "line 2 .* is not JSON"),
        ("t.jsonl", "[1]\n", "line 1 .* is not an object"),
        ("t.parquet", "PAR1", "cannot be read as a table"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(table, read, name, text, message):
    with pytest.raises(ConfigError, match=message):
        read(table(name, text))


def test_a_table_that_is_not_utf8_is_refused(music, read):
    (music / "t.csv").write_bytes(b"uri,title\na/one.wav,caf\xe9\n")
    with pytest.raises(ConfigError, match="cannot be read as a table"):
        read(music / "t.csv")
