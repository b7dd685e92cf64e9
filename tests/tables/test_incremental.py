"""Only what is new is done: new, changed and gone tracks, new models, publishing again."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tagged import MOODS, STORAGE, ok, scoring, track, write_scorings

from pipeline.errors import TableError
from pipeline.schemas import CATALOG, RESULTS
from pipeline.tables.database import register_catalog
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.pending import PendingReader
from pipeline.tables.prepare import Asked, Prepared, prepare
from pipeline.tables.promotion import show
from pipeline.tables.receipt import write_rows
from pipeline.tables.tags import publish
from pipeline.tables.verify import verify
from pipeline.tables.views import open_views, run_query

Versions = dict[str, str]


def catalog(root: Path, versions: Versions) -> None:
    """The catalog as a scan leaves it: these tracks with these versions, and no others."""
    rows = [track(name, version=version) for name, version in versions.items()]
    table = pa.Table.from_pylist(rows, schema=CATALOG)
    write_deltalake(f"{root}/catalog", table, mode="overwrite")


def plan(root: Path, key: str) -> Prepared:
    def register(connection):
        register_catalog(connection, root_url=str(root), storage=STORAGE)
        connection.execute(
            "CREATE VIEW planned AS "
            "SELECT track_id, audio_version, uri, 30::DOUBLE AS work_s FROM catalog"
        )

    return prepare(
        Asked(
            RESULTS_LEDGER,
            keys=[key],
            register=register,
            order="track_id",
            root_url=str(root),
            storage=STORAGE,
            memory_mb=200,
        ),
        run_id=f"run-{key}",
    )


def tag(root: Path, key: str, *, score: float = 0.5) -> Versions:
    """A tag job without audio; gives the tracks and versions that it did."""
    prepared = plan(root, key)
    if not prepared.pending.num_tracks:
        return {}
    work = PendingReader(prepared.pending, storage=STORAGE).rows(0, prepared.pending.num_tracks)
    scores = [score, 1 - score, 0.25, 0.125]
    receipt = write_rows(
        [ok(row["track_id"], scores, by=key, version=row["audio_version"]) for row in work],
        numbers=[row["row"] for row in work],
        table_url=f"{root}/results",
        storage=STORAGE,
        schema=RESULTS,
        key=key,
        counted=[True] * len(work),
    )
    prepared.committers[key].add(receipt)
    prepared.committers[key].commit()
    return {row["track_id"]: row["audio_version"] for row in work}


def published(root: Path) -> dict[str, int]:
    return publish(str(root), storage=STORAGE, memory_mb=200).tracks


def shown(root: Path) -> list[tuple[str, str, float]]:
    sql = "SELECT track_id, scoring_id, score FROM tags WHERE tag = 'calm' ORDER BY ALL"
    with open_views(str(root), storage=STORAGE, memory_mb=200) as connection:
        return [tuple(row.values()) for row in run_query(connection, sql).to_pylist()]


def holds(root: Path) -> bool:
    return verify(str(root), storage=STORAGE, memory_mb=200).holds


def test_new_and_changed_tracks_are_done_and_gone_ones_leave_no_work(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    catalog(tmp_path, {"same": "v1", "changed": "v1", "gone": "v1"})
    assert len(tag(tmp_path, "s1")) == 3
    catalog(tmp_path, {"same": "v1", "changed": "v2", "new": "v1"})
    assert tag(tmp_path, "s1") == {"changed": "v2", "new": "v1"}
    assert tag(tmp_path, "s1") == {}
    assert holds(tmp_path)


def test_a_track_that_comes_back_is_not_done_again(tmp_path):
    catalog(tmp_path, {"a": "v1", "b": "v1"})
    tag(tmp_path, "s1")
    catalog(tmp_path, {"a": "v1"})
    assert tag(tmp_path, "s1") == {}
    catalog(tmp_path, {"a": "v1", "b": "v1"})
    assert tag(tmp_path, "s1") == {}
    assert holds(tmp_path)


def test_one_percent_of_new_tracks_is_one_percent_of_the_work(tmp_path):
    versions = {f"t{i:04d}": "v1" for i in range(1000)}
    catalog(tmp_path, versions)
    tag(tmp_path, "s1")
    catalog(tmp_path, versions | {f"n{i}": "v1" for i in range(10)})
    assert plan(tmp_path, "s1").pending.num_tracks == 10


def test_publishing_again_adds_what_is_new_and_shows_the_newest_version(tmp_path):
    write_scorings(tmp_path, scoring("s1"))
    catalog(tmp_path, {"same": "v1", "changed": "v1"})
    tag(tmp_path, "s1", score=0.2)
    assert published(tmp_path) == {"s1": 2}
    catalog(tmp_path, {"same": "v1", "changed": "v2", "new": "v1"})
    tag(tmp_path, "s1", score=0.7)
    assert published(tmp_path) == {"s1": 2}
    assert published(tmp_path) == {"s1": 0}
    rounded = [(name, round(score, 4)) for name, _, score in shown(tmp_path)]
    assert rounded == [("changed", 0.7), ("new", 0.7), ("same", 0.2)]


def test_a_new_model_leaves_the_old_tags_until_it_is_promoted(tmp_path):
    old, new = scoring("s1"), scoring("s2", MOODS, (0.5,) * 4)
    write_scorings(tmp_path, old, new)
    catalog(tmp_path, {"a": "v1", "b": "v1"})
    tag(tmp_path, "s1", score=0.25)
    published(tmp_path)
    before = shown(tmp_path)
    assert len(tag(tmp_path, "s2", score=0.75)) == 2
    assert published(tmp_path) == {"s1": 0, "s2": 2}
    assert shown(tmp_path) == before == [("a", "s1", 0.25), ("b", "s1", 0.25)]
    assert show(str(tmp_path), storage=STORAGE, scoring=new, memory_mb=200) == 0
    assert shown(tmp_path) == [("a", "s2", 0.75), ("b", "s2", 0.75)]
    assert holds(tmp_path)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["v1", "v2"]), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_after_any_changes_a_run_does_what_was_never_done(tmp_path_factory, states):
    root, done = tmp_path_factory.mktemp("ws"), set()
    for versions in states:
        catalog(root, versions)
        did = set(tag(root, "s1").items())
        assert did == set(versions.items()) - done
        done |= did
        assert holds(root)


def test_ids_that_stand_twice_are_refused_by_name_before_any_work(tmp_path):
    rows = [track("a"), track("b"), track("a", occurrence=1, uri="/music/copy.mp3")]
    write_deltalake(f"{tmp_path}/catalog", pa.Table.from_pylist(rows, schema=CATALOG))
    with pytest.raises(TableError, match=r"a: /music/a\.mp3, /music/copy\.mp3"):
        plan(tmp_path, "s1")
    assert not (tmp_path / "plans").exists()
