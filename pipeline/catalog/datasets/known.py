"""The data sets that `earmark dataset` knows, by name."""

from __future__ import annotations

from pipeline.catalog.datasets import DataSet
from pipeline.catalog.datasets.nsynth import NSYNTH

DATASETS: dict[str, DataSet] = {"nsynth": NSYNTH}
