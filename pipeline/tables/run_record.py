"""Runs that the workspace keeps: code, configuration, where MLflow has it, what it committed.

`runs/RUN_ID.json` is written before a run starts and again at its end. One that was killed keeps
the first; its commits carry its run_id all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pipeline.credentials import masked
from pipeline.errors import TableError
from pipeline.revision import Code
from pipeline.storage import Storage, join
from pipeline.tables.commits import ranges, table_versions, versions_of_run

FOLDER = "runs"
RUNNING = "RUNNING"


@dataclass(frozen=True)
class RunRecord:
    """Facts of a run.

    Attributes:
        run_id: MLflow's, which its rows and commits carry.
        verb: what was run.
        started_at: ISO 8601 in UTC.
        code: what ran.
        config: the effective configuration as YAML, without passwords.
        tracking_uri: of MLflow, without passwords.
        experiment: MLflow's name of it.
        experiment_id: MLflow's number.
        status: RUNNING, FINISHED, FAILED or KILLED, as MLflow has it.
        ended_at: ISO 8601 in UTC; empty while it runs, or if it was killed.
        versions: of each table, the Delta versions that it committed.
    """

    run_id: str
    verb: str
    started_at: str
    code: Code
    config: str
    tracking_uri: str
    experiment: str
    experiment_id: str
    status: str = RUNNING
    ended_at: str = ""
    versions: dict[str, list[int]] = field(default_factory=dict)

    @property
    def config_sha256(self) -> str:
        """Of the configuration's text."""
        return hashlib.sha256(self.config.encode()).hexdigest()

    def tags(self) -> dict[str, str]:
        """What MLflow's run carries from its start."""
        facts = {
            f"earmark.{name.removeprefix('earmark_')}": value
            for name, value in self.code.facts().items()
        }
        commit = self.code.revision.partition("+")[0]
        return {
            **facts,
            "earmark.verb": self.verb,
            "earmark.config_sha256": self.config_sha256,
            **({"mlflow.source.git.commit": commit} if commit else {}),
        }


class RunKeeper:
    """Writes a run's record, and finds at its end what it has committed."""

    def __init__(self, record: RunRecord, *, root_url: str, storage: Storage) -> None:
        self._record = record
        self._root_url = root_url
        self._storage = storage
        self._before: dict[str, int] = {}

    def begin(self) -> None:
        """The record as far as it is known."""
        self._before = table_versions(self._root_url, storage=self._storage)
        self._write()

    def end(self, status: str) -> dict[str, str]:
        """The whole record; gives the tables' tags for MLflow, such as `versions 3 to 5 of URL`."""
        versions = versions_of_run(
            self._record.run_id,
            root_url=self._root_url,
            storage=self._storage,
            since=self._before,
        )
        now = datetime.now(UTC).isoformat()
        self._record = replace(self._record, status=status, ended_at=now, versions=versions)
        self._write()
        return {
            f"earmark.table.{name}": f"version{'' if len(found) == 1 else 's'} {ranges(found)} of "
            + masked(join(self._root_url, name))
            for name, found in versions.items()
        }

    def _write(self) -> None:
        url = record_url(self._root_url, self._record.run_id)
        text = json.dumps(asdict(self._record), indent=2, ensure_ascii=False) + "\n"
        self._storage.write(url, text.encode())


def record_url(root_url: str, run_id: str) -> str:
    """Where a run's record is."""
    return join(root_url, FOLDER, f"{run_id}.json")


def read_records(
    root_url: str, *, storage: Storage, run_ids: Iterable[str]
) -> dict[str, RunRecord]:
    """The records of these runs, as far as the workspace has them.

    Raises:
        TableError: a file that is no record.
    """
    found = {}
    for run_id in run_ids:
        url = record_url(root_url, run_id)
        if storage.exists(url):
            found[run_id] = _read(storage.read(url), url=url)
    return found


def _read(data: bytes, *, url: str) -> RunRecord:
    try:
        facts: dict[str, Any] = json.loads(data)
        return RunRecord(**facts | {"code": Code(**facts["code"])})
    except (ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"{url} does not describe a run ({type(error).__name__}: {error}); move it away"
        ) from error
