"""The data sets that `earmark dataset` knows, by name."""

from __future__ import annotations

from pipeline.catalog.datasets import DataSet
from pipeline.catalog.datasets.audioset import AUDIOSET
from pipeline.catalog.datasets.fma import FMA
from pipeline.catalog.datasets.gtzan import GTZAN
from pipeline.catalog.datasets.lastfm import LASTFM
from pipeline.catalog.datasets.magnatagatune import MAGNATAGATUNE
from pipeline.catalog.datasets.mtg_jamendo import MTG_JAMENDO
from pipeline.catalog.datasets.nsynth import NSYNTH

DATASETS: dict[str, DataSet] = {
    "audioset": AUDIOSET,
    "fma": FMA,
    "gtzan": GTZAN,
    "magnatagatune": MAGNATAGATUNE,
    "msd-lastfm": LASTFM,
    "mtg-jamendo": MTG_JAMENDO,
    "nsynth": NSYNTH,
}
