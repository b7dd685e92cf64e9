from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from ledgered import KEY, rows_of, start, written
from tagged import STORAGE, failed, ok, scoring, track, write_results, write_scorings, write_tracks

from jobs.__main__ import main
from pipeline.errors import ConfigError, Reason
from pipeline.tables import delta
from pipeline.tables.requeue import failures, known_reasons, requeue
from pipeline.tables.verify import verify


def look(root, *reasons, keys=None):
    return failures(
        str(root), storage=STORAGE, memory_mb=200, keys=keys, reasons=known_reasons(reasons)
    )


def again(root, *reasons, keys=None):
    found = look(root, *reasons, keys=keys)
    return requeue(found, root_url=str(root), storage=STORAGE, memory_mb=200)


def results(root):
    table = pa.table(DeltaTable(f"{root}/results").scan().read_all())
    return sorted((r["track_id"], r["scoring_id"], r["status"]) for r in table.to_pylist())


def mixed_workspace(root):
    write_tracks(root, [track(f"t{i}") for i in range(6)])
    write_results(root, [ok("t0", [0.1]), failed("t1", "timed_out"), failed("t2", "empty")])
    write_results(root, [ok("t0", [0.1], by="s2"), failed("t1", "timed_out", by="s2")])
    write_results(root, [ok("t3", [0.1]), failed("t4", "timed_out"), failed("gone", "timed_out")])
    return root


def test_failures_are_counted_by_key_and_reason_for_files_that_the_catalog_has(tmp_path):
    found = look(mixed_workspace(tmp_path), "timed_out", "empty")
    assert [(f.key, f.reason, f.tracks) for f in found] == [
        ("s1", "empty", 1),
        ("s1", "timed_out", 2),
        ("s2", "timed_out", 1),
    ]


def test_only_rows_with_the_reason_and_key_leave_the_ledger(tmp_path):
    before = results(mixed_workspace(tmp_path))
    assert again(tmp_path, "timed_out", keys=["s1"]) == 2
    gone = {("t1", "s1", "failed"), ("t4", "s1", "failed")}
    assert results(tmp_path) == [row for row in before if row not in gone]
    assert again(tmp_path, "timed_out", keys=["s1"]) == 0


def test_what_was_taken_out_is_kept_with_its_reason(tmp_path):
    again(mixed_workspace(tmp_path), "timed_out", keys=["s1"])
    rows = pa.table(DeltaTable(f"{tmp_path}/requeued").scan().read_all()).to_pylist()
    assert {(r["table_name"], r["key"], r["track_id"], r["detail"]) for r in rows} == {
        ("results", "s1", "t1", "it was timed_out"),
        ("results", "s1", "t4", "it was timed_out"),
    }


def test_readers_see_one_commit_that_the_log_explains(tmp_path):
    mixed_workspace(tmp_path)
    before = DeltaTable(f"{tmp_path}/results").version()
    again(tmp_path, "timed_out", keys=["s1"])
    table = DeltaTable(f"{tmp_path}/results")
    assert table.version() == before + 1
    assert table.history(1)[0]["maintenance"] == "requeue"
    assert table.history(1)[0]["reasons"] == "timed_out"


def test_unknown_reasons_are_refused_with_those_that_there_are():
    with pytest.raises(ConfigError, match="tired: no such reason; there are missing, fetch_failed"):
        known_reasons(["empty", "tired"])
    assert known_reasons(["empty", "empty"]) == (Reason.EMPTY,)


def test_requeued_tracks_are_open_for_the_next_run_and_verify_says_so(tmp_path):
    write_tracks(tmp_path, [track(t) for t in "abcd"])
    committer = start(tmp_path, tracks="abcd", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.add(written(tmp_path, tracks="cd", numbers=[2, 3], reason="timed_out"))
    committer.commit()
    assert verify(str(tmp_path), storage=STORAGE, memory_mb=200).holds
    assert again(tmp_path, "timed_out") == 2

    report = verify(str(tmp_path), storage=STORAGE, memory_mb=200)
    assert not report.holds
    (check,) = report.plans
    assert (check.ok, check.failed, check.requeued, check.missing) == (2, 0, 2, 0)
    assert "4 planned = 2 ok + 0 failed + 2 requeued" in report.lines()[0]
    assert "2 of 4 are open again (requeued) (for example c, d)" in report.faults[0]

    next_run = start(tmp_path, tracks="abcd", run_id="r2")
    assert next_run.pending.num_tracks == 2
    next_run.committers[KEY].add(written(tmp_path, tracks="cd", numbers=[0, 1]))
    next_run.committers[KEY].commit()
    assert rows_of(tmp_path) == ["a", "b", "c", "d"]
    report = verify(str(tmp_path), storage=STORAGE, memory_mb=200)
    assert report.holds
    assert report.plans[0].requeued == 0


def test_a_track_that_was_never_requeued_is_missing_and_named_first(tmp_path):
    write_tracks(tmp_path, [track(t) for t in "abc"])
    committer = start(tmp_path, tracks="abc", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="a", numbers=[0], reason="timed_out"))
    committer.add(written(tmp_path, tracks="b", numbers=[1]))
    committer.commit()
    again(tmp_path, "timed_out")
    (check,) = verify(str(tmp_path), storage=STORAGE, memory_mb=200).plans
    assert (check.requeued, check.missing, check.examples) == (1, 1, ("c", "a"))


def test_a_job_at_work_on_the_key_goes_on_and_nothing_is_doubled(tmp_path):
    write_tracks(tmp_path, [track(t) for t in "abcdef"])
    committer = start(tmp_path, tracks="abcdef", run_id="r1").committers[KEY]
    committer.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    committer.add(written(tmp_path, tracks="cd", numbers=[2, 3], reason="timed_out"))
    committer.commit()
    assert again(tmp_path, "timed_out") == 2
    committer.add(written(tmp_path, tracks="ef", numbers=[4, 5]))
    assert committer.commit() == 2
    assert rows_of(tmp_path) == ["a", "b", "e", "f"]
    assert start(tmp_path, tracks="abcdef", run_id="r2").pending.num_tracks == 2


def test_a_job_that_began_before_the_requeue_but_planned_after_it_commits(tmp_path):
    write_tracks(tmp_path, [track(t) for t in "ab"])
    first = start(tmp_path, tracks="ab", run_id="r1").committers[KEY]
    first.add(written(tmp_path, tracks="ab", numbers=[0, 1], reason="timed_out"))
    first.commit()
    late = start(tmp_path, tracks="ab", run_id="r2").committers[KEY]
    again(tmp_path, "timed_out")
    late.start(2)  # what `prepare` would count after the requeue
    late.add(written(tmp_path, tracks="ab", numbers=[0, 1]))
    assert late.commit() == 2
    assert rows_of(tmp_path) == ["a", "b"]


def test_a_commit_in_between_makes_the_requeue_look_again(tmp_path, monkeypatch):
    mixed_workspace(tmp_path)
    real, lost = delta.open_table, []

    def open_then_lose(url, *, storage, schema):
        table = real(url, storage=storage, schema=schema)
        if url.endswith("/results") and not lost:
            lost.append(True)
            assert again(tmp_path, "timed_out", keys=["s2"]) == 1  # another requeue comes first
        return table

    monkeypatch.setattr(delta, "open_table", open_then_lose)
    assert again(tmp_path, "timed_out", keys=["s1"]) == 2
    left = [row for row in results(tmp_path) if row[2] == "failed"]
    assert left == [("gone", "s1", "failed"), ("t2", "s1", "failed")]


def command(root: Path, *words: str):
    return CliRunner().invoke(main, ["requeue", *words, "--workspace", str(root)])


def test_the_verb_counts_first_and_acts_with_yes(tmp_path):
    mixed_workspace(tmp_path)
    write_scorings(tmp_path, scoring("s1"), scoring("s2"))
    before = DeltaTable(f"{tmp_path}/results").version()
    said = command(tmp_path, "--reason", "timed_out")
    assert said.exit_code == 0
    assert "results s1: 2 failed with timed_out" in said.output
    assert "nothing was changed" in said.output
    assert DeltaTable(f"{tmp_path}/results").version() == before
    said = command(tmp_path, "--reason", "timed_out", "--scoring", "net-s2", "--yes")
    assert "1 rows are open again" in said.output
    said = command(tmp_path, "--reason", "timed_out", "--verb", "features", "--yes")
    assert "nothing to do" in said.output
    assert command(tmp_path, "--reason", "bored").exit_code == 1
    assert "no scoring 's9'" in command(tmp_path, "--reason", "empty", "--scoring", "s9").output
