from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake
from ledgered import KEY, rows_of, start, written
from tagged import (
    START,
    STORAGE,
    failed,
    ok,
    scoring,
    track,
    write_results,
    write_scorings,
    write_tracks,
)

from jobs.__main__ import main
from pipeline.errors import ConfigError, TableError
from pipeline.schemas import FEATURE_INDEX
from pipeline.tables import delta
from pipeline.tables.compaction import compact
from pipeline.tables.vacuum import Action, check_retention, vacuum
from pipeline.tables.verify import verify

WEEK = 168


def run(root, action=Action.SHOW, *, hours=WEEK):
    report = vacuum(str(root), storage=STORAGE, memory_mb=200, hours=hours, action=action)
    return {one.kind: one.files for one in report.garbage}


def aged(path: Path, *, hours: float = 200.0, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text)
    at = time.time() - hours * 3600
    os.utime(path, (at, at))
    return path


def index(root, *parts):
    rows = [
        {
            "track_id": f"t{i}",
            "audio_version": "v1",
            "spec_id": "spec",
            "plan_id": "p",
            "run_id": "r",
            "status": "ok",
            "duration_s": 1.0,
            "part": part,
            "first_row": 0,
            "num_rows": 0,
            "made_at": START,
        }
        for i, part in enumerate(parts)
    ]
    url = f"{root}/feature_index"
    table = delta.open_table(url, storage=STORAGE, schema=FEATURE_INDEX)
    write_deltalake(table, pa.Table.from_pylist(rows, schema=FEATURE_INDEX), mode="append")


def files(root: Path) -> set[str]:
    return {
        str(p.relative_to(root))
        for p in root.rglob("*")
        if p.is_file() and "_delta_log" not in p.parts
    }


def test_it_shows_by_default_and_deletes_when_asked(tmp_path):
    write_results(tmp_path, [ok("t1", [0.5])])
    aged(tmp_path / "results" / "part-orphan.parquet")
    before = files(tmp_path)
    assert run(tmp_path) == {"results: files of no version": 1}
    assert files(tmp_path) == before
    run(tmp_path, Action.DELETE)
    assert before - files(tmp_path) == {"results/part-orphan.parquet"}
    assert run(tmp_path) == {}
    assert rows_of(tmp_path) == ["t1"]


def test_what_is_young_may_belong_to_a_running_job_and_stays(tmp_path):
    write_results(tmp_path, [ok("t1", [0.5])])
    index(tmp_path, "spec/part-a.parquet")
    for name in ("results/part-b.parquet", "features/spec/part-b.parquet"):
        aged(tmp_path / name, hours=100)
    aged(tmp_path / "plans" / "pending" / "run.parquet", hours=100)
    aged(tmp_path / "scorings" / f".s1.json.{'a' * 32}.part", hours=100)
    assert run(tmp_path) == {}
    assert run(tmp_path, hours=99) == {
        "features: parts of no track": 1,
        "half-written files": 1,
        "plans: lists of work of runs that ended": 1,
        "results: files of no version": 1,
    }


def test_parts_that_a_track_needs_stay_however_old(tmp_path):
    index(tmp_path, "spec/part-a.parquet", "spec/part-a.parquet", "spec/part-b.parquet")
    for name in ("a", "b", "c"):
        aged(tmp_path / "features" / "spec" / f"part-{name}.parquet", text=name * 100)
    aged(tmp_path / "features" / "other" / "part-a.parquet")
    aged(tmp_path / "features" / "spec" / "notes.txt")
    report = vacuum(str(tmp_path), storage=STORAGE, memory_mb=200, hours=WEEK, action=Action.DELETE)
    (found,) = report.garbage
    assert (found.kind, found.files, found.size_bytes) == ("features: parts of no track", 2, 101)
    assert {name for name in files(tmp_path) if name.startswith("features")} == {
        "features/spec/part-a.parquet",
        "features/spec/part-b.parquet",
        "features/spec/notes.txt",
    }


def test_files_that_left_a_table_stay_until_their_readers_are_done(tmp_path):
    for i in range(4):
        write_results(tmp_path, [ok(f"t{i}", [0.5])])
    for path in (tmp_path / "results").glob("*.parquet"):
        aged(path)  # old files, but they leave the table only now
    old = DeltaTable(f"{tmp_path}/results")
    compact(str(tmp_path), storage=STORAGE, memory_mb=200)
    assert run(tmp_path, Action.DELETE) == {}
    assert pa.table(old.scan().read_all()).num_rows == 4
    assert run(tmp_path, Action.DELETE, hours=0) == {"results: files of no version": 4}
    assert rows_of(tmp_path) == ["t0", "t1", "t2", "t3"]


def test_a_run_that_is_at_work_goes_on_after_a_vacuum(tmp_path):
    write_tracks(tmp_path, [track(t) for t in "abcd"])
    committer = start(tmp_path, tracks="abcd", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.commit()
    committer.add(written(tmp_path, tracks="cd", numbers=[2, 3]))
    aged(tmp_path / "results" / "part-orphan.parquet")
    assert run(tmp_path, Action.DELETE) == {"results: files of no version": 1}
    assert committer.commit() == 2
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=200).holds


def test_the_list_of_work_of_a_long_run_stays_while_it_commits(tmp_path):

    row = ok("t1", [0.5]) | {"run_id": "long", "tagged_at": datetime.now(UTC)}
    write_results(tmp_path, [row, failed("t2", "empty")])
    for run_id in ("long", "run", "dead"):
        aged(tmp_path / "plans" / "pending" / f"{run_id}.parquet")
    assert run(tmp_path, Action.DELETE) == {"plans: lists of work of runs that ended": 2}
    assert [p.name for p in (tmp_path / "plans" / "pending").iterdir()] == ["long.parquet"]


def test_plans_that_others_replaced_go_and_the_current_one_stays(tmp_path):
    write_tracks(tmp_path, [track(t) for t in "abc"])
    first = start(tmp_path, tracks="ab", run_id="r1").plans[KEY].plan_id
    second = start(tmp_path, tracks="abc", run_id="r2").plans[KEY].plan_id
    for path in (tmp_path / "plans").rglob("*.parquet"):
        aged(path)
    assert run(tmp_path, Action.DELETE) == {
        "plans: lists of work of runs that ended": 2,
        "plans: replaced by later ones": 1,
    }
    assert first != second
    assert [p.name for p in (tmp_path / "plans").glob("*.parquet")] == [f"{second}.parquet"]


def test_few_hours_are_refused_unless_nothing_runs():
    with pytest.raises(ConfigError, match=r"--hours 3.*--nothing-runs"):
        check_retention(3, idle=False)
    check_retention(3, idle=True)
    check_retention(24, idle=False)


def test_a_folder_without_tables_is_refused(tmp_path):
    aged(tmp_path / "features" / "spec" / "part-a.parquet")
    with pytest.raises(TableError, match="no workspace"):
        run(tmp_path, Action.DELETE)
    assert files(tmp_path)


def command(root: Path, *words: str):
    return CliRunner().invoke(main, ["vacuum", *words, "--workspace", str(root)])


def test_the_verb_says_kinds_numbers_and_sizes(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    write_results(tmp_path, [ok("t1", [0.5])])
    aged(tmp_path / "results" / "part-orphan.parquet", text="x" * 2_000_000)
    said = command(tmp_path).output
    assert "results: files of no version: 1 files, 2.0 MB" in said
    assert "--yes deletes them" in said
    assert "deleted: 1 files" in command(tmp_path, "--yes").output
    assert "there is no file" in command(tmp_path, "--yes").output
    assert command(tmp_path, "--hours", "1").exit_code == 1
    assert "there is no file" in command(tmp_path, "--hours", "1", "--nothing-runs").output
