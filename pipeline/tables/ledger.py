"""The ledger's committer: nothing lost, nothing done twice.

Writers in the stream leave files and send receipts; the committer, in the driver, makes them part
of a Delta table, one transaction a commit. Its promises rest on four things:

- The table handle is opened before the pending work is computed, and every commit carries an
  application transaction on the key (scoring_id or spec_id). A commit by another job on the same
  key makes ours fail; we then look at the table again, and from then on before every commit, and
  take out what it has by now: two jobs on one scoring share it, and no row is there twice.
- deltalake's own check is not monotonic (a fresh handle may commit any version), so the version on
  the handle is compared with the last one that we wrote or read.
- A commit checks almost nothing by itself, so each file's existence, size, schema and row count
  are checked first.
- A row is taken once: the run remembers one bit a pending track, and a receipt that overlaps with
  what was taken (a task that Ray ran again) is dropped or rewritten without those rows.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from pipeline.errors import TableError, UserError
from pipeline.schemas import DESCRIPTORS, FEATURE_INDEX, RESULTS
from pipeline.storage import FAULTS, Storage, join
from pipeline.store_faults import refusal
from pipeline.tables import delta
from pipeline.tables.commit_note import commit_note
from pipeline.tables.receipt import Receipt, Tally, write_table
from pipeline.tables.written import add_action, check

MAX_ATTEMPTS = 6
LONGEST_PAUSE_S = 5.0
ID_COLUMNS = ("track_id", "audio_version")


@dataclass(frozen=True)
class Ledger:
    """A table kept by the ledger's rules: one row per (track_id, audio_version, key).

    Attributes:
        name: folder of the table in the workspace.
        schema: of its rows.
        key_column: names what a track has a row under.
    """

    name: str
    schema: pa.Schema
    key_column: str

    def url(self, root_url: str) -> str:
        """Where the table is."""
        return join(root_url, self.name)


RESULTS_LEDGER = Ledger("results", RESULTS, "scoring_id")
FEATURES_LEDGER = Ledger("feature_index", FEATURE_INDEX, "spec_id")
DESCRIPTORS_LEDGER = Ledger("descriptors", DESCRIPTORS, "spec_id")
LEDGERS = (FEATURES_LEDGER, DESCRIPTORS_LEDGER, RESULTS_LEDGER)


class Committer:
    """Commits one run's receipts under one key; `committed` counts the rows."""

    def __init__(
        self, ledger: Ledger, *, root_url: str, storage: Storage, key: str, run_id: str
    ) -> None:
        self._ledger = ledger
        self._url = ledger.url(root_url)
        self._storage = storage
        self._key = key
        self._run_id = run_id
        self._table = delta.open_table(self._url, storage=storage, schema=ledger.schema)
        self._version = self._table.transaction_version(key)
        self._taken = np.zeros(0, dtype=bool)
        self._held: list[Receipt] = []
        self._shared = False
        self._known = {uri.rpartition("/")[2] for uri in delta.file_uris(self._table)}
        self.committed = 0

    def start(self, num_pending: int) -> None:
        """Makes room for a bit a pending track."""
        self._taken = np.zeros(num_pending, dtype=bool)

    def add(self, receipt: Receipt) -> Tally:
        """Takes a receipt; gives the tally of what it adds (nothing, if it came before)."""
        rows = np.fromiter(receipt.rows, dtype=np.int64)
        fresh = ~self._taken[rows]
        if not fresh.all():
            if not fresh.any():
                self._discard(receipt)
                return Tally()
            receipt = self._rewrite(receipt, keep=fresh)
        self._taken[rows] = True
        self._held.append(receipt)
        return receipt.tally

    def commit(self) -> int:
        """Makes all held receipts visible in one transaction; gives the number of rows.

        Raises:
            TableError: a written file is not what its receipt says, or the table cannot be
                committed to after several attempts.
        """
        for attempt in range(MAX_ATTEMPTS):
            try:
                if attempt:
                    self._refresh()
                return self._commit_held()
            except (DeltaError, *FAULTS) as error:
                if attempt == MAX_ATTEMPTS - 1:
                    raise TableError(
                        refusal(self._url, error)
                        or f"{self._url} could not be committed to after {MAX_ATTEMPTS} attempts: "
                        f"{error}. What was committed stands; run the same command again."
                    ) from error
                pause_s = min(LONGEST_PAUSE_S, 0.05 * 4**attempt)
                time.sleep(pause_s * random.uniform(0.5, 1.5))
        return 0

    def _commit_held(self) -> int:
        if self._shared:
            self._drop_committed()
        if not self._held:
            return 0
        for receipt in self._held:
            check(receipt, table_url=self._url, storage=self._storage, schema=self._ledger.schema)
        return self._transact()

    def _transact(self) -> int:
        version = (self._version or 0) + 1
        if self._table.transaction_version(self._key) != self._version:
            raise CommitFailedError("another job has committed to this scoring")
        self._table.create_write_transaction(
            [self._action(receipt) for receipt in self._held],
            "append",
            self._ledger.schema,
            commit_properties=CommitProperties(
                custom_metadata=commit_note(run_id=self._run_id),
                app_transactions=[Transaction(self._key, version)],
            ),
        )
        rows = sum(len(receipt.rows) for receipt in self._held)
        self._known |= {receipt.path for receipt in self._held}
        self._held = []
        self._version = version
        self.committed += rows
        self._table.update_incremental()
        return rows

    def _action(self, receipt: Receipt) -> AddAction:
        return add_action(receipt, key_column=self._ledger.key_column)

    def _refresh(self) -> None:
        """After a conflict or an unknown outcome: sees the table as it is now, and others' rows.

        They may be among what this run still works on, so every later commit looks for them.
        """
        self._table.update_incremental()
        self._version = self._table.transaction_version(self._key)
        self._shared = True

    def _drop_committed(self) -> None:
        """Keeps of the held receipts what the table, as the handle sees it, does not have."""
        uris = delta.file_uris(self._table, predicate=self._predicate)
        listed = {uri.rpartition("/")[2] for uri in uris}
        foreign = [uri for uri in uris if uri.rpartition("/")[2] not in self._known]
        done = self._ids_in(foreign, among=self._held_ids()) if foreign else set()
        kept: list[Receipt] = []
        try:
            while self._held:  # one by one: what a fault of the store interrupts is still held
                receipt = self._held[0]
                if receipt.path in listed:  # our commit did happen, only its answer was lost
                    self._known.add(receipt.path)
                    self.committed += len(receipt.rows)
                elif fresh := self._without(receipt, done=done):
                    kept.append(fresh)
                self._held = self._held[1:]
        finally:
            self._held = kept + self._held

    def _without(self, receipt: Receipt, *, done: set[tuple[str, str]]) -> Receipt | None:
        """The receipt, or one of those of its rows that are not done; None if all are."""
        if not done:
            return receipt
        fresh = np.array([pair not in done for pair in _ids(self._read(receipt))])
        if fresh.all():
            return receipt
        if fresh.any():
            return self._rewrite(receipt, keep=fresh)
        self._discard(receipt)
        return None

    def _held_ids(self) -> set[tuple[str, str]]:
        """What the next commit would hold: all that is compared with others' rows in memory."""
        return {pair for receipt in self._held for pair in _ids(self._read(receipt))}

    def _ids_in(self, uris: list[str], *, among: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of the rows that other jobs have committed under this key, file by file."""
        done: set[tuple[str, str]] = set()
        for uri in uris:
            filesystem, path = self._storage.arrow_filesystem(uri)
            columns = [*ID_COLUMNS, self._ledger.key_column]
            rows = pq.read_table(path, filesystem=filesystem, columns=columns)
            mine = rows.filter(pc.field(self._ledger.key_column) == self._key)
            done.update(among.intersection(_ids(mine)))
        return done

    @property
    def _predicate(self) -> str:
        return f"{self._ledger.key_column} = '{self._key}'"

    def _rewrite(self, receipt: Receipt, *, keep: np.ndarray) -> Receipt:
        kept = write_table(
            self._read(receipt).filter(pa.array(keep)),
            numbers=[n for n, k in zip(receipt.rows, keep, strict=True) if k],
            table_url=self._url,
            storage=self._storage,
            key=self._key,
            counted=[c for c, k in zip(receipt.counted, keep, strict=True) if k],
        )
        self._discard(receipt)
        return kept

    def _read(self, receipt: Receipt) -> pa.Table:
        filesystem, path = self._storage.arrow_filesystem(join(self._url, receipt.path))
        return pq.read_table(path, filesystem=filesystem, schema=self._ledger.schema)

    def _discard(self, receipt: Receipt) -> None:
        url = join(self._url, receipt.path)
        with contextlib.suppress(UserError, *FAULTS):  # one that stays is in no version
            if self._storage.exists(url):
                self._storage.delete(url)


def _ids(rows: pa.Table) -> Iterator[tuple[str, str]]:
    columns = (rows[column].to_pylist() for column in ID_COLUMNS)
    return zip(*columns, strict=True)
