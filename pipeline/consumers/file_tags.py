"""Tags into copies of the audio files' own metadata; originals are read and never written to.

Every track of the catalog gets a line in the list beside the copies. A copy is made whole under a
temporary name before it gets its own, and one that was made from the same version of the file with
the same tags is not made again, so that a killed job goes on where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection

from pipeline.config_file_tags import FileTagsJob
from pipeline.consumers.export_models import choose_scorings
from pipeline.consumers.export_rows import track_rows
from pipeline.consumers.file_tags_copy import Task, make_copy, refuse_in_place
from pipeline.consumers.file_tags_fields import Model, Rule, Sound, fields_of
from pipeline.consumers.file_tags_formats import require_mutagen
from pipeline.consumers.file_tags_list import Copy, CopyList, CopyStatus, open_list
from pipeline.consumers.file_tags_places import copy_path
from pipeline.errors import ConfigError
from pipeline.storage import Storage, absolute, join
from pipeline.tables.output import printable
from pipeline.tables.views import open_views

BATCH_TRACKS = 64
TOLD_TRACKS = 1_000
FACTS = ("track_id", "uri", "source_url", "audio_version")
DESCRIPTORS = ("tempo_bpm", "key", "mode")
NAMED = 20


@dataclass
class CopyReport:
    """What a run did.

    Attributes:
        output: folder of the copies.
        counts: tracks by status and reason.
        num_done: tracks whose copies an earlier run had made.
        named: the first that were not tagged, for the terminal.
    """

    output: str
    counts: Counter[tuple[CopyStatus, str]] = field(default_factory=Counter)
    num_done: int = 0
    named: list[Copy] = field(default_factory=list)

    def text(self) -> str:
        """For the terminal: how many of each kind, and the first that have no tags."""
        lines = [f"{self.num_done:,} were there already"] if self.num_done else []
        for (status, reason), count in sorted(self.counts.items()):
            lines.append(f"{count:,} {status}" + (f": {reason}" if reason else ""))
        for copy in self.named:
            told = f"{copy.status}: {copy.uri}: {copy.reason} {copy.detail}"
            lines.append("  " + printable(told.rstrip()))
        return "\n".join(lines or ["the catalog has no tracks"])

    def add(self, copies: Sequence[Copy]) -> None:
        """Counts a batch."""
        self.counts.update((copy.status, copy.reason) for copy in copies)
        plain = [copy for copy in copies if copy.status is not CopyStatus.TAGGED]
        self.named += plain[: NAMED - len(self.named)]


def write_tags(job: FileTagsJob, *, say: Callable[[str], None]) -> CopyReport:
    """Makes the copies that a configuration describes.

    Args:
        job: the configuration.
        say: gets a line every thousand tracks.

    Raises:
        ConfigError: no mutagen; no output, one among the originals, or one that holds other files;
            a model without thresholds and neither `top` nor `minimum`.
        TableError: there is no workspace.
    """
    require_mutagen()
    if not job.write_tags.output:
        raise ConfigError("give --out: a folder for the copies; originals are never written to")
    output, storage = absolute(job.write_tags.output), job.workspace.storage
    root_url, memory_mb = absolute(job.workspace.root_url), job.query.memory_mb
    with (
        open_views(root_url, storage=storage, memory_mb=memory_mb) as connection,
        ThreadPoolExecutor(job.runtime.num_threads) as pool,
    ):
        models = _models(connection, root_url=root_url, job=job)
        refuse_in_place(connection, output=output)
        made, report = open_list(output, storage=storage), CopyReport(output)
        taken: set[int] = set()
        for tasks in _tasks(connection, models=models, job=job):
            copies, todo = _sort_out(tasks, taken=taken, made=made, report=report, storage=storage)
            copies += pool.map(lambda task: make_copy(task, output=output, storage=storage), todo)
            if copies:
                made.add(copies)
            report.add(copies)
            if len(taken) // TOLD_TRACKS > (len(taken) - len(tasks)) // TOLD_TRACKS:
                say(f"{len(taken):,} tracks")
    return report


def _models(connection: DuckDBPyConnection, *, root_url: str, job: FileTagsJob) -> list[Model]:
    asked = job.write_tags
    chosen = choose_scorings(
        connection, root_url=root_url, storage=job.workspace.storage, called=asked.models
    )
    models = [
        Model(one.model_version, one.scoring_id, one.taxonomy, one.thresholds)
        for one in (found.scoring for found in chosen)
    ]
    rule = Rule(asked.top, asked.minimum)
    open_ones = [
        one.version for one in models if not rule.decides(calibrated=one.thresholds is not None)
    ]
    if open_ones:
        raise ConfigError(
            f"nothing says which tags count: {', '.join(open_ones)} has no thresholds. Give --top "
            "N or --min SCORE, name calibrated models only, or run earmark calibrate first"
        )
    return models


def _tasks(
    connection: DuckDBPyConnection, *, models: list[Model], job: FileTagsJob
) -> Iterator[list[Task]]:
    """The copies of each batch of tracks."""
    batches = track_rows(
        connection,
        scoring_ids=[one.scoring_id for one in models],
        batch_rows=BATCH_TRACKS,
        facts=FACTS,
        descriptors=DESCRIPTORS,
    )
    for batch in batches:
        yield [_task(row, models=models, job=job) for row in batch.to_pylist()]


def _task(row: dict[str, Any], *, models: list[Model], job: FileTagsJob) -> Task:
    """A track's copy. Scores of an earlier version of its file are not those of this one."""
    numbers = range(len(models))
    fresh = [row[f"scores{n}"] if row[f"up_to_date{n}"] else None for n in numbers]
    fields = fields_of(
        [None if scores is None else np.array(scores, np.float32) for scores in fresh],
        models=models,
        rule=Rule(job.write_tags.top, job.write_tags.minimum),
        fills=job.write_tags.fill,
        sound=Sound(*(row[name] for name in DESCRIPTORS)),
    )
    return Task(
        track_id=row["track_id"],
        uri=row["uri"],
        audio_version=row["audio_version"],
        copy=copy_path(row["uri"], source_url=row["source_url"]),
        fields=fields,
        fault=("", "") if fields.own else _fault(row),
    )


def _fault(row: dict[str, Any]) -> tuple[str, str]:
    """Why the first model gave no scores."""
    if row["status0"] == "ok":
        return "not_tagged", "the file has changed since it was scored; run earmark tag"
    return row["status0"], ": ".join(filter(None, (row["reason0"], row["detail0"])))


def _sort_out(
    tasks: list[Task], *, taken: set[int], made: CopyList, report: CopyReport, storage: Storage
) -> tuple[list[Copy], list[Task]]:
    """What cannot be copied, since another track's copy has its name; and what is to be copied."""
    refused, todo = [], []
    for task in tasks:
        place = hash(task.copy)
        if place in taken:
            reason = "another track's copy has this name"
            refused.append(task.result(CopyStatus.FAILED, reason="name_taken", detail=reason))
            continue
        taken.add(place)
        is_listed = made.has(task.track_id, copy=task.copy, digest=task.digest)
        if is_listed and storage.exists(join(report.output, task.copy)):
            report.num_done += 1
        else:
            todo.append(task)
    return refused, todo
