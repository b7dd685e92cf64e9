"""A track heard now: its mel as a picture, its tags over time as a grid of few cells."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from pipeline.stages.listen import listen
from pipeline.storage import Storage

# Shape letters: N chunks, K tags, M mel bands, F frames.

MOST_CELLS = 40
"""Across the grid: what a phone's width shows. Several chunks share a cell beyond it."""
SHOWN_TAGS = 10
LEVELS = 10
MARKS = 5
MOST_COLUMNS = 960
COLOURS = 160


@dataclass(frozen=True)
class GridCell:
    """A tag's mean score over a cell's chunks.

    Attributes:
        score: 0 to 1.
        level: 0 to LEVELS - 1, the share of the grid's highest score.
    """

    score: float
    level: int


@dataclass(frozen=True)
class TagGrid:
    """Tags over time.

    Attributes:
        title: what scored it.
        starts_s: where each cell starts, seconds.
        rows: name of each tag and its cells, best first.
        marks: labels of the time axis: a start (seconds) and the cells up to the next one.
        highest: score of the darkest cell.
    """

    title: str
    starts_s: tuple[float, ...]
    rows: tuple[tuple[str, tuple[GridCell, ...]], ...]
    marks: tuple[tuple[float, int], ...]
    highest: float


@dataclass(frozen=True)
class Listened:
    """What a page shows of a track that was heard.

    Attributes:
        grids: one a model.
        mel: PNG of the first model's mel, without axes, so that it stands over the grids' cells.
        low_hz: lower end of its bands.
        high_hz: upper end.
    """

    grids: tuple[TagGrid, ...]
    mel: bytes
    low_hz: float
    high_hz: float


def hear(uri: str, *, references: Sequence[str], root_url: str, storage: Storage) -> Listened:
    """Decodes a track and scores it by some bundles.

    Raises:
        DataError: the file cannot be read.
        ConfigError: a bundle is missing or broken.
    """
    heard = listen(uri, references=references, root_url=root_url, storage=storage)
    grids = tuple(
        tag_grid(
            one.scores.starts_s,
            one.scores.scores_NK,
            title=one.bundle.name,
            tags=one.bundle.taxonomy.names,
        )
        for one in heard
    )
    spec = heard[0].spec
    return Listened(grids, mel_strip(heard[0].mel_MF), spec.f_min, spec.f_max)


def tag_grid(
    starts_s: NDArray[np.float64],
    scores_NK: NDArray[np.float32],
    *,
    title: str,
    tags: Sequence[str],
) -> TagGrid:
    """Scores over time as cells.

    Args:
        starts_s: (N,) where the chunks start, seconds.
        scores_NK: 0 to 1.
        title: what scored it.
        tags: names (K).
    """
    num_chunks = len(starts_s)
    if not num_chunks:
        return TagGrid(title, (), (), (), 0.0)
    order = np.argsort(-scores_NK.mean(axis=0), kind="stable")[:SHOWN_TAGS].tolist()
    parts = np.array_split(np.arange(num_chunks), min(num_chunks, MOST_CELLS))
    means = np.stack([scores_NK[part].mean(axis=0) for part in parts])[:, order]
    highest = float(means.max())
    levels = np.minimum(means / max(highest, 1e-9) * LEVELS, LEVELS - 1).astype(int)
    cells_s = tuple(float(starts_s[part[0]]) for part in parts)
    rows = tuple(
        (
            tags[k],
            tuple(GridCell(float(means[i, j]), int(levels[i, j])) for i in range(len(parts))),
        )
        for j, k in enumerate(order)
    )
    step = -(-len(parts) // MARKS)
    marks = tuple((cells_s[i], min(step, len(parts) - i)) for i in range(0, len(parts), step))
    return TagGrid(title, cells_s, rows, marks, highest)


def mel_strip(mel_MF: NDArray[np.float32]) -> bytes:
    """A mel as a PNG without axes, low bands at the bottom, at most MOST_COLUMNS wide.

    Args:
        mel_MF: values as they shall be drawn (decibels, or another logarithm).
    """
    parts = np.array_split(mel_MF, min(mel_MF.shape[1], MOST_COLUMNS) or 1, axis=1)
    shown = np.stack([part.max(axis=1, initial=-np.inf) for part in parts], axis=1)
    known = shown[np.isfinite(shown)]
    low, high = np.percentile(known, [5, 99.8]) if known.size else (0.0, 1.0)
    unit = np.clip((shown - low) / max(high - low, 1e-9), 0, 1)
    pixels = colormaps["magma"](np.nan_to_num(unit)[::-1], bytes=True)[..., :3]
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).quantize(COLOURS).save(data, format="png")
    return data.getvalue()
