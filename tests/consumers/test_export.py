from __future__ import annotations

import csv
import hashlib
import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from searchable import shared
from tagged import (
    SOUNDS,
    STORAGE,
    failed,
    ok,
    scoring,
    small_workspace,
    track,
    write_results,
    write_scorings,
    write_tracks,
)
from workspace import CONF

from pipeline import config
from pipeline.config_export import ExportJob
from pipeline.consumers import export_files
from pipeline.consumers.export import export
from pipeline.errors import ConfigError, TableError
from pipeline.storage import Storage
from pipeline.tables.tags import publish
from pipeline.tables.views import open_views, run_query


def job(root, output, *models: str, **export_section: str) -> ExportJob:
    overrides = [f"workspace.root_url={root}", f"export.output={output}"]
    overrides += [f"export.models={json.dumps(models)}"]
    overrides += [f"export.{name}={value}" for name, value in export_section.items()]
    return config.load(ExportJob, CONF / "export.yaml", overrides=tuple(overrides))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return shared(tmp_path_factory)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    small_workspace(root)
    publish(str(root), storage=STORAGE, memory_mb=200)
    return root


def answer(root, sql: str) -> list[tuple]:
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        return [tuple(row.values()) for row in run_query(connection, sql).to_pylist()]


@pytest.mark.parametrize(("model", "taxonomy"), [("toy", "toy"), ("net-s2", "fine")])
def test_the_long_file_is_the_view_tags_of_the_tracks_in_the_catalog(
    root, tmp_path, model, taxonomy
):
    (done,) = export(job(root, tmp_path / "a.parquet", model, shape="long"))
    table = pq.read_table(done.url)
    names = ["track_id", "tag", "category", "score", "threshold", "positive", "rank"]
    rows = [tuple(r[n] for n in names) for r in table.to_pylist() if r["status"] == "ok"]
    sql = (
        f"SELECT {', '.join(names)} FROM tags SEMI JOIN tracks USING (track_id) "
        f"WHERE taxonomy = '{taxonomy}' ORDER BY track_id, rank"
    )
    assert rows == answer(root, sql)
    assert done.content.num_left_out == 1  # "not in the catalog"


def test_the_wide_file_has_every_track_of_the_catalog_once_in_the_order_of_ids(root, tmp_path):
    (done,) = export(job(root, tmp_path / "a.parquet", "fine"))
    rows = pq.read_table(done.url).to_pylist()
    facts = "track_id, uri, artist, title, year, labels"
    wide = [tuple(row[name] for name in facts.split(", ")) for row in rows]
    assert wide == answer(root, f"SELECT {facts} FROM tracks ORDER BY track_id")
    scores = {r["track_id"]: (r["score_sung"], r["score_spoken"]) for r in rows}
    for track_id, *known in answer(root, "FROM tag_scores_fine SEMI JOIN tracks USING (track_id)"):
        assert scores[track_id] == tuple(known)
    statuses = {row["track_id"]: row["status"] for row in rows}
    assert sum(status == "not_tagged" for status in statuses.values()) == 24
    stale = answer(root, "SELECT count(*) FROM tracks WHERE audio_version = 'v2'")
    assert sum(row["up_to_date"] is True for row in rows) > 0 < stale[0][0]


def test_a_failed_track_is_a_row_with_its_reason(small, tmp_path):
    (done,) = export(job(small, tmp_path / "a.parquet", "moods"))
    rows = {row["track_id"]: row for row in pq.read_table(done.url).to_pylist()}
    assert (rows["t3"]["status"], rows["t3"]["reason"]) == ("failed", "undecodable")
    assert rows["t3"]["detail"] == "it was undecodable"
    assert rows["t4"]["status"] == "not_tagged"
    assert done.content.tracks == {"ok": 2, "not_tagged": 1, "failed": 1}
    assert done.content.failures == {"undecodable": 1}


def test_a_file_that_changed_and_was_not_scored_again_is_not_up_to_date(tmp_path):
    write_scorings(tmp_path, scoring("s2", SOUNDS, (0.5, 0.5, 0.9)))
    write_tracks(tmp_path, [track("t1", version="v2"), track("t2", version="v2")])
    write_results(
        tmp_path,
        [
            ok("t1", [0.6, 0.5, 0.75], by="s2"),
            failed("t1", "empty", by="s2", version="v2"),
            failed("t2", "empty", by="s2"),
        ],
    )
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    (done,) = export(job(tmp_path, tmp_path / "out" / "a.parquet"))
    one, other = pq.read_table(done.url).to_pylist()
    assert (one["status"], one["up_to_date"], one["tags"]) == (
        "ok",
        False,
        ["instrument---piano", "instrument---drums"],
    )
    assert (other["status"], other["reason"]) == ("not_tagged", None)


def test_a_folder_gets_a_file_for_every_current_model(small, tmp_path):
    done = export(job(small, tmp_path / "new" / "folder"))
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    expected = [f"net-{key}@0123456789ab-{key}.parquet" for key in ("s1", "s2")]
    endings = ("", ".dictionary.json", ".dictionary.md")
    assert names == sorted(name + ending for name in expected for ending in endings)
    assert [Path(one.url).name for one in done] == expected


def test_an_older_scoring_can_be_named_and_a_name_of_several_means_the_current_one(tmp_path):
    small_workspace(tmp_path)
    write_scorings(tmp_path, scoring("s5"))
    write_results(tmp_path, [ok("t1", [0.3, 0.3, 0.3, 0.3], by="s5", minutes=60)])
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    (done,) = export(job(tmp_path, tmp_path / "x.parquet", "s5"))
    told = json.loads(Path(done.url + ".dictionary.json").read_text())
    assert told["source"]["is_current"] is False
    (done,) = export(job(tmp_path, tmp_path / "x.parquet", "moods"))
    assert done.model_version.startswith("net-s1")


def test_the_dictionary_tells_of_the_file_that_it_stands_beside(small, tmp_path):
    (done,) = export(job(small, tmp_path / "a.csv", "sounds"))
    data = Path(done.url).read_bytes()
    told = json.loads(Path(done.url + ".dictionary.json").read_text())
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    assert (told["num_rows"], told["size_bytes"]) == (4, len(data))
    assert told["source"]["plan_ids"] == ["plan"]
    assert told["source"]["licence"].startswith("not known")
    header = next(csv.reader(data.decode().splitlines()))
    assert [column["name"] for column in told["columns"]] == header
    text = Path(done.url + ".dictionary.md").read_text()
    assert all(f"`{name}`" in text for name in header)


def test_the_meaning_of_columns_is_in_the_parquet_file_too(small, tmp_path):
    (done,) = export(job(small, tmp_path / "a.parquet", "sounds"))
    schema = pq.read_schema(done.url)
    assert schema.field("duration_s").metadata[b"unit"] == b"seconds"
    assert b"instrument---piano" in schema.field("score_piano").metadata[b"comment"]
    source = json.loads(schema.metadata[b"earmark.source"])
    assert source["model_version"] == "net-s2@0123456789ab"


@pytest.mark.parametrize("shape", ["wide", "long"])
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_same_tables_give_the_same_bytes_whatever_the_batches(
    root, tmp_path, monkeypatch, shape, kind
):
    (one,) = export(job(root, tmp_path / f"a.{kind}", "fine", shape=shape))
    (two,) = export(job(root, tmp_path / f"b.{kind}", "fine", shape=shape))
    assert Path(one.url).read_bytes() == Path(two.url).read_bytes()
    monkeypatch.setattr(export_files, "TRACKS_A_BATCH", 7)
    monkeypatch.setattr(export_files, "ROWS_A_BATCH", 7)
    (small_batches,) = export(job(root, tmp_path / f"c.{kind}", "fine", shape=shape))
    if kind == "csv":
        assert Path(small_batches.url).read_bytes() == Path(one.url).read_bytes()
    else:
        assert pq.read_table(small_batches.url).equals(pq.read_table(one.url))


def test_csv_and_parquet_hold_the_same(root, tmp_path):
    (one,) = export(job(root, tmp_path / "a.parquet", "fine"))
    (two,) = export(job(root, tmp_path / "a.csv", "fine", cells="plain"))
    with Path(two.url).open(newline="") as file:
        texts = list(csv.DictReader(file))
    for row, cells in zip(pq.read_table(one.url).to_pylist(), texts, strict=True):
        assert cells["track_id"] == row["track_id"]
        assert cells["title"] == (row["title"] or "")
        assert json.loads(cells["labels"]) == row["labels"]
        if row["score_sung"] is None:
            assert cells["score_sung"] == cells["positive_sung"] == ""
        else:
            assert math.isclose(float(cells["score_sung"]), row["score_sung"], rel_tol=1e-6)
            assert cells["positive_sung"] == str(row["positive_sung"]).lower()


def test_a_title_that_is_a_formula_is_guarded_and_counted(tmp_path):
    small_workspace(tmp_path)
    write_tracks(tmp_path, [track("t9", title='=cmd|"/C calc"!A0', artist="-M-\nlive")])
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    (done,) = export(job(tmp_path, tmp_path / "a.csv", "sounds"))
    assert done.content.num_guarded == 2
    with Path(done.url).open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert (last["title"], last["artist"]) == ('\'=cmd|"/C calc"!A0', "'-M-\nlive")


def test_a_file_is_whole_or_not_there_and_the_old_one_stays(small, tmp_path, monkeypatch):
    (done,) = export(job(small, tmp_path / "a.parquet", "sounds"))
    before = Path(done.url).read_bytes()

    def breaks(self: Storage, path: str, url: str) -> None:
        raise OSError("the cable")

    monkeypatch.setattr(Storage, "put", breaks)
    with pytest.raises(OSError, match="the cable"):
        export(job(small, tmp_path / "a.parquet", "sounds", shape="long"))
    with pytest.raises(OSError, match="the cable"):
        export(job(small, tmp_path / "b.parquet", "sounds"))
    assert Path(done.url).read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("b.")]


@pytest.mark.parametrize(
    ("output", "models", "section", "said"),
    [
        ("", (), {}, "give --out"),
        ("a.csv", ("sounds",), {"format": "parquet"}, "contradict"),
        ("a.parquet", (), {}, "there are 2 models"),
        ("out", ("nosuch",), {}, "no scoring 'nosuch'"),
    ],
)
def test_what_cannot_be_written_is_refused(small, tmp_path, output, models, section, said):
    with pytest.raises(ConfigError, match=said):
        export(job(small, output and tmp_path / output, *models, **section))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["tags", "tags/a.parquet"])
def test_the_folder_of_a_table_is_refused(small, name):
    before = sorted((small / "tags").iterdir())
    with pytest.raises(ConfigError, match="is a Delta table"):
        export(job(small, small / name, "sounds"))
    assert sorted((small / "tags").iterdir()) == before


def test_an_empty_catalog_is_refused(tmp_path):
    write_scorings(tmp_path, scoring("s2", SOUNDS))
    write_results(tmp_path, [ok("t1", [0.6, 0.5, 0.75], by="s2")])
    publish(str(tmp_path), storage=STORAGE, memory_mb=200)
    with pytest.raises(TableError, match="no tracks"):
        export(job(tmp_path, tmp_path / "a.parquet"))
    assert not (tmp_path / "a.parquet").exists()


def test_nothing_current_is_told(tmp_path):
    write_tracks(tmp_path, [track("t1")])
    with pytest.raises(ConfigError, match="no model is current"):
        export(job(tmp_path, tmp_path / "out"))
