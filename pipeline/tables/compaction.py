"""Many small files of a table become few: the same rows, sorted as they are read.

Every commit of a run leaves a file a worker, and every `publish` some that run over all tags. Here
files under half of the wanted size are merged, each with those of the same scoring or front end,
in transactions of bounded size. It may run beside any job: readers keep the version that they
opened, and writers only append.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from pipeline.errors import TableError
from pipeline.schemas import TAGS
from pipeline.storage import Storage, join
from pipeline.tables import delta
from pipeline.tables.database import database
from pipeline.tables.ledger import LEDGERS
from pipeline.tables.rewrite import (
    DataFile,
    Effect,
    data_files,
    num_rows,
    read_files,
    replace_files,
    write_files,
)

TARGET_BYTES = 128 * 2**20
BIN_FILES = 8
"""A transaction takes files up to so many times the wanted size."""
GROUP_BYTES = 16 * 2**20
GROUP_ROWS = (1_024, 50_000)
MAX_ATTEMPTS = 5


class Extent(enum.StrEnum):
    """Which files are taken."""

    SMALL = "small"
    ALL = "all"


@dataclass(frozen=True)
class Compactable:
    """A table whose files may be merged.

    Attributes:
        name: of its folder.
        schema: of its rows.
        key_column: a file holds one value of it.
        order: SQL in which the rows of a file stand.
    """

    name: str
    schema: pa.Schema
    key_column: str
    order: str


COMPACTABLE = (
    *(Compactable(one.name, one.schema, one.key_column, "track_id") for one in LEDGERS),
    Compactable("tags", TAGS, "scoring_id", "tag, category, score DESC, track_id"),
)


@dataclass(frozen=True)
class Compacted:
    """What was done to a table.

    `merged` is how many files were taken, `written_bytes` the size of those in their place.
    """

    table: str
    files_before: int
    files_after: int
    merged: int
    merged_bytes: int
    written_bytes: int

    def lines(self) -> list[str]:
        """For the terminal."""
        if not self.merged:
            return [f"{self.table}: {self.files_after:,} files, nothing to merge"]
        before, after = self.merged_bytes / 1e6, self.written_bytes / 1e6
        return [
            f"{self.table}: {self.files_before:,} files became {self.files_after:,} "
            f"({self.merged:,} merged, {before:,.1f} MB into {after:,.1f} MB)"
        ]


def compact(
    root_url: str,
    *,
    storage: Storage,
    memory_mb: int,
    extent: Extent = Extent.SMALL,
    target_bytes: int = TARGET_BYTES,
) -> list[Compacted]:
    """Merges files of the ledgers and of `tags`, and writes a checkpoint of what it changed.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        memory_mb: of DuckDB, MiB; beyond it spills to disk.
        extent: of `tags`: small files only, or all of them, so that no two files of a scoring
            overlap, at the cost of a sort of the whole table. Of the ledgers always the small.
        target_bytes: size that files shall have, about.

    Raises:
        TableError: there is no such table, or other rewrites commit all the time.
    """
    done = []
    for kind in COMPACTABLE:
        url = join(root_url, kind.name)
        if delta.open_existing(url, storage=storage, schema=kind.schema) is None:
            continue
        taken = extent if kind.schema is TAGS else Extent.SMALL
        work = _Work(kind, url, storage, memory_mb, taken, target_bytes)
        done.append(work.carry_out())
    if not done:
        names = ", ".join(kind.name for kind in COMPACTABLE)
        raise TableError(f"there is nothing to compact at {root_url}: none of {names} is there")
    return done


@dataclass(frozen=True)
class _Work:
    """The compaction of one table."""

    kind: Compactable
    url: str
    storage: Storage
    memory_mb: int
    extent: Extent
    target_bytes: int

    def carry_out(self) -> Compacted:
        before = len(self._files(self._open()))
        merged: list[DataFile] = []
        written, seen = 0, set[str]()
        while step := self._next(seen):
            old, new = step
            merged += old
            written += sum(add.size for add in new)
            seen |= {file.name for file in old} | {add.path for add in new}
        table = self._open()
        if merged:
            table.create_checkpoint()
        size = sum(file.size_bytes for file in merged)
        after = len(self._files(table))
        return Compacted(self.kind.name, before, after, len(merged), size, written)

    def _next(self, seen: set[str]) -> tuple[list[DataFile], list[AddAction]] | None:
        """Merges one more bin; gives what it took and wrote, or None when all is done."""
        for _ in range(MAX_ATTEMPTS):
            table = self._open()
            rest = [file for file in self._files(table) if file.name not in seen]
            old = next(bins(rest, extent=self.extent, target_bytes=self.target_bytes), [])
            if not old:
                return None
            new = self._merge(table, old)
            try:
                replace_files(
                    table,
                    old=old,
                    new=new,
                    schema=self.kind.schema,
                    effect=Effect.SAME_ROWS,
                    note={"maintenance": "compact"},
                )
            except CommitFailedError:
                continue
            return old, new
        raise TableError(
            f"{self.url}: other jobs rewrote it {MAX_ATTEMPTS} times while this one tried to; "
            "let them end, then run `earmark compact` again"
        )

    def _merge(self, table: DeltaTable, old: Sequence[DataFile]) -> list[AddAction]:
        """One file or several for each key of the old ones."""
        row_bytes = max(1, sum(f.size_bytes for f in old) // max(1, sum(f.num_rows for f in old)))
        group_rows = min(max(GROUP_BYTES // row_bytes, GROUP_ROWS[0]), GROUP_ROWS[1])
        column, columns = self.kind.key_column, ", ".join(self.kind.schema.names)
        new: list[AddAction] = []
        with database(memory_mb=self.memory_mb) as connection:
            read_files(connection, table, old, schema=self.kind.schema, storage=self.storage)
            for (key,) in connection.sql(f"SELECT DISTINCT {column} FROM old_rows").fetchall():
                rows = connection.sql(
                    f"SELECT {columns} FROM old_rows WHERE {column} = $1 "
                    f"ORDER BY {self.kind.order}",
                    params=[key],
                )
                new += write_files(
                    rows.to_arrow_reader(group_rows),
                    table_url=self.url,
                    storage=self.storage,
                    schema=self.kind.schema,
                    file_rows=max(group_rows, self.target_bytes // row_bytes),
                )
        _check_rows(old, new, url=self.url)
        return new

    def _open(self) -> DeltaTable:
        return delta.open_table(self.url, storage=self.storage, schema=self.kind.schema)

    def _files(self, table: DeltaTable) -> list[DataFile]:
        return data_files(table, key_column=self.kind.key_column)


def bins(
    files: Sequence[DataFile], *, extent: Extent, target_bytes: int
) -> Iterator[list[DataFile]]:
    """Files to merge in one transaction each: of one key, at least two.

    Args:
        files: by key, then in the order of their tracks.
        extent: small files only (under half of the target), or all.
        target_bytes: size that files shall have.
    """
    for _, of_key in groupby(files, key=lambda file: file.key):
        taken: list[DataFile] = []
        for file in of_key:
            if extent is Extent.SMALL and file.size_bytes >= target_bytes // 2:
                continue
            taken.append(file)
            size = sum(one.size_bytes for one in taken)
            if extent is Extent.SMALL and size >= BIN_FILES * target_bytes and len(taken) > 1:
                yield taken
                taken = []
        if len(taken) > 1:
            yield taken


def _check_rows(old: Sequence[DataFile], new: Sequence[AddAction], *, url: str) -> None:
    before, after = sum(file.num_rows for file in old), sum(map(num_rows, new))
    if before != after:
        raise TableError(
            f"{url}: {len(old)} files should hold {before} rows as the log says, and hold {after}; "
            "nothing was changed. Run `earmark verify`."
        )
