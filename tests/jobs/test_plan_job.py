"""`earmark plan` by the command itself, and the run that it foretells."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from fakes import TONE_REFERENCE, tone_bundle
from workspace import CONF, write_broken, write_tones

from jobs.__main__ import main

NUM_TRACKS = 8


def run(*line: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, list(line))
    assert result.exit_code == exit_code, result.output
    return result.output


def conf(verb: str) -> tuple[str, str]:
    return "--conf", str(CONF / f"{verb}.yaml")


def plan(root, *line: str, exit_code: int = 0) -> str:
    here = ("--workspace", str(root / "ws"))
    return run("plan", *line, *conf("plan"), *here, exit_code=exit_code)


@pytest.mark.ray
@pytest.mark.usefixtures("shared_ray")
def test_a_plan_says_what_a_run_takes_and_the_run_says_how_well(tmp_path):
    write_tones(tmp_path / "music", num_tracks=NUM_TRACKS)
    write_broken(tmp_path / "music")
    tone_bundle(str(tmp_path / "ws"))
    text = plan(
        tmp_path,
        str(tmp_path / "music"),
        *("--model", TONE_REFERENCE, "--price", "3.5", "--set", "sample.num_tracks=11"),
    )
    assert "features (musicnn-mel96), 11 tracks measured" in text
    assert f"tag ({TONE_REFERENCE}), 11 tracks measured" in text
    assert "of the sample failed 3: empty 1, not_audio 1, too_short 1" in text
    assert "all 11 tracks" in text
    assert "; cost " in text
    assert "limits: " in text
    files = sorted((tmp_path / "ws" / "plans" / "estimates").iterdir())
    assert [path.name.partition("-")[0] for path in files] == ["features", "tag"]
    facts = json.loads(files[0].read_text())
    assert facts["forecast"]["forecast"]["audio_s"]["middle"] == pytest.approx(32, abs=1.0)
    assert facts["core_s_low"] <= facts["core_s"] <= facts["core_s_high"]
    done = run("features", *conf("features"), "--workspace", str(tmp_path / "ws"))
    assert re.search(r"estimated \d+ s \(\d+ s to \d+ s\), took \d+ s \(\d+\.\d\d\)", done)
    written = [*(tmp_path / "ws").glob("feature*/**/part-*.parquet")]
    # The forecast cuts its units by the mean length, and a track that fails has no part.
    assert facts["forecast"]["num_files"] == pytest.approx(len(written) + 3, rel=0.25)
    size_bytes = sum(path.stat().st_size for path in written)
    foretold = facts["forecast"]["forecast"]["stored_bytes"]["middle"]
    assert foretold == pytest.approx(size_bytes, rel=0.4)


def test_a_source_without_audio_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "Error" in plan(tmp_path, str(tmp_path / "empty"), exit_code=1)
    assert "no catalog" in plan(tmp_path, exit_code=1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cluster.cpus_per_node=0", "cluster.cpus_per_node"),
        ("cluster.nodes=0", "cluster.nodes"),
        ("cluster.efficiency=1.2", "cluster.efficiency"),
        ("cluster.gpus_per_node=1", "gpu_chunks_per_s is missing"),
        ("sample.verbs=[]", "sample.verbs"),
        ("scoring.input=features", "only tag from audio"),
    ],
)
def test_an_impossible_plan_is_refused(tmp_path, fault, said):
    assert said in plan(tmp_path, "--set", fault, exit_code=1)


def test_only_what_cannot_be_decoded_gives_no_estimate(tmp_path):
    write_broken(tmp_path / "music")
    text = plan(tmp_path, str(tmp_path / "music"), "--verb", "features", exit_code=1)
    assert "none of 3 sampled tracks could be decoded (empty, not_audio, too_short)" in text
