from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from fakes import HIGH_HZ, LOW_HZ, tone, tone_bundle

from pipeline.errors import ConfigError
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.served import _load_pyfunc
from pipeline.models.tagger import Tagger
from pipeline.storage import Storage


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = str(tmp_path_factory.mktemp("workspace"))
    return bundle_url(tone_bundle(root), root_url=root)


def test_a_served_tagger_gives_a_track_the_scores_of_the_tagger(folder):
    waves_NT = np.stack([tone(hz, duration_s=5) for hz in (HIGH_HZ, LOW_HZ)])
    scores_NK = _load_pyfunc(folder).predict(waves_NT)
    tagger = Tagger(*read_bundle(folder, storage=Storage()))
    for wave_T, scores_K in zip(waves_NT, scores_NK, strict=True):
        np.testing.assert_array_equal(scores_K, tagger.score_wave(wave_T).mean_scores())
    assert scores_NK.dtype == np.float32
    assert scores_NK[0, 0] > 0.9 > 0.1 > scores_NK[1, 0]


def test_tracks_of_several_lengths_are_scored_together(folder):
    waves = np.empty(2, object)
    waves[:] = [tone(HIGH_HZ, duration_s=seconds) for seconds in (2.5, 7)]
    assert _load_pyfunc(folder).predict(waves).shape == (2, 2)


def test_the_loader_brings_neither_mlflow_nor_ray_nor_the_trainer():
    script = (
        "import sys, pipeline.models.served;"
        "bad = {'mlflow', 'ray', 'pipeline.training', 'pipeline.stages'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_folder_without_a_bundle_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no model at"):
        _load_pyfunc(str(tmp_path))
