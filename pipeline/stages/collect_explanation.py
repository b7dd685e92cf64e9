"""From a catalog that was heard to what people see: pictures, a table, a page.

Shapes: M mel bands, F frames, C channels, H a kernel's bands, W its frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from pipeline.audio.frontend import Frontend
from pipeline.evaluation.explanation_page import ExplanationData, LayerPart, render_explanation
from pipeline.evaluation.kernels import kernel_picture
from pipeline.evaluation.patches import track_name
from pipeline.evaluation.plots import mel_picture, taggram_picture
from pipeline.evaluation.report import Picture
from pipeline.models.tagger import Tagger
from pipeline.models.taps import first_kernels
from pipeline.progress import Counter, duration
from pipeline.stages.cut_patches import centres_hz, cut_patches, patch_table
from pipeline.stages.explain import read_mel
from pipeline.stages.explain_catalog import Heard
from pipeline.storage import Storage, join
from pipeline.tables.features import FeatureReader

TOP_TAGS = 12
PAGE_FILE, TABLE_FILE = "explanation.html", "patches.parquet"


@dataclass(frozen=True)
class Explanation:
    """What a network hears.

    Attributes:
        files: a page, a table of patches, and pictures, by file name; the page comes last.
        facts: numbers of the run.
    """

    files: dict[str, bytes]
    facts: dict[str, float]

    def lines(self) -> list[str]:
        """For the terminal."""
        facts = self.facts
        return [
            f"explain: {facts['tracks']:,.0f} tracks ({facts['audio_hours']:.2f} h of audio) in "
            f"{duration(facts['seconds'])}: {facts['tracks_per_s']:.3g} tracks/s",
            f"  {facts['patches']:,.0f} patches",
        ]


def collect_explanation(
    heard: Heard, *, root_url: str, storage: Storage, track_id: str | None
) -> Explanation:
    """Cuts the patches and draws everything.

    Args:
        heard: from `hear_catalog`.
        root_url: the workspace.
        storage: how to reach it.
        track_id: a track whose tags over time are shown as well.
    """
    reader = FeatureReader(root_url, storage=storage, spec=heard.tagger.bundle.frontend)
    counter, parts = Counter("explain", "layers drawn"), []
    for number, tap in enumerate(heard.taps, start=1):
        parts.append(cut_patches(tap, heard=heard, reader=reader))
        counter(number, len(heard.taps))
    kernels = _kernels(heard.tagger)
    track = _track(track_id, heard=heard, reader=reader) if track_id else {}
    page = _page(heard, kernels=kernels, parts=parts, track_id=track_id, track=track)
    drawn = kernels | {f"patches-{part.layer}.png": part.picture for part in parts} | track
    files = {name: picture.png for name, picture in drawn.items()}
    files |= {TABLE_FILE: patch_table(parts), PAGE_FILE: render_explanation(page).encode()}
    facts = {
        "tracks": float(heard.tally.ok),
        "audio_hours": heard.tally.audio_s / 3600,
        "seconds": heard.seconds,
        "tracks_per_s": heard.tally.ok / heard.seconds,
        "patches": float(sum(len(part.patches) for part in parts)),
    }
    return Explanation(files, facts)


def write_explanation(
    explanation: Explanation, *, heard: Heard, root_url: str, storage: Storage
) -> str:
    """Writes the files to explanations/MODEL, over those of an earlier run; gives the page's URL.

    Pictures of layers that only the earlier run was asked for stay.
    """
    folder = join(root_url, "explanations", heard.tagger.bundle.model_version)
    for name, content in explanation.files.items():
        storage.write(join(folder, name), content)
    return join(folder, PAGE_FILE)


def _page(
    heard: Heard,
    *,
    kernels: dict[str, Picture],
    parts: Sequence[LayerPart],
    track_id: str | None,
    track: dict[str, Picture],
) -> ExplanationData:
    bundle = heard.tagger.bundle
    hours = heard.tally.audio_s / 3600
    return ExplanationData(
        title=f"What {bundle.name} hears",
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        facts={
            "model": bundle.model_version,
            "architecture": bundle.architecture,
            "front end": bundle.frontend.name,
            "heard": f"{heard.tally.ok:,} tracks, {hours:.2f} hours of audio",
        },
        kernels=tuple(kernels.values()),
        layers=tuple(parts),
        track=_named(heard.planned[track_id]) if track_id else "",
        track_pictures=tuple(track.values()),
    )


def _kernels(tagger: Tagger) -> dict[str, Picture]:
    """A picture for each convolution that reads the mel, by file name."""
    pictures = {}
    for name, kernels_CHW in first_kernels(tagger).items():
        count, bands, frames = kernels_CHW.shape
        title = f"{tagger.bundle.name}, {name}: {count} kernels of {bands} by {frames}"
        pictures[f"kernels-{name}.png"] = Picture(kernel_picture(kernels_CHW, title=title), title)
    return pictures


def _track(track_id: str, *, heard: Heard, reader: FeatureReader) -> dict[str, Picture]:
    """A track's mel and its tags over time, by file name."""
    bundle, spec = heard.tagger.bundle, heard.tagger.bundle.frontend
    mel_MF = read_mel(reader, heard.planned[track_id])
    scores = heard.tagger.score_mel(mel_MF)
    mel = mel_picture(
        Frontend(spec).network_input(torch.from_numpy(mel_MF)).numpy(),
        hop_s=spec.hop_length / spec.sample_rate,
        bands_hz=centres_hz(spec),
        title="mel",
    )
    title = f"{bundle.name}: tags over time"
    taggram = taggram_picture(
        scores.starts_s, scores.scores_NK, tags=bundle.taxonomy.names, top=TOP_TAGS, title=title
    )
    return {"mel.png": Picture(mel, "mel spectrogram"), "taggram.png": Picture(taggram, title)}


def _named(row: dict[str, Any]) -> str:
    return track_name(row["track_id"], title=row["title"] or "", artist=row["artist"] or "")
