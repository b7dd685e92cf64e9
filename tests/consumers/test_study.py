"""Studies of a made-up catalog whose truth is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tagged import STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks

from pipeline.config import load
from pipeline.config_study import StudyJob
from pipeline.consumers.study import make_study
from pipeline.consumers.study_columns import Measure
from pipeline.consumers.study_groups import Standing
from pipeline.consumers.study_row import ALL
from pipeline.errors import ConfigError, TableError
from pipeline.schemas import DESCRIPTORS
from pipeline.tables import delta
from pipeline.tables.tags import publish
from pipeline.taxonomy import Taxonomy

CONF = Path(__file__).resolve().parents[2] / "conf" / "study.yaml"
TAGS = Taxonomy("toy", ("mood---sad", "mood---glad", "voice---sung"))
SETS = ("alpha", "beta", "gamma", "delta")
ARTISTS, TRACKS = 20, 4  # of each data set, and of each artist


@pytest.fixture(scope="module")
def catalog() -> tuple[list[dict], list[dict], list[dict]]:
    """beta is sadder, gamma faster; nothing else differs, and artists have levels of their own."""
    rng = np.random.default_rng(7)
    tracks, results, described = [], [], []
    for s, dataset in enumerate(SETS):
        for a in range(ARTISTS):
            levels = rng.normal(scale=0.08, size=3)
            year = int(rng.integers(1960, 2010))
            for t in range(TRACKS):
                name = f"{dataset}-{a:02d}-{t}"
                facts = {"artist": f"{dataset} {a}", "dataset": dataset, "year": year + t}
                tracks.append(track(name, labels=[f"genre---{'ab'[a % 2]}"], **facts))
                means = np.array([0.35 + 0.25 * (s == 1), 0.4, 0.4])
                means[2] += 0.006 * (year - 1985)
                scores = np.clip(means + levels + rng.normal(scale=0.08, size=3), 0, 1)
                results.append(ok(name, scores.tolist()))
                tempo = 100 + 25 * (s == 2) + 8 * rng.normal() + 100 * levels[0]
                described.append(described_as(name, tempo, key="CDE"[rng.integers(3)]))
    tracks += [track(f"few-{i}", dataset="few", artist="Few") for i in range(3)]
    tracks += [track(f"none-{i}", dataset=None) for i in range(2)]
    return tracks, results, described


def described_as(name: str, tempo_bpm: float, *, key: str) -> dict:
    ids = {"track_id": name, "audio_version": "v1", "spec_id": "spec", "plan_id": "p"}
    facts = {"run_id": "r", "status": "ok", "made_at": track("x")["scanned_at"]}
    return ids | facts | {"tempo_bpm": float(tempo_bpm), "key": key, "mode": "major"}


def workspace(root: Path, catalog, *, thresholds=None, seed: int | None = None) -> str:
    tracks, results, described = catalog
    if seed is not None:
        rng = np.random.default_rng(seed)
        tracks, results, described = (
            [rows[i] for i in rng.permutation(len(rows))] for rows in catalog
        )
    write_scorings(root, scoring("s1", TAGS, thresholds))
    write_tracks(root, tracks)
    write_results(root, results)
    table = delta.open_table(f"{root}/descriptors", storage=STORAGE, schema=DESCRIPTORS)
    write_deltalake(table, pa.Table.from_pylist(described, schema=DESCRIPTORS), mode="append")
    publish(str(root), storage=STORAGE, memory_mb=200)
    return str(root)


@pytest.fixture(scope="module")
def root(tmp_path_factory, catalog) -> str:
    return workspace(tmp_path_factory.mktemp("ws"), catalog, thresholds=(0.5, 0.5, 0.5))


def study(root: str, *subjects: str, **asked: object):
    texts = ", ".join(f"'{one}'" for one in subjects)
    named = [f"study.{name}={value}" for name, value in asked.items()]
    return make_study(
        load(
            StudyJob,
            CONF,
            overrides=(
                f"workspace.root_url={root}",
                f"study.subjects=[{texts}]",
                "bootstrap.resamples=500",
                *named,
            ),
        )
    )


@pytest.fixture(scope="module")
def by_dataset(root):
    return study(root, "mood---*", "tempo_bpm", "key", by="dataset")


def test_a_group_that_differs_is_found_and_no_other(by_dataset):
    found = {(row.group, row.subject, row.measure) for row in by_dataset.found}
    assert {
        ("beta", "mood---sad", Measure.MEAN),
        ("beta", "mood---sad", Measure.SHARE),
        ("gamma", "tempo_bpm", Measure.MEDIAN),
    } <= found
    # What remains are the others, to whom beta and gamma belong.
    planted = {"mood---sad", "tempo_bpm"}
    assert {subject for _, subject, _ in found} == planted
    assert all(row.difference < 0 for row in by_dataset.found if row.group in ("alpha", "delta"))


def test_intervals_hold_the_truth(by_dataset):
    rows = {(row.group, row.subject, row.measure): row for row in by_dataset.rows}
    sad = rows["beta", "mood---sad", Measure.MEAN]
    assert sad.low < 0.6 < sad.high
    assert sad.difference_low < 0.25 < sad.difference_high
    assert sad.effect > 1
    fast = rows["gamma", "tempo_bpm", Measure.MEDIAN]
    assert fast.low < 125 < fast.high
    assert fast.difference_low < 25 < fast.difference_high
    assert (sad.tracks, sad.clusters) == (ARTISTS * TRACKS, ARTISTS)
    assert rows[ALL, "mood---sad", Measure.MEAN].tracks == len(SETS) * ARTISTS * TRACKS
    keys = [rows["alpha", f"key={key}", Measure.SHARE].estimate for key in "CDE"]
    assert sum(keys) == pytest.approx(1.0)


def test_what_is_small_or_has_no_attribute_is_said(by_dataset):
    few = next(one for one in by_dataset.groups if one.name == "few")
    assert (few.tracks, few.standing) == (3, Standing.TOO_SMALL)
    assert few in by_dataset.listed
    assert (by_dataset.tracks, by_dataset.grouped) == (325, 323)
    notes = "\n".join(by_dataset.notes)
    assert "2 of 325 tracks have no dataset" in notes
    assert "groups of fewer than 5 tracks: 1" in notes
    assert "3 of the grouped tracks have no scores of toy, tempo_bpm, key" in notes
    table = by_dataset.to_table().to_pylist()
    assert [row["standing"] for row in table if row["group"] == "few"] == ["too small"]


def test_the_order_of_rows_changes_nothing(root, catalog, tmp_path):
    other = workspace(tmp_path, catalog, thresholds=(0.5, 0.5, 0.5), seed=3)
    one, two = (study(place, "sad", "tempo_bpm", "key", by="dataset") for place in (root, other))
    assert one.to_json() == two.to_json()


def test_a_seed_draws_again_and_the_figures_stay(root):
    one, two = (
        study(root, "sad", by="dataset"),
        make_study(
            load(
                StudyJob,
                CONF,
                overrides=(
                    f"workspace.root_url={root}",
                    "study.subjects=[sad]",
                    "study.by=dataset",
                    "bootstrap.resamples=500",
                    "bootstrap.seed=1",
                ),
            )
        ),
    )
    assert [row.estimate for row in one.rows] == [row.estimate for row in two.rows]
    assert [row.p for row in one.rows] == pytest.approx([row.p for row in two.rows], nan_ok=True)
    assert [row.low for row in one.rows] != [row.low for row in two.rows]


def test_drawing_tracks_instead_of_artists_makes_shorter_intervals(root):
    widths = []
    for unit in ("artist", "track"):
        found = study(root, "glad", by="dataset", resample=unit)
        rows = [row for row in found.rows if row.measure == Measure.MEAN and row.group == "alpha"]
        widths.append(rows[0].high - rows[0].low)
    assert widths[1] < 0.75 * widths[0]


def test_trends_over_years_are_found_where_they_are(root):
    found = study(root, "sung", "glad", "tempo_bpm", by="decade")
    assert found.resample == "artist"
    trends = {(one.subject, one.measure): one for one in found.trends}
    sung = trends["voice---sung", Measure.MEAN]
    assert sung.trend.low <= 0.06 <= sung.trend.high
    assert found.differs(sung.q)
    assert not found.differs(trends["mood---glad", Measure.MEAN].q)
    assert any("a recording mostly its release" in note for note in found.notes)
    assert [one.name for one in found.groups] == [f"{year}s" for year in range(1960, 2020, 10)]


def test_labels_group_and_are_studied(root):
    found = study(root, "label:genre---a", by="genre")
    assert {row.group: row.estimate for row in found.rows if row.group != ALL} == {"a": 1, "b": 0}


def test_one_artist_is_no_interval(root):
    with pytest.raises(ConfigError, match="the largest group has 4"):
        study(root, "sad", by="artist", resample="title")
    found = study(root, "sad", by="artist", resample="title", min_tracks=4)
    judged = [row for row in found.rows if row.group != ALL]
    assert {row.standing for row in judged} == {Standing.TOO_FEW_CLUSTERS}
    assert all(math.isnan(row.low) and math.isnan(row.p) for row in judged)
    assert any("fewer than 5 different" in note for note in found.notes)


def test_without_thresholds_there_are_no_shares_until_one_is_given(tmp_path, catalog):
    bare = workspace(tmp_path, catalog)
    found = study(bare, "sad", by="dataset")
    assert {row.measure for row in found.rows} == {Measure.MEAN}
    assert any("without thresholds (--threshold" in note for note in found.notes)
    given = study(bare, "sad", by="dataset", threshold=0.5)
    assert {row.measure for row in given.rows} == {Measure.MEAN, Measure.SHARE}


def test_json_and_the_table_say_null_where_nothing_is_known(by_dataset):
    facts = json.loads(by_dataset.to_json())
    assert facts["tests"] == by_dataset.tests == 4 * 8
    whole = next(row for row in facts["rows"] if row["group"] == ALL)
    assert whole["difference"] is None
    rows = by_dataset.to_table().to_pylist()
    assert len(rows) == len(by_dataset.rows) + 1
    assert {row["by"] for row in rows} == {"dataset"}
    assert sum(bool(row["differs"]) for row in rows) == len(by_dataset.found)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "artist", "resample": "artist"}, "are both artist"),
        ({"by": "composer"}, "no attribute 'composer'"),
        ({"by": "album"}, "no group by album can be judged: of 325 tracks 0 have it"),
        ({"by": "dataset", "model": "huge"}, "'huge'"),
    ],
)
def test_what_cannot_be_studied_is_refused(root, asked, said):
    with pytest.raises(ConfigError, match=said):
        study(root, "sad", **asked)


def test_there_must_be_a_workspace(tmp_path):
    with pytest.raises(TableError, match="no workspace"):
        study(str(tmp_path / "nowhere"), "sad")
