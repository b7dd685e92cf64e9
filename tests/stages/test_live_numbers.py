from __future__ import annotations

import re
import time
import urllib.request

import pytest
from workspace import features_job, write_broken, write_catalog, write_tones

from pipeline.stages import extract_catalog, run

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("shared_ray")]
VERB = "live-numbers"  # no other test counts under this name
LONGEST_S = 60.0


def exposition() -> dict[tuple[str, str], float]:
    """This test's samples as Ray's exporter shows them, by name and reason or stage."""
    import ray

    port = ray.nodes()[0]["MetricsExportPort"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    samples = {}
    for line in lines:
        if f'verb="{VERB}"' in line:
            label = re.search(r'(?:reason|stage|direction)="(\w+)"', line)
            name, value = line.partition("{")[0], float(line.rpartition(" ")[2])
            samples[name, label[1] if label else ""] = value
    return samples


def test_an_operator_reads_a_runs_numbers_from_rays_exporter(tmp_path, monkeypatch):
    write_tones(tmp_path / "music", num_tracks=6)
    write_broken(tmp_path / "music")
    write_catalog(tmp_path, sorted((tmp_path / "music").iterdir()))

    def renamed(*given, **named):
        return run.run(*given, **named | {"verb": VERB})

    monkeypatch.setattr(extract_catalog, "run", renamed)
    summary = extract_catalog.extract_catalog(features_job(tmp_path), run_id="r")
    deadline = time.monotonic() + LONGEST_S  # Ray reports every ten seconds
    samples: dict[tuple[str, str], float] = {}
    while samples.get(("ray_earmark_rows_committed_total", "")) != 9:
        assert time.monotonic() < deadline, samples
        time.sleep(0.5)
        samples = exposition()
    assert samples["ray_earmark_tracks_total", ""] == 6
    for reason in ("empty", "not_audio", "too_short"):
        assert samples["ray_earmark_tracks_total", reason] == 1
    assert samples["ray_earmark_tracks_left", ""] == 0
    assert samples["ray_earmark_tracks_uncommitted", ""] == 0
    assert samples["ray_earmark_audio_seconds_total", ""] == pytest.approx(24, abs=0.5)
    for stage, seconds in summary.bottleneck.times.seconds.items():
        assert samples["ray_earmark_stage_seconds_total", stage] == pytest.approx(seconds)
    commits = samples["ray_earmark_commit_seconds_count", ""]
    assert commits >= summary.bottleneck.commits >= 1
    assert samples["ray_earmark_bytes_total", "written"] == summary.bottleneck.times.bytes_written
    assert set(summary.bottleneck.times.work) == {"fetch", "decode", "mel", "write"}
