"""A layer's hits to patches: read the winning tracks' mels again, find the boxes, draw them.

Shapes: M mel bands, F frames.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.audio.frontend import FrontendSpec
from pipeline.evaluation.box import Box
from pipeline.evaluation.explanation_page import LayerPart
from pipeline.evaluation.patches import Patch, PatchFacts, patches_picture
from pipeline.evaluation.plots import band_centres_hz
from pipeline.evaluation.report import Picture
from pipeline.evaluation.strongest import Hit
from pipeline.models.taps import Tap, boxes, chunk_input
from pipeline.stages.explain import read_mel
from pipeline.stages.explain_catalog import Heard
from pipeline.tables.features import FeatureReader

PATCHES = pa.schema(
    [
        pa.field("layer", pa.string(), metadata={"comment": "module of the network"}),
        pa.field("channel", pa.int32(), metadata={"comment": "of the layer, from 0"}),
        pa.field("rank", pa.int32(), metadata={"comment": "1 is the channel's strongest"}),
        pa.field("activation", pa.float32(), metadata={"comment": "largest of the map"}),
        pa.field("track_id", pa.string(), metadata={"comment": "identity of a track"}),
        pa.field("start_s", pa.float64(), metadata={"unit": "seconds"}),
        pa.field("end_s", pa.float64(), metadata={"unit": "seconds"}),
        pa.field("low_hz", pa.float64(), metadata={"unit": "hertz"}),
        pa.field("high_hz", pa.float64(), metadata={"unit": "hertz"}),
    ]
)


def cut_patches(tap: Tap, *, heard: Heard, reader: FeatureReader) -> LayerPart:
    """The patches of a layer's channels as a picture and as a list."""
    views = _views(tap, heard=heard, reader=reader)
    rows: list[tuple[int, list[Patch]]] = []
    for channel in tap.channels:
        patches: list[Patch] = []
        for hit in heard.strongest.hits[tap.layer, channel]:
            box, mel_MF = views[channel, hit.track_id]
            if box is not None:
                facts = _facts(hit, channel=channel, rank=len(patches) + 1, box=box, heard=heard)
                patches.append(Patch(facts, mel_MF, box))
        rows.append((channel, patches))
    title = f"{heard.tagger.bundle.name}, {tap.layer}: strongest patches"
    return LayerPart(
        layer=tap.layer,
        channels=len(rows),
        silent=tuple(channel for channel, patches in rows if not patches),
        picture=Picture(patches_picture(rows, title=title), title),
        patches=tuple(patch.facts for _, patches in rows for patch in patches),
    )


def _views(
    tap: Tap, *, heard: Heard, reader: FeatureReader
) -> dict[tuple[int, str], tuple[Box | None, NDArray[np.float16]]]:
    """For each channel and track of its hits the box, and the chunk's mel (M, F) around it."""
    wanted: dict[str, dict[float, list[int]]] = {}
    for channel in tap.channels:
        for hit in heard.strongest.hits[tap.layer, channel]:
            wanted.setdefault(hit.track_id, {}).setdefault(hit.start_s, []).append(channel)
    spec = heard.tagger.bundle.frontend
    found: dict[tuple[int, str], tuple[Box | None, NDArray[np.float16]]] = {}
    for track_id, row in heard.planned.items():  # in the order of the parts
        if track_id not in wanted:
            continue
        track_MF = read_mel(reader, row)
        for start_s, channels in wanted[track_id].items():
            start = round(start_s * spec.sample_rate / spec.hop_length)
            chunk_MF = chunk_input(heard.tagger, track_MF, start=start)
            kept_MF = chunk_MF.numpy().astype(np.float16)
            seen = boxes(heard.tagger, chunk_MF, layer=tap.layer, channels=channels)
            for channel, box in seen.items():
                found[channel, track_id] = (box, kept_MF)
    return found


def _facts(hit: Hit, *, channel: int, rank: int, box: Box, heard: Heard) -> PatchFacts:
    spec = heard.tagger.bundle.frontend
    hop_s = spec.hop_length / spec.sample_rate
    edges_hz = [
        spec.f_min,
        *centres_hz(spec),
        spec.f_max,
    ]  # a band reaches its neighbours' centres
    row = heard.planned[hit.track_id]
    return PatchFacts(
        channel=channel,
        rank=rank,
        activation=hit.activation,
        track_id=hit.track_id,
        title=row["title"] or "",
        artist=row["artist"] or "",
        start_s=hit.start_s + box.start * hop_s,
        end_s=hit.start_s + box.stop * hop_s,
        low_hz=float(edges_hz[box.low]),
        high_hz=float(edges_hz[box.high + 1]),
    )


def patch_table(parts: Sequence[LayerPart]) -> bytes:
    """All layers' patches as Parquet, by `PATCHES`."""
    rows = [{"layer": part.layer} | vars(facts) for part in parts for facts in part.patches]
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=PATCHES), data, compression="zstd")
    return data.getvalue()


def centres_hz(spec: FrontendSpec) -> NDArray[np.float64]:
    """Centres of a front end's bands (M,), hertz."""
    return band_centres_hz(
        n_mels=spec.n_mels, f_min=spec.f_min, f_max=spec.f_max, mel_scale=spec.mel_scale
    )
