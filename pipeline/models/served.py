"""The loader of registered taggers: mlflow.pyfunc calls it to turn waves into scores.

It is part of the installed package, so a registered model holds a bundle and no code. It imports
no MLflow.

Shapes: N tracks, T samples, K tags.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.models.bundle import read_bundle
from pipeline.models.tagger import Tagger
from pipeline.storage import Storage


class ServedTagger:
    """What `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger

    def predict(self, waves_NT: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of tracks (N, K), 0 to 1, in taxonomy order.

        Args:
            waves_NT: mono, at the bundle's sample rate. Tracks of several lengths are an object
                array of waves.
        """
        return np.stack([self._tagger.score_wave(wave_T).mean_scores() for wave_T in waves_NT])


def _load_pyfunc(path: str) -> ServedTagger:
    """MLflow's entry: the bundle's folder, downloaded, to a model on the CPU.

    Raises:
        ConfigError: the folder holds no bundle, or a damaged one.
    """
    bundle, weights = read_bundle(path, storage=Storage())
    return ServedTagger(Tagger(bundle, weights))
