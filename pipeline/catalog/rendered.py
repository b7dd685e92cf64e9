"""A catalog for the demo: real scores played by a sampled sound font, with exact labels.

Scores of music21's corpus, each played by three ensembles, in four file formats, and six broken
files. The labels say what was rendered, so they are exact: `instrument---FAMILY`,
`program---NAME`, `composer---NAME`, and `mode---major|minor` where the score's own key and the
excerpt's pitches agree. All renderings of a work are in one split.

Needs the extra `demo`. The sound font is read from the installed package and never copied.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from pipeline.catalog.rendered_files import HALF, broken_files, encode, read_wave, shape_wave
from pipeline.catalog.rendered_music import arrange, cut_excerpt, midi_bytes, mode_of
from pipeline.catalog.rendered_plan import Rendering, ScoreJob, plan_jobs
from pipeline.catalog.rendered_programs import instrument_labels
from pipeline.catalog.rendered_scores import TRADITIONAL, Score, ScoreRef, read_score, seeded
from pipeline.errors import ConfigError
from pipeline.schemas import CATALOG

TABLE_NAME = "tracks.parquet"
DATASET = "rendered-scores"
LICENSE = "music21 corpus, rendered"
_PACKAGES = ("music21", "midirenderer", "pretty_midi")


@dataclass(frozen=True)
class Track:
    """A row of the table; the columns are the catalog's."""

    track_id: str
    uri: str
    title: str
    artist: str
    license: str
    dataset: str
    split: str
    labels: list[str]


def render_catalog(
    folder: str | Path,
    *,
    num_tracks: int = 200,
    clip_s: float = 30.0,
    seed: int = 0,
    num_processes: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Makes the catalog, or finds it complete; the table is written last.

    Args:
        folder: gets `tracks.parquet` and `audio/`.
        num_tracks: playable tracks; six broken ones come on top.
        clip_s: length of each, seconds.
        seed: the same seed gives the same decoded audio and the same table.
        num_processes: processes that parse and render.
        on_progress: called with the number of tracks done and to do.

    Returns:
        The path of the table of tracks; its `uri` is relative to the table's folder.

    Raises:
        ConfigError: the extra `demo` is not installed, or the folder holds a catalog that was
            made with other values.
    """
    table_path = Path(folder) / TABLE_NAME
    facts = {"num_tracks": str(num_tracks), "clip_s": str(clip_s), "seed": str(seed)}
    if _is_complete(table_path, facts):
        return table_path
    corpus = _corpus()
    (table_path.parent / "audio").mkdir(parents=True, exist_ok=True)
    jobs = plan_jobs(corpus, num_tracks=num_tracks, seed=seed)
    rows: list[Track] = []
    with ProcessPoolExecutor(num_processes, multiprocessing.get_context("spawn")) as pool:
        fixed = map(itertools.repeat, (corpus, table_path.parent, clip_s, seed))
        for tracks in pool.map(_render_score, jobs, *fixed):
            rows += tracks
            if on_progress is not None:
                on_progress(len(rows), num_tracks)
    rows += _break_files(table_path.parent, rows[0])
    _write_table(table_path, rows, facts)
    return table_path


def _render_score(
    job: ScoreJob, corpus: Path, folder: Path, clip_s: float, seed: int
) -> list[Track]:
    score = read_score(corpus, job.ref)
    return [_render(r, job, score, folder, clip_s, seed) for r in job.renderings]


def _render(
    rendering: Rendering, job: ScoreJob, score: Score, folder: Path, clip_s: float, seed: int
) -> Track:
    import midirenderer

    choice = seeded(seed, rendering.track_id)
    tempo_bpm = choice.uniform(*job.ref.source.tempo_bpm)
    excerpt = cut_excerpt(score, length=clip_s * tempo_bpm / 60, choice=choice)
    voices = arrange(excerpt, rendering.ensemble)
    midi = midi_bytes(voices, tempo_bpm=tempo_bpm, choice=choice)
    sound = midirenderer.render_wave_from(_sound_font(), midi)
    wave_TC, rate = soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)
    wave_TC = shape_wave(wave_TC, rate=rate, encoding=rendering.encoding, length_s=clip_s)
    uri = f"audio/{rendering.track_id}.{rendering.encoding.extension}"
    title = f"{score.title} ({rendering.ensemble.name})"
    data = encode(wave_TC, encoding=rendering.encoding, title=title, artist=score.artist)
    (folder / uri).write_bytes(data)
    labels = instrument_labels(voice.program for voice in voices)
    labels += _composer_labels(job.ref)
    if score.mode is not None and score.mode == mode_of(excerpt):
        labels.append(f"mode---{score.mode}")
    return Track(rendering.track_id, uri, title, score.artist, LICENSE, DATASET, job.split, labels)


def _composer_labels(ref: ScoreRef) -> list[str]:
    if ref.source.artist is None:
        return []
    name = "traditional" if ref.source.artist == TRADITIONAL else ref.source.name
    return [f"composer---{name}"]


def _break_files(folder: Path, whole: Track) -> list[Track]:
    """Broken files made from one whole track; only the one that still has music keeps labels."""
    wave_TC, sample_rate = read_wave(folder / whole.uri)
    rows = []
    files = broken_files(wave_TC, sample_rate=sample_rate, artist=whole.artist)
    for name, data in files.items():
        uri = f"audio/{name}"
        (folder / uri).write_bytes(data)
        labels = whole.labels if name == HALF else []
        rows.append(replace(whole, track_id=Path(name).stem, uri=uri, title=name, labels=labels))
    return rows


def _sound_font() -> bytes:
    return (_package_folder("pretty_midi") / "TimGM6mb.sf2").read_bytes()


def _corpus() -> Path:
    return {name: _package_folder(name) for name in _PACKAGES}["music21"] / "corpus"


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the demo's catalog needs music21, midirenderer and pretty_midi: "
            "pip install earmark[demo]"
        )
    return Path(spec.origin).parent


def _is_complete(table_path: Path, facts: dict[str, str]) -> bool:
    if not table_path.exists():
        return False
    found = {k.decode(): v.decode() for k, v in pq.read_schema(table_path).metadata.items()}
    differing = [f"{k}={found.get(k)} (asked: {v})" for k, v in facts.items() if found.get(k) != v]
    if differing:
        raise ConfigError(f"{table_path} was made with {', '.join(differing)}; name another folder")
    return True


def _write_table(table_path: Path, rows: list[Track], facts: dict[str, str]) -> None:
    fields = [CATALOG.field(name) for name in Track.__dataclass_fields__]
    schema = pa.schema(fields, metadata=facts)
    part = table_path.with_name(f".{table_path.name}.part")
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), part)
    part.replace(table_path)
