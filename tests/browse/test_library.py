from __future__ import annotations

import threading

import pytest
from tagged import STORAGE, small_workspace, track, write_tracks

from pipeline.browse.heavy import Heavy
from pipeline.browse.library import Library
from pipeline.errors import TableError, UserError

COUNT = "SELECT count(*) FROM tracks"


def library(root, *, refresh_s: float = 0.0) -> Library:
    return Library(str(root), storage=STORAGE, memory_mb=200, refresh_s=refresh_s)


def count(books: Library) -> int:
    with books.views() as views:
        return views.execute(COUNT).fetchall()[0][0]


def test_what_a_job_commits_is_seen_and_an_open_session_keeps_what_it_saw(tmp_path):
    books = library(small_workspace(tmp_path))
    with books.session() as old:
        write_tracks(tmp_path, [track("t9")])
        assert count(books) == 5
        with old.cursor() as views:
            assert views.execute(COUNT).fetchall() == [(4,)]
    books.close()


def test_commits_are_looked_for_now_and_then(tmp_path):
    books = library(small_workspace(tmp_path), refresh_s=1000.0)
    assert count(books) == 4
    write_tracks(tmp_path, [track("t9")])
    assert count(books) == 4
    books.look_again()
    assert count(books) == 5
    books.close()


def test_many_threads_read_at_once(tmp_path):
    books = library(small_workspace(tmp_path))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(count(books))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [4] * 12
    books.close()


def test_a_workspace_that_is_not_there_is_told_each_time(tmp_path):
    books = library(tmp_path / "none")
    for _ in range(2):
        with pytest.raises(TableError, match="no workspace"):
            count(books)


def test_heavy_work_is_done_once_and_too_much_of_it_is_refused():
    heavy: Heavy[int] = Heavy(num_workers=1, num_waiting=1, num_kept=2)
    go_on, done = threading.Event(), []

    def work() -> int:
        go_on.wait(10)
        done.append(1)
        return 7

    first = heavy.begin("a", work)
    assert heavy.begin("a", work) is first
    heavy.begin("b", work)
    assert heavy.done("a") is None
    with pytest.raises(UserError, match="try again"):
        heavy.begin("c", work)
    go_on.set()
    assert first.result() == 7
    heavy.close()
    assert heavy.done("a") == 7
    assert len(done) == 2


def test_heavy_work_that_failed_is_tried_anew_and_old_results_go():
    heavy: Heavy[int] = Heavy(num_workers=1, num_waiting=9, num_kept=2)
    with pytest.raises(ZeroDivisionError):
        heavy.begin("a", lambda: 1 // 0).result()
    assert heavy.done("a") is None
    assert heavy.begin("a", lambda: 1).result() == 1
    for key in "bcd":
        heavy.begin(key, lambda: 2).result()
    assert heavy.done("a") is None
    assert heavy.done("d") == 2
    heavy.close()
