from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lined import commit_rows
from tagged import STORAGE, small_workspace

from pipeline.tables.commits import ranges, read_commits, table_versions, versions_of_run


def test_a_commit_says_when_by_which_run_and_with_which_of_the_files(tmp_path):
    commit_rows(tmp_path, ["t1"], run_id="r1")
    commit_rows(tmp_path, ["t2"], run_id="r2-copy")
    files = [path.name for path in (tmp_path / "results").glob("part-*.parquet")]
    commits = read_commits(f"{tmp_path}/results", storage=STORAGE, files=files)
    assert list(commits) == [0, 1, 2]
    assert [one.run_id for one in commits.values()] == ["", "r1", "r2"]
    assert commits[1].files + commits[2].files == tuple(sorted(files, key=commits_order(commits)))
    assert commits[1].applications == ("s1",)
    assert set(commits[1].note) >= {"run_id", "sources_sha256"}
    assert not {"engineInfo", "operation", "timestamp"} & set(commits[1].note)
    assert commits[1].at <= commits[2].at


def commits_order(commits):
    return lambda name: next(number for number, one in commits.items() if name in one.files)


def test_tables_of_before_are_read_too(tmp_path):
    small_workspace(tmp_path)
    commits = read_commits(f"{tmp_path}/results", storage=STORAGE)
    assert [one.note for one in commits.values()] == [{}] * len(commits)
    assert read_commits(f"{tmp_path}/nothing", storage=STORAGE) == {}


def test_a_runs_versions_are_its_own_among_others(tmp_path):
    commit_rows(tmp_path, ["t0"], run_id="r1")
    before = table_versions(str(tmp_path), storage=STORAGE)
    assert before == {"results": 1}
    for number, run_id in enumerate(["r1", "r2", "r1-copy", "r1"], 1):
        commit_rows(tmp_path, [f"t{number}"], run_id=run_id)
    found = versions_of_run("r1", root_url=str(tmp_path), storage=STORAGE, since=before)
    assert found == {"results": [2, 4, 5]}
    assert versions_of_run("r3", root_url=str(tmp_path), storage=STORAGE, since={}) == {}


@given(st.sets(st.integers(0, 30)))
def test_ranges_name_each_version_once(versions):
    named: list[int] = []
    for part in filter(None, ranges(versions).split(", ")):
        first, _, last = part.partition(" to ")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(versions)
