"""The log of a Delta table, read for what a commit says: when, by which run, with which files.

deltalake's `history` names no files, so the log's own JSON is read. Old parts of a log may have
been cleaned up after a checkpoint: then they are not there, and nothing here fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline.errors import TableError
from pipeline.schemas import CATALOG, CURRENT, REQUEUED, TAGS
from pipeline.storage import Storage, absolute, join
from pipeline.tables import delta
from pipeline.tables.ledger import LEDGERS

TABLES: dict[str, pa.Schema] = {ledger.name: ledger.schema for ledger in LEDGERS} | {
    "catalog": CATALOG,
    "tags": TAGS,
    "current": CURRENT,
    "requeued": REQUEUED,
}
COPY = "-copy"
"""Ends the run_id of commits whose rows were copied from another scoring's."""
THREADS = 16
_VERSION = re.compile(r"/_delta_log/(\d{20})\.json$")
_OWN = frozenset(
    [
        *("timestamp", "inCommitTimestamp", "operation", "operationParameters", "operationMetrics"),
        *("engineInfo", "clientVersion", "readVersion", "isolationLevel", "isBlindAppend"),
        *("userId", "userName", "txnId", "userMetadata", "tags"),
    ]
)
"""Delta's names in a commit's facts (protocol, section Commit Provenance Information)."""


@dataclass(frozen=True)
class Commit:
    """A version of a table.

    Attributes:
        version: its number.
        at: when it was committed, UTC.
        operation: as Delta names it.
        note: what Earmark wrote beside it: run_id, verb, code_revision and so on.
        applications: names of its application transactions.
        files: those of the files asked for that it added.
    """

    version: int
    at: datetime
    operation: str
    note: dict[str, str]
    applications: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=())

    @property
    def run_id(self) -> str:
        """The run that committed; empty if none says so."""
        return self.note.get("run_id", "").removesuffix(COPY)


def read_commits(
    table_url: str, *, storage: Storage, files: Collection[str] = ()
) -> dict[int, Commit]:
    """What is left of a table's log, by version.

    Args:
        table_url: the table.
        storage: how to reach it.
        files: names whose commits are wanted, relative to the table.
    """
    folder = join(table_url, "_delta_log")
    if not storage.is_dir(folder):
        return {}
    found = [(_VERSION.search(entry.url), entry.url) for entry in storage.walk(folder)]
    urls = [(int(match[1]), url) for match, url in found if match]
    with ThreadPoolExecutor(THREADS) as threads:
        texts = threads.map(storage.read, [url for _, url in urls])
        commits = [
            _commit(version, text.decode(), files=frozenset(files))
            for (version, _), text in zip(urls, texts, strict=True)
        ]
    return {commit.version: commit for commit in commits}


def table_versions(root_url: str, *, storage: Storage) -> dict[str, int]:
    """The version of each table that is there now."""
    opened = {name: _open(root_url, name, storage=storage) for name in TABLES}
    return {name: table.version() for name, table in opened.items() if table is not None}


def versions_of_run(
    run_id: str, *, root_url: str, storage: Storage, since: dict[str, int]
) -> dict[str, list[int]]:
    """The versions that a run has committed, by table; ascending.

    Args:
        run_id: the run.
        root_url: the workspace.
        storage: how to reach it.
        since: `table_versions` of before the run; only later ones are looked at.
    """
    found = {}
    for name in TABLES:
        table = _open(root_url, name, storage=storage)
        if table is None or (num_new := table.version() - since.get(name, -1)) < 1:
            continue
        versions = [
            int(entry["version"])
            for entry in _history(table, num_new)
            if str(entry.get("run_id", "")).removesuffix(COPY) == run_id
        ]
        if versions:
            found[name] = sorted(versions)
    return found


def ranges(versions: Iterable[int]) -> str:
    """Numbers as people write them: `3 to 5, 7`."""
    runs: list[list[int]] = []
    for version in sorted(versions):
        if runs and version == runs[-1][1] + 1:
            runs[-1][1] = version
        else:
            runs.append([version, version])
    return ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in runs)


def _open(root_url: str, name: str, *, storage: Storage) -> DeltaTable | None:
    with suppress(TableError):  # what makes its own trouble where it is read or written
        return delta.open_existing(
            join(absolute(root_url), name), storage=storage, schema=TABLES[name]
        )
    return None


def _history(table: DeltaTable, limit: int) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = table.history(limit)
    except DeltaError as error:
        raise TableError(f"the log of {table.table_uri} cannot be read: {error}") from error
    return entries


def _commit(version: int, text: str, *, files: frozenset[str]) -> Commit:
    facts: dict[str, Any] = {}
    applications, added = [], []
    for line in filter(None, text.splitlines()):
        action = json.loads(line)
        if "commitInfo" in action:
            facts = action["commitInfo"]
        elif "txn" in action:
            applications.append(str(action["txn"]["appId"]))
        elif "add" in action and (name := unquote(action["add"]["path"])) in files:
            added.append(name)
    return Commit(
        version=version,
        at=datetime.fromtimestamp(facts.get("timestamp", 0) / 1000, UTC),
        operation=str(facts.get("operation", "")),
        note={k: v for k, v in facts.items() if k not in _OWN and isinstance(v, str)},
        applications=tuple(applications),
        files=tuple(added),
    )
