"""The explain job: bundle > plan > hear every track > strongest chunks > patches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.audio.frontend import FrontendSpec
from pipeline.config_evaluation import ExplainJob
from pipeline.errors import ConfigError, TableError
from pipeline.evaluation.strongest import Strongest
from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.tagger import Tagger
from pipeline.models.taps import Tap, choose_taps, first_kernels, layers
from pipeline.progress import Progress
from pipeline.schemas import FEATURE_INDEX
from pipeline.stages.cluster import cluster, stream_json
from pipeline.stages.explain import ExplainWork, Found, HearTracks
from pipeline.stages.units import units
from pipeline.storage import Storage, absolute
from pipeline.tables.database import database, register, register_catalog
from pipeline.tables.pending import Pending, write_pending
from pipeline.tables.receipt import Tally
from pipeline.tables.workload import Workload

# `wanted`: tracks that shall be heard; `planned`: those that can be; nothing is `committed`.
WANTED = """
CREATE VIEW wanted AS
SELECT c.track_id, c.audio_version, c.title, c.artist, f.part, f.first_row, f.num_rows,
    f.num_frames, f.duration_s, f.status
FROM (SELECT * FROM catalog WHERE coalesce(occurrence, 0) = 0) c
LEFT JOIN (SELECT * FROM feature_index WHERE spec_id = '{spec_id}') f
    ON c.track_id = f.track_id AND c.audio_version = f.audio_version
WHERE (SELECT dataset FROM chosen) IS NULL OR c.dataset = (SELECT dataset FROM chosen)
"""
PLANNED = """
CREATE VIEW planned AS SELECT *, duration_s AS work_s FROM wanted WHERE status = 'ok';
CREATE VIEW committed AS
SELECT track_id, audio_version, '{spec_id}' AS spec_id FROM wanted WHERE false
"""


@dataclass(frozen=True)
class Heard:
    """What the whole catalog has said.

    Attributes:
        tagger: of the bundle, on this machine's CPU.
        taps: layers and channels.
        strongest: the hits of each.
        planned: rows of `planned` by track_id, of the tracks with hits and of `--track`.
        tally: tracks and audio that were heard.
        seconds: that it took.
    """

    tagger: Tagger
    taps: tuple[Tap, ...]
    strongest: Strongest
    planned: dict[str, dict[str, Any]]
    tally: Tally
    seconds: float


def hear_catalog(config: ExplainJob, *, run_id: str, track_id: str | None) -> Heard:
    """Runs every track with features through the network once.

    Args:
        config: the job.
        run_id: names the list of work.
        track_id: of a track whose row shall be among `planned` whatever its activations.

    Raises:
        ConfigError: a bundle is missing or broken, or a layer or channel is not in its network.
        TableError: no catalog, or features that are not there.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    asked = config.explanation
    url = bundle_url(asked.model, root_url=root_url)
    tagger = Tagger(*read_bundle(url, storage=storage))
    if tagger.bundle.frontend.reads_wave:
        raise ConfigError(
            f"{asked.model} reads waves, and explanations are patches of mels; give a model with a "
            "mel front end"
        )
    first_kernels(tagger)  # what cannot be drawn is refused before Ray starts
    taps = choose_taps(asked.layers, num_channels=asked.channels, there=layers(tagger))
    with _planned(config, spec=tagger.bundle.frontend, run_id=run_id) as (pending, workload):
        if track_id and not _rows(pending, track_ids={track_id}, storage=storage):
            raise TableError(
                f"track {track_id} is not among those that are heard: its audio could not be read, "
                "or explanation.dataset leaves it out"
            )
        work = ExplainWork(
            root_url=root_url,
            storage=storage,
            pending=pending,
            bundle_url=url,
            taps=taps,
            num_hits=asked.patches,
            device="cuda" if config.runtime.num_gpus_per_actor else "cpu",
        )
        with cluster(config.runtime) as num_actors:
            started = time.monotonic()
            slices = units(workload, num_actors=num_actors, unit_tracks=config.runtime.unit_tracks)
            strongest, tally = _hear(work, config=config, slices=slices, num_actors=num_actors)
            seconds = time.monotonic() - started
        ids = {hit.track_id for hits in strongest.hits.values() for hit in hits}
        planned = _rows(pending, track_ids=ids | {track_id or ""}, storage=storage)
    return Heard(tagger, taps, strongest, planned, tally, seconds)


def _hear(
    work: ExplainWork,
    *,
    config: ExplainJob,
    slices: list[tuple[int, int]],
    num_actors: int,
) -> tuple[Strongest, Tally]:
    strongest, tally = Strongest(work.num_hits), Tally()
    progress = Progress(work.pending.num_tracks, "explain")
    texts = stream_json(
        HearTracks,
        column="found",
        work=work,
        slices=slices,
        num_actors=num_actors,
        runtime=config.runtime,
    )
    with closing(texts):
        for text in texts:
            found = Found.from_json(text)
            strongest.merge(found.hits)
            tally = tally.plus(Tally(ok=found.tracks, audio_s=found.audio_s))
            progress(tally)
    return strongest, tally


@contextmanager
def _planned(
    config: ExplainJob, *, spec: FrontendSpec, run_id: str
) -> Iterator[tuple[Pending, Workload]]:
    """The list of work: tracks with a mel of this front end, in the order of the parts."""
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    with database(memory_mb=config.runtime.plan_memory_mb) as connection:
        register_catalog(connection, root_url=root_url, storage=storage)
        register(
            connection, "feature_index", root_url=root_url, storage=storage, schema=FEATURE_INDEX
        )
        _refuse_missing(connection, config=config, spec=spec)
        connection.execute(PLANNED.format(spec_id=spec.spec_id))
        pending, workload = write_pending(
            connection,
            root_url=root_url,
            storage=storage,
            run_id=run_id,
            keys=[spec.spec_id],
            key_column="spec_id",
            order="part, first_row",
        )
    try:
        if not pending.num_tracks:
            raise TableError(f"no track has a mel of front end {spec.name}: every one failed")
        yield pending, workload
    finally:
        with suppress(OSError):  # only this run reads it; one that stays harms nothing
            storage.delete(pending.url)


def _refuse_missing(
    connection: duckdb.DuckDBPyConnection, *, config: ExplainJob, spec: FrontendSpec
) -> None:
    """Makes `wanted` the tracks that shall be heard, each with its row of the feature index."""
    dataset = config.explanation.dataset
    connection.execute("CREATE TABLE chosen (dataset VARCHAR)")
    connection.execute("INSERT INTO chosen VALUES (?)", [dataset])
    connection.execute(WANTED.format(spec_id=spec.spec_id))
    (counts,) = connection.sql(
        "SELECT count(*), count(*) FILTER (status IS NULL) FROM wanted"
    ).fetchall()
    if not counts[0]:
        raise TableError(
            "there is no track to hear: "
            + (f"no track is of dataset {dataset!r}" if dataset else "the catalog is empty")
        )
    if counts[1]:
        found = connection.sql("SELECT DISTINCT spec_id FROM feature_index ORDER BY 1").fetchall()
        stored = ", ".join(row[0] for row in found) or "none"
        raise TableError(
            f"{counts[1]} of {counts[0]} track(s) have no features of front end {spec.spec_id}, "
            f"which the model reads (stored front ends: {stored}): run earmark features "
            f"--frontend {spec.name} first"
        )


def _rows(pending: Pending, *, track_ids: set[str], storage: Storage) -> dict[str, dict[str, Any]]:
    """Rows of the list of work, in its order."""
    filesystem, path = storage.arrow_filesystem(pending.url)
    wanted = pc.field("track_id").isin(sorted(track_ids))
    rows = pq.read_table(path, filesystem=filesystem, filters=wanted).to_pylist()
    return {row["track_id"]: row for row in rows}
