"""The features job: catalog > plan > what is left > extract > feature index."""

from __future__ import annotations

import duckdb

from pipeline.audio.decode import DecodeLimits
from pipeline.audio.frontend import FRONTENDS, FrontendSpec
from pipeline.config import MEBIBYTE, FeaturesJob, LimitsConfig, RuntimeConfig
from pipeline.errors import ConfigError
from pipeline.progress import Summary
from pipeline.stages.extract import ExtractTracks, ExtractWork
from pipeline.stages.load import LoadWork
from pipeline.stages.run import run
from pipeline.storage import Storage, absolute
from pipeline.tables.database import register_catalog
from pipeline.tables.ledger import FEATURES_LEDGER
from pipeline.tables.prepare import Asked, prepare
from pipeline.tables.workload import ASSUMED_BYTES_PER_S


def extract_catalog(config: FeaturesJob, *, run_id: str) -> Summary:
    """Gives every track of the catalog a mel, or an index row that says why not.

    Raises:
        ConfigError: an unknown front end.
        TableError: no catalog, or duplicate track ids in it.
    """
    spec, asked = frontend_spec(config.frontend.name), asked_features(config)
    prepared, storage = prepare(asked, run_id=run_id), asked.storage
    work = ExtractWork(
        root_url=asked.root_url,
        pending=prepared.pending,
        load=load_work(
            storage, sample_rate=spec.sample_rate, limits=config.limits, runtime=config.runtime
        ),
        spec=spec,
        plan_id=prepared.plans[spec.spec_id].plan_id,
        run_id=run_id,
        file_tracks=config.runtime.file_tracks,
    )
    return run(
        ExtractTracks,
        work=work,
        prepared=prepared,
        runtime=config.runtime,
        storage=storage,
        verb="features",
    )


def asked_features(config: FeaturesJob) -> Asked:
    """What the job asks for: a row a track of the catalog.

    Raises:
        ConfigError: an unknown front end.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    return Asked(
        FEATURES_LEDGER,
        keys=[frontend_spec(config.frontend.name).spec_id],
        register=lambda connection: plan_audio(connection, root_url=root_url, storage=storage),
        order="track_id",
        root_url=root_url,
        storage=storage,
        memory_mb=config.runtime.plan_memory_mb,
    )


def plan_audio(
    connection: duckdb.DuckDBPyConnection, *, root_url: str, storage: Storage, where: str = "true"
) -> None:
    """Makes `planned` the catalog's tracks, or those for which the SQL `where` holds."""
    register_catalog(connection, root_url=root_url, storage=storage)
    connection.execute(
        "CREATE VIEW planned AS SELECT track_id, audio_version, uri, "
        f"coalesce(duration_s, size_bytes / {ASSUMED_BYTES_PER_S}, 0)::DOUBLE AS work_s "
        f"FROM catalog WHERE {where}"
    )


def frontend_spec(name: str) -> FrontendSpec:
    """A front end by name.

    Raises:
        ConfigError: no front end has that name.
    """
    if name not in FRONTENDS:
        raise ConfigError(f"frontend.name: no front end {name!r}; known: {', '.join(FRONTENDS)}")
    return FRONTENDS[name]


def load_work(
    storage: Storage, *, sample_rate: int, limits: LimitsConfig, runtime: RuntimeConfig
) -> LoadWork:
    """What the workers' loaders need, from the configuration."""
    return LoadWork(
        storage=storage,
        sample_rate=sample_rate,
        max_bytes=limits.max_bytes,
        decode=DecodeLimits(
            min_s=limits.min_s,
            max_s=limits.max_s,
            timeout_s=runtime.decode_timeout_s,
            memory_bytes=runtime.decode_memory_mb * MEBIBYTE,
        ),
    )
