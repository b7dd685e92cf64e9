"""Removes tracks from a workspace for good: rows, mels, plans, old versions; and proves it.

Each step can be run again: a run that was killed is ended by the same command. Nothing else may run
meanwhile, since old versions that a reader or a job may hold are deleted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pipeline.errors import ConfigError, UserError
from pipeline.storage import Storage, absolute, join
from pipeline.tables.database import database
from pipeline.tables.forget_parts import lists_naming, parts_of, rewrite_list, rewrite_parts
from pipeline.tables.forget_rows import count_rows, erase_history, register_ids, take_out
from pipeline.tables.run_record import FOLDER as RUNS
from pipeline.tables.traces import Traces, name_pattern, traces
from pipeline.tables.track_rows import COLUMNS
from pipeline.tables.vacuum import Action

CATALOG = "catalog"
IN_ITS_PLACE = "(forgotten)"
ADVICE = {
    "training": "a training may go on from it: delete the folder when its model is done",
    "evaluations": "a report that shows tracks: delete it, or evaluate again",
    "mlflow-artifacts": "files of MLflow's runs: delete the run (mlflow gc), or the file",
    "mlflow.db": "parameters or tags of MLflow's runs: delete the run, then mlflow gc",
    "models": "a card or an origin that names it: teach or train again without it",
    "report.html": "earmark report writes it anew",
}


@dataclass(frozen=True)
class Forgotten:
    """What was found of the tracks, and after the deletion what is left.

    Attributes:
        track_ids: the tracks.
        action: whether they were deleted.
        rows: their rows in each table.
        parts: parts of features with their mels.
        lists: plans and lists of work that hold them.
        sources: of the catalog, from which a scan would bring them back.
        before: files that named them, by id or URI.
        after: the same after the deletion; None: nothing was deleted.
    """

    track_ids: tuple[str, ...]
    action: Action
    rows: dict[str, int]
    parts: tuple[str, ...]
    lists: tuple[str, ...]
    sources: tuple[str, ...]
    before: Traces
    after: Traces | None = field(default=None)

    @property
    def is_gone(self) -> bool:
        """Whether no file of the workspace names them any more."""
        return self.after is not None and not self.after.paths

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [f"to forget: {', '.join(self.track_ids)}"]
        lines += [f"rows of {name}: {number:,}" for name, number in self.rows.items() if number]
        lines += [f"parts of features with mels: {len(self.parts):,}"] if self.parts else []
        lines += [f"plans and lists of work: {len(self.lists):,}"] if self.lists else []
        lines += [f"a scan of {url} brings them back while they are in it" for url in self.sources]
        traced = self.before if self.after is None else self.after
        lines += [f"files read: {traced.num_files:,}; that name them: {len(traced.paths):,}"]
        if self.after is None:
            return [*lines, "nothing was changed; --yes --nothing-runs deletes them"]
        lines += [f"  {path}: {_advice(path)}" for path in self.after.paths]
        return [*lines, "forgotten" if self.is_gone else "still named: see above"]


def forget(
    track_ids: Sequence[str],
    *,
    root_url: str,
    storage: Storage,
    memory_mb: int,
    action: Action,
) -> Forgotten:
    """Finds what a workspace holds of tracks, and deletes it if asked to.

    Args:
        track_ids: whole ids.
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        action: show or delete.

    Raises:
        ConfigError: no track is given.
        UserError: one is in no table and no file names it.
        TableError: a table that is not what it should be, or that other jobs rewrite.
    """
    if not track_ids:
        raise ConfigError("give the whole id of a track, or of several")
    root_url = absolute(root_url)
    ids = tuple(dict.fromkeys(track_ids))
    with database(memory_mb=memory_mb) as connection:
        register_ids(connection, ids)
        rows = {
            name: count_rows(connection, name, root_url=root_url, storage=storage)
            for name in COLUMNS
        }
        parts = set(parts_of(connection))
        places = connection.sql(
            "SELECT uri, source_url FROM catalog SEMI JOIN forgotten USING (track_id)"
        ).fetchall()
    lists = lists_naming(ids, root_url=root_url, storage=storage)
    names = (*ids, *(uri for uri, _ in places))
    before = traces(names, root_url=root_url, storage=storage)
    if not before.paths:
        raise UserError(
            f"none of the {before.num_files:,} files of {root_url} names {', '.join(ids)}: it is "
            "forgotten, or is no whole track id. `earmark query 'SELECT track_id, title FROM "
            "tracks'` lists them"
        )
    # Also those that a run left which was killed, or an earlier `forget`: no row leads to them.
    named = (path.partition("/") for path in before.paths)
    parts |= {path for folder, _, path in named if folder == "features"}
    sources = tuple(sorted({source for _, source in places}))
    found = Forgotten(ids, action, rows, tuple(sorted(parts)), tuple(lists), sources, before)
    if action is Action.SHOW:
        return found
    _delete(found, root_url=root_url, storage=storage, memory_mb=memory_mb)
    _blank_runs(names, root_url=root_url, storage=storage)
    # The catalog last: a run that is killed leaves the URIs, for which the next one looks.
    take_out(CATALOG, ids, root_url=root_url, storage=storage, memory_mb=memory_mb)
    erase_history(CATALOG, root_url=root_url, storage=storage)
    return replace(found, after=traces(names, root_url=root_url, storage=storage))


def _delete(found: Forgotten, *, root_url: str, storage: Storage, memory_mb: int) -> None:
    ids, others = found.track_ids, [name for name in COLUMNS if name != CATALOG]
    moved = rewrite_parts(found.parts, ids, root_url=root_url, storage=storage)
    for name in others:
        take_out(name, ids, root_url=root_url, storage=storage, memory_mb=memory_mb, moved=moved)
    for part in found.parts:
        if storage.exists(url := join(root_url, "features", part)):
            storage.delete(url)
    for url in found.lists:
        rewrite_list(url, ids, storage=storage)
    for name in others:
        erase_history(name, root_url=root_url, storage=storage)


def _blank_runs(names: Sequence[str], *, root_url: str, storage: Storage) -> None:
    """Records of runs, which hold configurations: examples that `teach` was given, for one."""
    pattern = re.compile(name_pattern(names))
    inside = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    folder = join(root_url, RUNS)
    for entry in storage.walk(folder) if storage.is_dir(folder) else ():
        text = storage.read(entry.url).decode()
        blank = pattern.sub(lambda found: inside.sub(IN_ITS_PLACE, found[0]), text)
        if blank != text:
            storage.write(entry.url, blank.encode())


def _advice(path: str) -> str:
    return ADVICE.get(path.partition("/")[0], "look at it, and delete it if it is not needed")
