"""The describe job: catalog > plan > what is left > describe > descriptors table."""

from __future__ import annotations

from pipeline.audio.descriptors_spec import DESCRIPTORS
from pipeline.config import DescribeJob
from pipeline.progress import Summary
from pipeline.stages.describe import DescribeTracks, DescribeWork
from pipeline.stages.extract_catalog import load_work, plan_audio
from pipeline.stages.run import run
from pipeline.storage import absolute
from pipeline.tables.ledger import DESCRIPTORS_LEDGER
from pipeline.tables.prepare import Asked, prepare


def describe_catalog(config: DescribeJob, *, run_id: str) -> Summary:
    """Gives every track of the catalog its descriptors, or a row that says why not.

    Raises:
        TableError: no catalog, or duplicate track ids in it.
    """
    spec, runtime = DESCRIPTORS, config.runtime
    asked = asked_descriptors(config)
    prepared, storage = prepare(asked, run_id=run_id), asked.storage
    work = DescribeWork(
        root_url=asked.root_url,
        pending=prepared.pending,
        load=load_work(
            storage, sample_rate=spec.sample_rate, limits=config.limits, runtime=runtime
        ),
        spec=spec,
        plan_id=prepared.plans[spec.spec_id].plan_id,
        run_id=run_id,
        file_tracks=runtime.file_tracks,
    )
    return run(
        DescribeTracks,
        work=work,
        prepared=prepared,
        runtime=runtime,
        storage=storage,
        verb="describe",
    )


def asked_descriptors(config: DescribeJob) -> Asked:
    """What the job asks for: a row a track of the catalog."""
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    return Asked(
        DESCRIPTORS_LEDGER,
        keys=[DESCRIPTORS.spec_id],
        register=lambda connection: plan_audio(connection, root_url=root_url, storage=storage),
        order="track_id",
        root_url=root_url,
        storage=storage,
        memory_mb=config.runtime.plan_memory_mb,
    )
