"""One ledgered run: units out, receipts in, a commit every minute or so, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace

import pyarrow as pa
from deltalake.exceptions import DeltaError

from pipeline.bottleneck import Bottleneck
from pipeline.config import RuntimeConfig
from pipeline.errors import UserError
from pipeline.progress import Progress, Summary, duration
from pipeline.stages.cluster import cluster, stream
from pipeline.stages.live_numbers import LiveNumbers
from pipeline.stages.units import units
from pipeline.storage import Storage
from pipeline.tables.estimates import read_estimate
from pipeline.tables.ledger import Committer
from pipeline.tables.prepare import Prepared
from pipeline.tables.receipt import Receipt, Tally
from pipeline.tables.stage_times import StageTimes

Worker = type[Callable[[pa.Table], Iterator[pa.Table]]]


@dataclass
class Account:
    """What the driver knows of a run so far.

    Attributes:
        committers: by key.
        started: when the cluster was there, on the monotonic clock.
        live: the operators' numbers; None until there is a Ray.
        tally: of the receipts taken.
        times: of all receipts that came, taken or not: the work was done.
        first_s: seconds until the first of them.
        commits: transactions.
        commit_s: seconds in them.
    """

    committers: dict[str, Committer]
    live: LiveNumbers | None = None
    tally: Tally = field(default_factory=Tally)
    times: StageTimes = field(default_factory=StageTimes)
    started: float = field(default_factory=time.monotonic)
    first_s: float = 0.0
    commits: int = 0
    commit_s: float = 0.0

    def take(self, receipt: Receipt) -> None:
        """Gives a receipt to its committer and counts what it adds."""
        self.first_s = self.first_s or time.monotonic() - self.started
        added = self.committers[receipt.key].add(receipt)
        self.tally = self.tally.plus(added)
        self.times = self.times.plus(receipt.times)
        if self.live:
            self.live.received(added, receipt.times)

    def commit(self) -> None:
        """Makes visible what was taken."""
        started = time.perf_counter()
        rows = [committer.commit() for committer in self.committers.values()]
        seconds = time.perf_counter() - started
        self.commits += sum(1 for number in rows if number)
        self.commit_s += seconds
        if self.live:
            self.live.committed(sum(rows), seconds=seconds)

    def bottleneck(self, num_workers: int) -> Bottleneck:
        """Where the time went, until now."""
        return Bottleneck(
            times=self.times,
            tracks=self.tally.tracks,
            num_workers=num_workers,
            seconds=time.monotonic() - self.started,
            first_s=self.first_s,
            commits=self.commits,
            commit_s=self.commit_s,
        )


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
    account, bottleneck = Account(prepared.committers), Bottleneck()
    try:
        if num_tracks := prepared.pending.num_tracks:
            with cluster(runtime) as num_actors:
                account.started = time.monotonic()
                account.live = LiveNumbers(verb, total=num_tracks)
                slices = units(
                    prepared.workload, num_actors=num_actors, unit_tracks=runtime.unit_tracks
                )
                num_workers = min(num_actors, len(slices))
                _carry_out(
                    worker,
                    work=work,
                    prepared=prepared,
                    runtime=runtime,
                    slices=slices,
                    num_workers=num_workers,
                    account=account,
                    progress=Progress(num_tracks, verb, float(prepared.workload.work_s.sum())),
                )
                bottleneck = account.bottleneck(num_workers)
    finally:
        with suppress(OSError, UserError):  # only this run reads it; one that stays harms nothing
            storage.delete(prepared.pending.url)
    summary = Summary(
        verb=verb,
        tracks=max(plan.num_tracks for plan in prepared.plans.values()),
        planned=prepared.num_planned,
        already=prepared.num_planned - sum(prepared.pending.num_open),
        tally=account.tally,
        committed=sum(c.committed for c in prepared.committers.values()),
        seconds=bottleneck.seconds,
        plans={key: plan.plan_id for key, plan in prepared.plans.items()},
        bottleneck=bottleneck,
    )
    if runtime.num_gpus_per_actor:  # an estimate is of workers with a core each
        return summary
    return replace(summary, estimate=_compared(prepared, storage=storage, summary=summary))


def _compared(prepared: Prepared, *, storage: Storage, summary: Summary) -> str:
    """What `earmark plan` foretold of this run's tracks and workers, beside what they took."""
    root_url = prepared.pending.url.rpartition("/plans/pending/")[0]
    keys = tuple(prepared.plans)
    estimate = read_estimate(root_url, storage=storage, verb=summary.verb, keys=keys)
    audio_s, took = summary.tally.audio_s, summary.seconds
    if estimate is None or not audio_s:
        return ""
    workers = summary.bottleneck.num_workers
    low, middle, high = estimate.seconds(audio_s, num_workers=workers)
    return (
        f"estimated {duration(middle)} ({duration(low)} to {duration(high)}), "
        f"took {duration(took)} ({took / middle:.2f})"
    )


def _carry_out(
    worker: Worker,
    *,
    work: object,
    prepared: Prepared,
    runtime: RuntimeConfig,
    slices: list[tuple[int, int]],
    num_workers: int,
    account: Account,
    progress: Progress,
) -> None:
    """Streams and commits; what was received is committed also when the run fails or is stopped."""
    last_commit = time.monotonic()
    receipts = stream(
        worker,
        work=work,
        slices=slices,
        num_actors=num_workers,
        runtime=runtime,
    )
    try:
        with closing(receipts):
            for receipt in receipts:
                account.take(receipt)
                progress(account.tally)
                if time.monotonic() - last_commit >= runtime.commit_every_s:
                    account.commit()
                    last_commit = time.monotonic()
    except BaseException as error:
        _save(prepared, error)
        raise
    account.commit()


def _save(prepared: Prepared, error: BaseException) -> None:
    """Commits what a failing run has finished, and notes on the error how far it came.

    What fails in turn is a note as well.
    """
    for key, committer in prepared.committers.items():
        try:
            committer.commit()
        except (UserError, OSError, DeltaError) as second:
            error.add_note(f"What was done of {key} since its last commit is not kept: {second}")
    already = prepared.num_planned - sum(prepared.pending.num_open)
    done = already + sum(committer.committed for committer in prepared.committers.values())
    error.add_note(
        f"{done:,} of {prepared.num_planned:,} rows are committed; the same command goes on with "
        "the rest"
    )
