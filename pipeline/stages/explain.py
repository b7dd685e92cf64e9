"""Stored mels to the strongest activations of a network's units: mel > chunks > layers > maxima."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from pipeline.evaluation.strongest import Hit, Strongest, Unit
from pipeline.models.bundle import read_bundle
from pipeline.models.tagger import Tagger
from pipeline.models.taps import Listener, Tap
from pipeline.storage import Storage
from pipeline.tables.features import FeatureReader
from pipeline.tables.pending import Pending, PendingReader


@dataclass(frozen=True)
class ExplainWork:
    """What an explaining actor needs."""

    root_url: str
    storage: Storage
    pending: Pending
    bundle_url: str
    taps: tuple[Tap, ...]
    num_hits: int
    device: str


@dataclass(frozen=True)
class Found:
    """What an actor tells of a unit of work.

    Attributes:
        tracks: how many it heard.
        audio_s: their audio, seconds.
        hits: those that are among the strongest that the actor has met.
    """

    tracks: int
    audio_s: float
    hits: dict[Unit, tuple[Hit, ...]]

    def to_json(self) -> str:
        """For the way through Ray."""
        hits = [
            (*unit, hit.activation, hit.track_id, hit.start_s)
            for unit, hits in self.hits.items()
            for hit in hits
        ]
        return json.dumps({"tracks": self.tracks, "audio_s": self.audio_s, "hits": hits})

    @staticmethod
    def from_json(text: str) -> Found:
        """The inverse of `to_json`."""
        facts = json.loads(text)
        hits: dict[Unit, tuple[Hit, ...]] = {}
        for layer, channel, *hit in facts["hits"]:
            hits[layer, channel] = (*hits.get((layer, channel), ()), Hit(*hit))
        return Found(facts["tracks"], facts["audio_s"], hits)


class HearTracks:
    """In: a slice of the pending file.

    Out: one row `found` (JSON), of bounded size.
    Fan-out: one row a unit of work.
    Rejects: none; tracks without features are not planned.
    """

    def __init__(self, work: ExplainWork) -> None:
        torch.set_num_threads(1)
        self._taps = work.taps
        self._pending = PendingReader(work.pending, storage=work.storage)
        bundle, weights = read_bundle(work.bundle_url, storage=work.storage)
        self._reader = FeatureReader(work.root_url, storage=work.storage, spec=bundle.frontend)
        self._listener = Listener(
            Tagger(bundle, weights, device=work.device), layers=[tap.layer for tap in work.taps]
        )
        self._strongest = Strongest(work.num_hits)

    def __call__(self, unit: pa.Table) -> Iterator[pa.Table]:
        """Yields what each slice adds; the more was heard before, the less it is."""
        for start, stop in zip(unit["start"].to_pylist(), unit["stop"].to_pylist(), strict=True):
            rows = self._pending.rows(start, stop)
            for row in rows:
                self._hear(row)
            hits = self._strongest.of_tracks(frozenset(row["track_id"] for row in rows))
            found = Found(len(rows), sum(row["duration_s"] for row in rows), hits)
            yield pa.table({"found": [found.to_json()]})

    def _hear(self, row: dict[str, Any]) -> None:
        scores, maxima = self._listener.score_mel(read_mel(self._reader, row))
        for tap in self._taps:
            for unit, hit in _best_chunks(
                maxima[tap.layer], tap=tap, starts_s=scores.starts_s, track_id=row["track_id"]
            ):
                self._strongest.add(unit, hit)


def read_mel(reader: FeatureReader, row: dict[str, Any]) -> NDArray[np.float32]:
    """The mel (M, F) of a planned track."""
    return reader.mel(
        part=row["part"],
        first_row=row["first_row"],
        num_rows=row["num_rows"],
        num_frames=row["num_frames"],
    )


def _best_chunks(
    maxima_NC: NDArray[np.float32], *, tap: Tap, starts_s: NDArray[np.float64], track_id: str
) -> Iterable[tuple[Unit, Hit]]:
    """A track's hit for each channel: its strongest chunk, the first of equals."""
    for channel in tap.channels:
        best = int(maxima_NC[:, channel].argmax())
        activation = float(maxima_NC[best, channel])
        yield (tap.layer, channel), Hit(activation, track_id, float(starts_s[best]))
