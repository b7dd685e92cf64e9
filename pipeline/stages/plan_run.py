"""The plan job: catalog > sample > measure > what features and tag will take on a cluster."""

from __future__ import annotations

import math
import os
import uuid
from dataclasses import replace

import numpy as np

from pipeline.config import TagInput
from pipeline.config_plan import PlanJob, Verb
from pipeline.errors import ConfigError
from pipeline.forecast import Hardware, forecast
from pipeline.models.bundle import Bundle, bundle_url, read_bundle
from pipeline.models.scoring import scoring_id
from pipeline.outlook import Outlook
from pipeline.stages.extract_catalog import frontend_spec, load_work
from pipeline.stages.measure import MeasureWork, measure
from pipeline.stages.units import units
from pipeline.storage import absolute, join
from pipeline.tables.database import database, register_catalog
from pipeline.tables.estimates import Estimate, write_estimate
from pipeline.tables.sample import Sample, draw_sample
from pipeline.tables.workload import MOST_STRIPES, Workload

LEAST_TRACKS = 4
"""A process measures at least so many tracks, where there are enough."""


def plan_catalog(config: PlanJob, *, where: str = "true") -> list[Outlook]:
    """Measures a sample of the catalog for each verb and keeps the estimates in the workspace.

    Args:
        config: the job; models are resolved.
        where: SQL over columns of the catalog: these tracks only.

    Raises:
        ConfigError: an empty catalog, an unknown front end, a bundle that is missing or broken,
            `tag` from stored features, or no track of the sample that can be decoded.
        TableError: there is no catalog.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    if Verb.TAG in config.sample.verbs and config.scoring.input != TagInput.AUDIO:
        raise ConfigError("scoring.input: only tag from audio can be estimated; set it to audio")
    with database(memory_mb=config.runtime.plan_memory_mb) as connection:
        register_catalog(connection, root_url=root_url, storage=storage)
        sample = draw_sample(
            connection, where=where, num_tracks=config.sample.num_tracks, seed=config.sample.seed
        )
    return [
        _outlook(config, verb, sample=sample, root_url=root_url) for verb in config.sample.verbs
    ]


def _outlook(config: PlanJob, verb: Verb, *, sample: Sample, root_url: str) -> Outlook:
    hardware = _hardware(config)
    bundles = _bundles(config, root_url=root_url) if verb == Verb.TAG else {}
    work, keys = _work(config, bundles=bundles, root_url=root_url, sample=sample)
    processes = max(1, min(os.cpu_count() or 1, len(sample.tracks) // LEAST_TRACKS))
    measured = measure(work, sample.tracks, num_processes=processes)
    try:
        found = forecast(
            measured.costs,
            weight_s=sample.totals.weight_s,
            hardware=hardware,
            seed=config.sample.seed,
        )
    except ValueError:
        reasons = ", ".join(sorted({cost.reason for cost in measured.costs}))
        raise ConfigError(
            f"none of {len(measured.costs)} sampled tracks could be decoded ({reasons}): "
            "nothing can be said of the rest"
        ) from None
    outlook = Outlook(
        verb=str(verb),
        what=", ".join(config.scoring.models) if bundles else config.frontend.name,
        totals=sample.totals,
        costs=measured.costs,
        forecast=found,
        hardware=hardware,
        start_s=measured.start_s,
        num_files=_num_files(config, sample=sample, hardware=hardware, each=len(bundles) or 2),
        tag_bytes=measured.tag_bytes * sample.totals.num_tracks,
        url="",
    )
    return _kept(config, outlook, keys=keys, root_url=root_url)


def _kept(config: PlanJob, outlook: Outlook, *, keys: tuple[str, ...], root_url: str) -> Outlook:
    """The outlook, written where a run of the verb finds it."""
    core_s = outlook.forecast.core_s
    estimate = Estimate(
        verb=outlook.verb,
        keys=keys,
        core_s=core_s.middle,
        core_s_low=core_s.low,
        core_s_high=core_s.high,
        start_s=outlook.start_s,
        efficiency=outlook.hardware.efficiency,
        forecast=outlook.facts(),
    )
    url = write_estimate(root_url, storage=config.workspace.storage, estimate=estimate)
    return replace(outlook, url=url)


def _work(
    config: PlanJob, *, bundles: dict[str, tuple[Bundle, str]], root_url: str, sample: Sample
) -> tuple[MeasureWork, tuple[str, ...]]:
    spec = frontend_spec(config.frontend.name)
    read = next(iter(bundles.values()))[0].frontend if bundles else spec
    load = load_work(
        config.workspace.storage,
        sample_rate=read.sample_rate,
        limits=config.limits,
        runtime=config.runtime,
    )
    unit = _slices(config, sample=sample, cores=_hardware(config).cores)[0]
    work = MeasureWork(
        load=load,
        scratch_url=join(root_url, "plans", "estimates", f"scratch-{uuid.uuid4().hex}"),
        spec=None if bundles else spec,
        bundle_urls=tuple(url for _, url in bundles.values()),
        precision=config.scoring.precision,
        file_tracks=min(config.runtime.file_tracks, unit[1] - unit[0]),
        max_s=config.sample.max_s,
    )
    return work, tuple(bundles) or (spec.spec_id,)


def _bundles(config: PlanJob, *, root_url: str) -> dict[str, tuple[Bundle, str]]:
    """The configured bundles and where they are, by scoring_id."""
    found, scoring = {}, config.scoring
    for reference in scoring.models:
        url = bundle_url(reference, root_url=root_url)
        bundle, _ = read_bundle(url, storage=config.workspace.storage)
        key = scoring_id(bundle, source=scoring.input, precision=scoring.precision)
        found[key] = (bundle, url)
    rates = sorted({bundle.frontend.sample_rate for bundle, _ in found.values()})
    if len(rates) > 1:
        raise ConfigError(f"scoring.models read waves of {rates} Hz: plan them apart")
    return found


def _hardware(config: PlanJob) -> Hardware:
    cluster = config.cluster
    return Hardware(
        cores=cluster.nodes * (cluster.cpus_per_node or os.cpu_count() or 1),
        gpus=cluster.nodes * cluster.gpus_per_node,
        gpu_chunks_per_s=cluster.gpu_chunks_per_s or 0.0,
        cpu_speed=cluster.cpu_speed,
        efficiency=cluster.efficiency,
        price_per_hour=cluster.nodes * cluster.node_price_per_hour,
    )


def _slices(config: PlanJob, *, sample: Sample, cores: int) -> list[tuple[int, int]]:
    totals = sample.totals
    stripe = -(-totals.num_tracks // MOST_STRIPES)
    num_stripes = -(-totals.num_tracks // stripe)
    work_s = np.full(num_stripes, totals.weight_s / num_stripes)
    workload = Workload(totals.num_tracks, stripe, work_s)
    return units(workload, num_actors=cores, unit_tracks=config.runtime.unit_tracks)


def _num_files(config: PlanJob, *, sample: Sample, hardware: Hardware, each: int) -> int:
    slices = _slices(config, sample=sample, cores=hardware.cores)
    return each * sum(math.ceil((b - a) / config.runtime.file_tracks) for a, b in slices)
