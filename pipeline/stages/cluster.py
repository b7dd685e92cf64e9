"""Ray itself: start or join a cluster, set what Ray Data needs, stream units of work.

Facts behind the settings (measured on Ray 2.60): a map task emits when it ends unless
`target_max_block_size` is passed, so it is 1 and every receipt leaves at once; tables given to
`from_arrow` need no reading tasks, which would wait for the CPUs that fixed actors hold; a run
without progress fails after half an hour unless told otherwise; one actor that dies while it
starts fails the job unless told otherwise.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import ray
from ray.exceptions import RayActorError, RayTaskError

from pipeline.config import MEBIBYTE, RuntimeConfig
from pipeline.errors import UserError
from pipeline.tables.receipt import Receipt

UNITS_AN_ACTOR = 8
"""At least so many units an actor, where there are enough tracks: the last ones end together."""
MAX_UNITS = 10_000


@contextmanager
def cluster(runtime: RuntimeConfig) -> Iterator[int]:
    """Joins the cluster at `ray_address` or RAY_ADDRESS, else starts one here.

    Yields:
        How many actors the job shall have.
    """
    started = not ray.is_initialized()
    if started:
        _init(runtime)
    try:
        _set_data_context(runtime)
        yield runtime.num_actors or _fitting_actors(runtime)
    finally:
        if started:
            ray.shutdown()


def _init(runtime: RuntimeConfig) -> None:
    address = runtime.ray_address or os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # no call may start a Ray by accident
    options: dict[str, Any] = {"log_to_driver": True, "logging_level": "WARNING"}
    if address is None:
        # Ray's C++ side prints an error for every actor pool that takes arguments (issue 53727).
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        options["include_dashboard"] = False
        if runtime.object_store_mb:
            options["object_store_memory"] = runtime.object_store_mb * MEBIBYTE
        if runtime.num_actors:
            wanted = int(runtime.num_actors * runtime.num_cpus_per_actor + 0.999)
            options["num_cpus"] = max(os.cpu_count() or 1, wanted)
    ray.init(address=address or "local", **options)


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


def units(num_tracks: int, *, num_actors: int, unit_tracks: int) -> list[tuple[int, int]]:
    """Slices [start, stop) of the pending tracks: small when few, never too many."""
    size = min(unit_tracks, max(1, num_tracks // (num_actors * UNITS_AN_ACTOR)))
    size = max(size, -(-num_tracks // MAX_UNITS))
    return [(start, min(start + size, num_tracks)) for start in range(0, num_tracks, size)]


def stream(
    worker: type[Callable[[pa.Table], Iterator[pa.Table]]],
    *,
    work: object,
    num_tracks: int,
    num_actors: int,
    runtime: RuntimeConfig,
) -> Generator[Receipt, None, None]:
    """Runs `worker(work)` in a fixed pool of actors over all units; yields receipts as they come.

    In: tables of one row, `start` and `stop` in the pending file.
    Out: tables of rows `receipt` (JSON).
    """
    slices = units(num_tracks, num_actors=num_actors, unit_tracks=runtime.unit_tracks)
    blocks = [pa.table({"start": [start], "stop": [stop]}) for start, stop in slices]
    receipts = ray.data.from_arrow(blocks).map_batches(
        worker,
        fn_constructor_args=(work,),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(num_actors, len(slices))),
        num_cpus=runtime.num_cpus_per_actor,
        num_gpus=runtime.num_gpus_per_actor or None,
    )
    batches = receipts.iter_batches(
        batch_size=None, prefetch_batches=0, batch_format="pyarrow"
    ).__iter__()
    try:
        for batch in batches:
            for text in batch["receipt"].to_pylist():
                yield Receipt.from_json(text)
    except RayTaskError as error:
        raise _explained(error) from error
    except RayActorError as error:
        raise UserError(f"a worker could not start, or was lost too often: {error}") from error
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
