from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tagged import (
    MOODS,
    STORAGE,
    failed,
    ok,
    scoring,
    small_workspace,
    write_results,
    write_scorings,
)

from pipeline.errors import TableError
from pipeline.schemas import TAGS
from pipeline.tables import delta
from pipeline.tables.tags import PublishReport, publish
from pipeline.taxonomy import Taxonomy


def run(root: Path | str) -> PublishReport:
    return publish(str(root), storage=STORAGE, memory_mb=200)


def tags(root: Path | str) -> list[dict]:
    table = delta.open_existing(f"{root}/tags", storage=STORAGE, schema=TAGS)
    return pa.table(table.scan().read_all()).to_pylist()


def test_a_row_a_track_scoring_and_tag(tmp_path):
    report = run(small_workspace(tmp_path))
    assert report.tracks == {"s1": 2, "s2": 1}
    assert report.rows == len(tags(tmp_path)) == 2 * 4 + 1 * 3
    keys = {(r["track_id"], r["scoring_id"], r["category"], r["tag"]) for r in tags(tmp_path)}
    assert len(keys) == report.rows


def test_a_row_says_name_category_score_and_rank(tmp_path):
    run(small_workspace(tmp_path))
    mine = [r for r in tags(tmp_path) if r["track_id"] == "t1" and r["scoring_id"] == "s1"]
    found = {(r["category"], r["tag"]): (round(r["score"], 4), r["rank"]) for r in mine}
    assert found == {
        ("mood", "wild"): (0.9, 1),
        ("genre", "rock"): (0.4, 2),
        ("genre", "Calm"): (0.2, 3),
        ("mood", "calm"): (0.1, 4),
    }
    assert {r["taxonomy_id"] for r in mine} == {MOODS.taxonomy_id}


def test_ties_are_ranked_in_the_order_of_the_tags(tmp_path):
    run(small_workspace(tmp_path))
    mine = {
        r["tag"]: r["rank"]
        for r in tags(tmp_path)
        if (r["track_id"], r["scoring_id"]) == ("t2", "s1")
    }
    assert mine == {"calm": 1, "Calm": 2, "wild": 3, "rock": 4}


def test_threshold_and_positive_are_null_until_a_model_is_calibrated(tmp_path):
    run(small_workspace(tmp_path))
    for row in tags(tmp_path):
        if row["scoring_id"] == "s1":
            assert row["threshold"] is None
            assert row["positive"] is None
        else:
            assert row["positive"] == (row["score"] >= row["threshold"])
    assert {r["tag"]: r["positive"] for r in tags(tmp_path) if r["scoring_id"] == "s2"} == {
        "piano": True,
        "drums": True,  # a score at the threshold counts
        "singing": False,
    }


def test_publishing_again_adds_nothing_and_commits_nothing(tmp_path):
    run(small_workspace(tmp_path))
    before = DeltaTable(f"{tmp_path}/tags").version()
    assert run(tmp_path) == PublishReport({"s1": 0, "s2": 0}, 0, ())
    assert DeltaTable(f"{tmp_path}/tags").version() == before


def test_new_results_are_added_and_old_rows_stay(tmp_path):
    run(small_workspace(tmp_path))
    before = {tuple(row.values()) for row in tags(tmp_path)}
    write_results(tmp_path, [ok("t9", [0.1, 0.2, 0.3, 0.4]), failed("t8", "empty")])
    assert run(tmp_path).tracks == {"s1": 1, "s2": 0}
    after = {tuple(row.values()) for row in tags(tmp_path)}
    assert before < after
    assert {row[0] for row in after - before} == {"t9"}


def test_a_new_version_of_the_audio_gets_rows_of_its_own(tmp_path):
    run(small_workspace(tmp_path))
    write_results(tmp_path, [ok("t1", [0.9, 0.1, 0.1, 0.1], version="v2", minutes=9)])
    assert run(tmp_path).tracks == {"s1": 1, "s2": 0}
    assert {r["audio_version"] for r in tags(tmp_path) if r["track_id"] == "t1"} == {"v1", "v2"}


def test_three_publishers_at_once_add_every_row_once(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    write_results(tmp_path, [ok(f"t{i}", [0.1, 0.2, 0.3, 0.4]) for i in range(500)])
    reports: list[PublishReport] = []
    threads = [threading.Thread(target=lambda: reports.append(run(tmp_path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.rows for report in reports) == [0, 0, 2000]
    assert len({(r["track_id"], r["tag"], r["category"]) for r in tags(tmp_path)}) == 2000
    assert len(tags(tmp_path)) == 2000


def test_a_publisher_whose_view_is_stale_computes_anew(tmp_path, monkeypatch):
    root = small_workspace(tmp_path)
    real, handles = delta.open_table, []

    def open_then_lose_the_race(url, *, storage, schema):
        table = real(url, storage=storage, schema=schema)
        if url.endswith("/tags") and not handles:
            handles.append(table)
            run(root)  # another publisher commits between our look and our commit
        return table

    monkeypatch.setattr(delta, "open_table", open_then_lose_the_race)
    assert run(root).rows == 0
    assert len(tags(root)) == 11


def test_a_tag_s_best_tracks_lie_together(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    write_results(tmp_path, [ok(f"t{i}", [i / 50, 1 - i / 50, 0.5, 0.1]) for i in range(50)])
    run(tmp_path)
    (uri,) = delta.file_uris(DeltaTable(f"{tmp_path}/tags"))
    rows = pq.read_table(uri).to_pylist()
    assert rows == sorted(rows, key=lambda r: (r["tag"], r["category"], -r["score"], r["track_id"]))


def test_every_file_has_statistics_that_find_it(tmp_path):
    run(small_workspace(tmp_path))
    table = DeltaTable(f"{tmp_path}/tags")
    facts = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert sum(fact["num_records"] for fact in facts) == 11
    by_scoring = {fact["min.scoring_id"]: fact for fact in facts}
    assert by_scoring["s2"]["min.tag"] == "drums"
    assert by_scoring["s2"]["max.tag"] == "singing"
    assert by_scoring["s1"]["null_count.threshold"] == 8
    assert len(delta.file_uris(table, predicate="scoring_id = 's2'")) == 1


def test_without_results_it_says_what_to_run(tmp_path):
    with pytest.raises(TableError, match="earmark tag"):
        run(tmp_path)


def test_only_failures_make_no_rows(tmp_path):
    write_results(tmp_path, [failed("t1", "empty")])
    assert run(tmp_path) == PublishReport({}, 0, ())


def test_a_scoring_that_nothing_describes_is_named(tmp_path):
    write_results(tmp_path, [ok("t1", [0.5], by="s7")])
    with pytest.raises(TableError, match=r"scorings/s7\.json"):
        run(tmp_path)


def test_scores_that_do_not_fit_the_taxonomy_are_refused(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    write_results(tmp_path, [ok("t1", [0.5])])
    with pytest.raises(TableError, match="track t1 has 1 scores, the taxonomy has 4 tags"):
        run(tmp_path)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    scores=st.lists(
        st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6), min_size=1, max_size=5
    )
)
def test_ranks_are_a_permutation_in_the_order_of_the_scores(tmp_path_factory, scores):
    root = tmp_path_factory.mktemp("ws")
    taxonomy = Taxonomy("six", tuple(f"any---{i}" for i in range(6)))
    write_scorings(root, scoring("s1", taxonomy))
    write_results(root, [ok(f"t{i}", row) for i, row in enumerate(scores)])
    run(root)
    for i, expected in enumerate(scores):
        mine = sorted((r["rank"], r["tag"]) for r in tags(root) if r["track_id"] == f"t{i}")
        order = sorted(range(6), key=lambda k, row=expected: (-row[k], k))
        assert mine == [(rank, str(k)) for rank, k in enumerate(order, 1)]
