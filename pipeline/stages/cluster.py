"""Ray itself: start or join a cluster, set what Ray Data needs, stream units of work.

Facts behind the settings (measured on Ray 2.60): a map task emits when it ends unless
`target_max_block_size` is passed, so it is 1 and every receipt leaves at once; tables given to
`from_arrow` need no reading tasks, which would wait for the CPUs that fixed actors hold; a run
without progress fails after half an hour unless told otherwise; one actor that dies while it
starts fails the job unless told otherwise; one that is killed (not enough memory, a crash) is
started again without end unless told otherwise.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
import ray
from ray.exceptions import RayActorError, RayTaskError

from pipeline.config import MEBIBYTE, RuntimeConfig
from pipeline.errors import UserError
from pipeline.stages.submission_stop import stop_as_interrupt
from pipeline.tables.receipt import Receipt

MAX_RESTARTS = 20
"""Of one actor: what kills it more often than that would kill it for ever."""


@contextmanager
def cluster(runtime: RuntimeConfig) -> Iterator[int]:
    """Joins the cluster at `ray_address` or RAY_ADDRESS, else starts one here.

    Yields:
        How many actors the job shall have.
    """
    num_cpus = None
    if runtime.num_actors:
        num_cpus = math.ceil(runtime.num_actors * runtime.num_cpus_per_actor)
    with connected(runtime.ray_address, object_store_mb=runtime.object_store_mb, num_cpus=num_cpus):
        _set_data_context(runtime)
        yield runtime.num_actors or _fitting_actors(runtime)


@contextmanager
def connected(
    address: str | None, *, object_store_mb: int | None, num_cpus: int | None
) -> Iterator[None]:
    """Joins the cluster at an address or RAY_ADDRESS, else starts one here; uses one that is there.

    Args:
        address: of a cluster, or None.
        object_store_mb: of a Ray of one's own, MiB; None: Ray's default.
        num_cpus: logical ones of a Ray of one's own, at least those of the machine.
    """
    started = not ray.is_initialized()
    if started:
        _connect(address, object_store_mb=object_store_mb, num_cpus=num_cpus)
    try:
        yield
    finally:
        if started:
            ray.shutdown()


def _connect(address: str | None, *, object_store_mb: int | None, num_cpus: int | None) -> None:
    address = address or os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # no call may start a Ray by accident
    options: dict[str, Any] = {"log_to_driver": True, "logging_level": "WARNING"}
    if address is None:
        # Ray's C++ side prints an error for every actor pool that takes arguments (issue 53727).
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        options["include_dashboard"] = False
        if object_store_mb:
            options["object_store_memory"] = object_store_mb * MEBIBYTE
        if num_cpus:
            options["num_cpus"] = max(os.cpu_count() or 1, num_cpus)
    ray.init(address=address or "local", **options)
    stop_as_interrupt()


def _fitting_actors(runtime: RuntimeConfig) -> int:
    resources = ray.cluster_resources()
    fitting = resources.get("CPU", 1) / runtime.num_cpus_per_actor
    if runtime.num_gpus_per_actor:
        gpus = resources.get("GPU", 0)
        if not gpus:
            raise UserError(
                "runtime.num_gpus_per_actor is set, but the Ray cluster has no GPU; set it to 0 "
                "or join a cluster that has one"
            )
        fitting = min(fitting, gpus / runtime.num_gpus_per_actor)
    return max(1, int(fitting))


def _set_data_context(runtime: RuntimeConfig) -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context.target_max_block_size = 1
    context.raise_original_map_exception = True
    context.execution_no_progress_timeout_s = runtime.no_progress_timeout_s
    context.max_consecutive_actor_init_deaths = 3


def stream(
    worker: type[Callable[[pa.Table], Iterator[pa.Table]]],
    *,
    work: object,
    slices: Sequence[tuple[int, int]],
    num_actors: int,
    runtime: RuntimeConfig,
) -> Generator[Receipt, None, None]:
    """`stream_json` for workers that write files: yields the receipts as they come.

    Out: tables of rows `receipt` (JSON).
    """
    texts = stream_json(
        worker,
        column="receipt",
        work=work,
        slices=slices,
        num_actors=num_actors,
        runtime=runtime,
    )
    with closing(texts):
        for text in texts:
            yield Receipt.from_json(text)


def stream_json(
    worker: type[Callable[[pa.Table], Iterator[pa.Table]]],
    *,
    column: str,
    work: object,
    slices: Sequence[tuple[int, int]],
    num_actors: int,
    runtime: RuntimeConfig,
) -> Generator[str, None, None]:
    """Runs `worker(work)` in a fixed pool of actors over all slices; yields what they say.

    In: tables of one row, `start` and `stop` in the pending file.
    Out: tables with a column of JSON.
    """
    blocks = [pa.table({"start": [start], "stop": [stop]}) for start, stop in slices]
    with warnings.catch_warnings():
        # Ray 2.60 has no other way to say max_restarts.
        warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
        said = ray.data.from_arrow(blocks).map_batches(
            worker,
            fn_constructor_args=(work,),
            batch_size=None,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(num_actors, len(slices))),
            num_cpus=runtime.num_cpus_per_actor,
            num_gpus=runtime.num_gpus_per_actor or None,
            max_restarts=MAX_RESTARTS,
        )
    batches = said.iter_batches(
        batch_size=None, prefetch_batches=0, batch_format="pyarrow"
    ).__iter__()
    try:
        for batch in batches:
            yield from batch[column].to_pylist()
    except RayTaskError as error:
        raise _explained(error) from error
    except RayActorError as error:
        raise UserError(
            "a worker could not start, or was lost too often (is there memory for each? the last "
            f"lines of its log may say more): {error}"
        ) from error
    except ray.data.exceptions.ExecutionTimeoutError as error:
        raise UserError(
            f"nothing came from the workers for {runtime.no_progress_timeout_s} s "
            "(runtime.no_progress_timeout_s): they die while they start, wait for room on the "
            "cluster, or hang. What was committed stands; run the same command again."
        ) from error
    finally:
        # Stops the execution while Ray is there; done later, it would look for a Ray to talk to.
        batches.close()


def _explained(error: RayTaskError) -> BaseException:
    """The worker's own error: a message for what the user can mend, else the error itself."""
    cause = error.cause
    if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
        return UserError(
            f"a disk is full: {cause}. Nothing committed is lost; make room and run the same "
            "command again."
        )
    return cause if isinstance(cause, UserError) else error
