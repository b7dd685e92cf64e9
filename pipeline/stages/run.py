"""One ledgered run: units out, receipts in, a commit every minute or so, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pyarrow as pa
from deltalake.exceptions import DeltaError

from pipeline.config import RuntimeConfig
from pipeline.errors import UserError
from pipeline.progress import Progress, Summary
from pipeline.stages.cluster import cluster, stream
from pipeline.storage import Storage
from pipeline.tables.prepare import Prepared
from pipeline.tables.receipt import Tally

Worker = type[Callable[[pa.Table], Iterator[pa.Table]]]


def run(
    worker: Worker,
    *,
    work: object,
    prepared: Prepared,
    runtime: RuntimeConfig,
    storage: Storage,
    verb: str,
) -> Summary:
    """Carries out what is left of a plan; with nothing left, no Ray is started.

    Args:
        worker: actor class, called with `work`.
        work: what it needs.
        prepared: the plans, what is left, the committers.
        runtime: the cluster, and how often to commit.
        storage: where the pending file is.
        verb: features or tag, for what people read.
    """
    started, seconds, tally = time.monotonic(), 0.0, Tally()
    try:
        if prepared.pending.num_tracks:
            with cluster(runtime) as num_actors:
                started = time.monotonic()
                tally = _carry_out(
                    worker,
                    work=work,
                    prepared=prepared,
                    runtime=runtime,
                    num_actors=num_actors,
                    progress=Progress(prepared.pending.num_tracks, verb),
                )
                seconds = time.monotonic() - started
    finally:
        with suppress(OSError):  # only this run reads it; one that stays harms nothing
            storage.delete(prepared.pending.url)
    return Summary(
        verb=verb,
        tracks=max(plan.num_tracks for plan in prepared.plans.values()),
        planned=prepared.num_planned,
        already=prepared.num_planned - sum(prepared.pending.num_open),
        tally=tally,
        committed=sum(c.committed for c in prepared.committers.values()),
        seconds=seconds,
        plans={key: plan.plan_id for key, plan in prepared.plans.items()},
    )


def _carry_out(
    worker: Worker,
    *,
    work: object,
    prepared: Prepared,
    runtime: RuntimeConfig,
    num_actors: int,
    progress: Progress,
) -> Tally:
    """Streams and commits; what was received is committed also when the run fails or is stopped."""
    tally, last_commit = Tally(), time.monotonic()
    receipts = stream(
        worker,
        work=work,
        num_tracks=prepared.pending.num_tracks,
        num_actors=num_actors,
        runtime=runtime,
    )
    try:
        with closing(receipts):
            for receipt in receipts:
                tally = tally.plus(prepared.committers[receipt.key].add(receipt))
                progress(tally)
                if time.monotonic() - last_commit >= runtime.commit_every_s:
                    for committer in prepared.committers.values():
                        committer.commit()
                    last_commit = time.monotonic()
    except BaseException as error:
        _save(prepared, error)
        raise
    for committer in prepared.committers.values():
        committer.commit()
    return tally


def _save(prepared: Prepared, error: BaseException) -> None:
    """Commits what a failing run has finished; what fails in turn is a note on the first error."""
    for key, committer in prepared.committers.items():
        try:
            committer.commit()
        except (UserError, OSError, DeltaError) as second:
            error.add_note(f"What was done of {key} since its last commit is not kept: {second}")
