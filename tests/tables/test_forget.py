from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from deltalake import DeltaTable
from forgettable import forgettable, mel, stored_mel
from tagged import STORAGE

from pipeline.errors import ConfigError, UserError
from pipeline.tables.compaction import compact
from pipeline.tables.database import database
from pipeline.tables.forget import IN_ITS_PLACE, forget
from pipeline.tables.tags import publish
from pipeline.tables.traces import traces
from pipeline.tables.track_rows import COLUMNS, track_rows
from pipeline.tables.vacuum import Action
from pipeline.tables.verify import verify
from pipeline.tables.views import open_views, run_query

WHERE = {"storage": STORAGE, "memory_mb": 200}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    forgettable(root)
    (root / "mlflow.db").unlink()  # names no track here, and takes long to copy
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "ws")


def gone(root, *track_ids: str, action: Action = Action.DELETE):
    return forget(track_ids, root_url=str(root), **WHERE, action=action)


def rows(root, table: str, track_id: str):
    with database(memory_mb=200) as connection:
        return track_rows(
            connection, table=table, track_id=track_id, root_url=str(root), storage=STORAGE
        )


def snapshot(root) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_nothing_is_changed_until_it_is_asked_for(root):
    before = snapshot(root)
    report = gone(root, "t1", action=Action.SHOW)
    assert snapshot(root) == before
    assert report.rows == dict.fromkeys(COLUMNS, 1) | {"tags": 4}
    assert (len(report.parts), report.is_gone) == (1, False)
    assert report.sources == ("/music",)
    assert "nothing was changed" in report.lines()[-1]


def test_no_table_has_a_row_and_no_file_a_name_afterwards(root):
    report = gone(root, "t1")
    assert report.is_gone, report.lines()
    assert report.lines()[-1] == "forgotten"
    for table in COLUMNS:
        assert rows(root, table, "t1") == []
    assert traces(["t1"], root_url=str(root), storage=STORAGE).paths == ()


def test_all_other_tracks_keep_their_rows_and_mels(root):
    def kept(table):
        return [
            {k: v for k, v in row.items() if k not in ("file", "part", "first_row")}
            for track_id in ("t2", "t3")
            for row in rows(root, table, track_id)
        ]

    before = {table: kept(table) for table in COLUMNS}
    gone(root, "t1")
    assert {table: kept(table) for table in COLUMNS} == before
    for track_id in ("t2", "t3"):
        (row,) = rows(root, "feature_index", track_id)
        expected = mel(track_id).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(stored_mel(root, row), expected)


def test_the_ledger_still_verifies_and_views_and_maintenance_work(root):
    before = len(verify(str(root), **WHERE).faults)
    gone(root, "t1", "t3")
    report = verify(str(root), **WHERE)
    assert len(report.faults) <= before
    assert [check.plan.num_tracks for check in report.plans if check.plan.key == "s1"] == [1]
    assert publish(str(root), **WHERE).rows == 0
    compact(str(root), **WHERE)
    with open_views(str(root), **WHERE) as connection:
        found = run_query(connection, "SELECT DISTINCT track_id FROM tags").to_pylist()
    assert found == [{"track_id": "t2"}]


def test_old_versions_are_gone_and_the_log_still_says_by_whom(root):
    run_id = DeltaTable(f"{root}/results").history(1)[0]["run_id"]
    gone(root, "t1")
    log = [
        json.loads(p.read_text().splitlines()[0])
        for p in sorted((root / "results" / "_delta_log").glob("*.json"))
    ]
    assert any(line.get("commitInfo", {}).get("run_id") == run_id for line in log)
    listed = {path.name for path in (root / "results").glob("*.parquet")}
    current = {uri.rpartition("/")[2] for uri in DeltaTable(f"{root}/results").file_uris()}
    assert listed == current


def test_it_can_be_ended_after_a_crash_at_any_step(root, monkeypatch):
    (root / "runs" / "x.json").write_text('{"config": "t1"}')
    steps = ("rewrite_parts", "take_out", "rewrite_list", "erase_history", "_blank_runs")
    for step in steps:
        with monkeypatch.context() as broken:
            broken.setattr(f"pipeline.tables.forget.{step}", crash)
            with pytest.raises(RuntimeError, match="killed"):
                gone(root, "t1")
    assert gone(root, "t1").is_gone
    for track_id in ("t2", "t3"):
        (row,) = rows(root, "feature_index", track_id)
        expected = mel(track_id).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(stored_mel(root, row), expected)


def crash(*_args, **_kwargs):
    raise RuntimeError("killed")


def test_examples_in_records_of_runs_are_blanked_and_the_rest_stands(root):
    record = root / "runs" / "x.json"
    record.write_text(json.dumps({"config": "positive:\n- t1\n- t10\nnegative: ['t1']\n"}))
    gone(root, "t1")
    config = json.loads(record.read_text())["config"]
    assert config == f"positive:\n- {IN_ITS_PLACE}\n- t10\nnegative: ['{IN_ITS_PLACE}']\n"


def test_what_it_must_not_touch_is_named_with_what_to_do(root):
    (root / "evaluations").mkdir()
    (root / "evaluations" / "e.html").write_text("<td>t1</td>")
    report = gone(root, "t1")
    assert not report.is_gone
    assert report.after.paths == ("evaluations/e.html",)
    assert "  evaluations/e.html: a report that shows tracks" in "\n".join(report.lines())


def test_a_track_that_nothing_names_is_refused(root):
    with pytest.raises(UserError, match=r"none of the \d+ files of .* names t99"):
        gone(root, "t99")
    with pytest.raises(ConfigError, match="whole id"):
        gone(root)
    gone(root, "t1")
    with pytest.raises(UserError, match="it is forgotten"):
        gone(root, "t1")
