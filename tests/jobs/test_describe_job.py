"""`earmark describe` by the command itself, and what reads its table."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fakes import TONE_REFERENCE, tone_bundle
from workspace import CONF, write_broken, write_tones

from jobs.__main__ import main

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
NUM_TRACKS = 12


def run(*line: str) -> str:
    result = CliRunner().invoke(main, list(line))
    assert result.exit_code == 0, result.output
    return result.output


def conf(verb: str) -> tuple[str, str]:
    return "--conf", str(CONF / f"{verb}.yaml")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    root = tmp_path_factory.mktemp("describe")
    write_tones(root / "music", num_tracks=NUM_TRACKS, seconds=2.5)
    write_broken(root / "music")
    rows = [
        {
            "uri": f"music/{path.name}",
            "track_id": path.stem,
            "split": "train" if i % 4 < 2 else "test",
            "labels": ["test---high" if i % 2 else "test---low"],
        }
        for i, path in enumerate(sorted((root / "music").glob("t*")))
    ]
    rows.append({"uri": "music/x-html.mp3", "track_id": "x-html", "split": None, "labels": None})
    pq.write_table(pa.Table.from_pylist(rows), root / "tracks.parquet")
    tone_bundle(str(root))
    workspace = ("--workspace", str(root))
    run("catalog", str(root / "tracks.parquet"), *workspace)
    said = run("describe", *conf("describe"), *workspace)
    assert f"{NUM_TRACKS + 1} rows committed now" in said
    assert "not_audio" in said
    return workspace


def test_what_would_be_done_is_said_and_not_done(here, tmp_path):
    asked = ("describe", *conf("describe"), "--dry-run", "--json")
    said = CliRunner().invoke(main, [*asked, *here])
    assert said.exit_code == 0, said.output
    facts = json.loads(said.stdout)  # the configuration, for one, goes to stderr
    assert (facts["tracks"], facts["num_open"]) == (NUM_TRACKS + 1, 0)
    source = ("catalog", f"{here[1]}/music", "--dry-run", "--json", "--workspace", str(tmp_path))
    said = CliRunner().invoke(main, [*source])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["new"] > NUM_TRACKS
    assert list(tmp_path.iterdir()) == []


def test_programs_can_read_that_all_is_verified(here):
    said = CliRunner().invoke(main, ["verify", "--json", *here])
    facts = json.loads(said.stdout)
    assert (said.exit_code, facts["holds"], facts["faults"]) == (0, True, [])


def test_described_again_nothing_is_done(here):
    assert "0 rows committed now" in run("describe", *conf("describe"), *here)


def test_the_descriptors_are_verified_queried_and_shown(here):
    assert f"{NUM_TRACKS} ok + 1 failed" in run("verify", *here)
    sql = (
        "SELECT count(*) AS n FROM tracks JOIN descriptors USING (track_id) "
        "WHERE spectral_centroid_hz_mean > 3000"
    )
    answer = run("query", sql, "--format", "csv", *here)
    assert answer.splitlines()[1:] == [str(NUM_TRACKS // 2)]
    card = run("show", "t001", *here)
    assert "loudness_lufs" in card
    assert "descriptors" in card
    assert "loudness_lufs" not in run("show", "x-html", *here)


def test_a_model_is_judged_beside_a_probe_of_descriptors(here):
    page = run(
        *("evaluate", *conf("evaluate"), "--model", TONE_REFERENCE, "--split", "test"),
        *("--probe", "descriptors", "--set", "evaluation.num_resamples=20", *here),
    )
    assert "probe descriptors" in page
