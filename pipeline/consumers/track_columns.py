"""Columns of the catalog in memory, one value a track: what searches calculate with.

A column is read from the session's views when it is first asked for, and kept: of a tag only its
own row groups, since `tags` is sorted by tag. With 32 bytes an id, a million tracks take about 150
MB, and 4 (tags, names) or 8 MB (numbers) a column.

Shapes: N tracks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import ColumnExpression, ConstantExpression, DuckDBPyConnection, DuckDBPyRelation
from numpy.typing import NDArray

from pipeline.schemas import DESCRIPTORS

KEEP_BYTES = 2**30
"""Of columns; beyond it those that were not asked for longest are read anew."""
TRACK_NUMBERS = ("year", "duration_s")
LEDGER_COLUMNS = frozenset({"num_chunks", "duration_s"})
NUMBERS = (
    *TRACK_NUMBERS,
    *(
        field.name
        for field in DESCRIPTORS
        if (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
        and field.name not in LEDGER_COLUMNS
    ),
)
"""Columns that a range can be asked of."""
TRACK_NAMES = ("artist", "dataset")
NAMES = (*TRACK_NAMES, "key", "mode")
"""Columns whose values are names."""


@dataclass(frozen=True)
class TagColumn:
    """One tag of a scoring.

    Attributes:
        scores_N: 0 to 1; NaN where the track has none.
        threshold: None until the model is calibrated.
    """

    scores_N: NDArray[np.float32]
    threshold: float | None

    @property
    def nbytes(self) -> int:
        """Memory, bytes."""
        return self.scores_N.nbytes


@dataclass(frozen=True)
class NameColumn:
    """A column of names, without regard to case and outer spaces.

    Attributes:
        codes_N: positions in `names`; -1 where the track has none.
        names: in lower case.
    """

    codes_N: NDArray[np.int32]
    names: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Memory, bytes, without the names."""
        return self.codes_N.nbytes


Column = TagColumn | NameColumn | NDArray[np.float64]
ColumnT = TypeVar("ColumnT", TagColumn, NameColumn, NDArray[np.float64])


class TrackColumns:
    """The tracks of a session's catalog by number: the order of their ids.

    Several threads may ask; one reads at a time.

    Args:
        connection: from `open_views`; the columns hold what the tables held when it was opened.
        keep_bytes: of columns, at most.
    """

    def __init__(self, connection: DuckDBPyConnection, *, keep_bytes: int = KEEP_BYTES) -> None:
        # Of its own: other work on the session's connection does not get in its way.
        self._connection = connection = connection.cursor()
        self._keep_bytes = keep_bytes
        self._kept: dict[tuple[str, ...], Column] = {}
        self._lock = threading.Lock()
        connection.execute(
            "CREATE TABLE IF NOT EXISTS source.numbers AS SELECT track_id, "
            "(row_number() OVER (ORDER BY track_id) - 1)::INTEGER AS number FROM tracks"
        )
        self.facts: pa.Table = (
            connection.sql("SELECT track_id, title, artist FROM tracks ORDER BY track_id")
            .to_arrow_table()
            .combine_chunks()
        )
        """track_id, title and artist of each track."""

    def __len__(self) -> int:
        return int(self.facts.num_rows)

    def tag(self, scoring_id: str, *, tag: str, category: str) -> TagColumn:
        """A tag's scores."""
        return self._once(
            ("tag", scoring_id, category, tag),
            lambda: self._read_tag(scoring_id=scoring_id, tag=tag, category=category),
        )

    def numbers(self, name: str) -> NDArray[np.float64]:
        """One of `NUMBERS`, (N,); NaN where the track has none."""
        return self._once(("number", name), lambda: self._read_numbers(name))

    def names(self, name: str) -> NameColumn:
        """One of `NAMES`."""
        return self._once(("name", name), lambda: self._read_names(name))

    def _once(self, key: tuple[str, ...], read: Callable[[], ColumnT]) -> ColumnT:
        with self._lock:
            column = self._kept.pop(key, None)
            if column is None:
                column = read()
            self._kept[key] = column
            while len(self._kept) > 1 and self._kept_bytes() > self._keep_bytes:
                del self._kept[next(iter(self._kept))]
        return column  # type: ignore[return-value]

    def _kept_bytes(self) -> int:
        return sum(column.nbytes for column in self._kept.values())

    def _read_tag(self, *, scoring_id: str, tag: str, category: str) -> TagColumn:
        # Constants, not parameters: only these leave out row groups by their statistics.
        rows = self._connection.view("tags")
        for name, value in (("tag", tag), ("category", category), ("scoring_id", scoring_id)):
            rows = rows.filter(ColumnExpression(name) == ConstantExpression(value))
        scores_N = np.full(len(self), np.nan, np.float32)
        self._fill(scores_N, rows=rows, value="score")
        first = rows.select(ColumnExpression("threshold")).limit(1).fetchall()
        return TagColumn(scores_N, first[0][0] if first else None)

    def _read_numbers(self, name: str) -> NDArray[np.float64]:
        values_N = np.full(len(self), np.nan)
        view = "tracks" if name in TRACK_NUMBERS else "descriptors"
        self._fill(values_N, rows=self._connection.view(view), value=name)
        return values_N

    def _read_names(self, name: str) -> NameColumn:
        if name == "artist":
            values = self.facts["artist"].combine_chunks()
            rows_N: NDArray[np.int64] = np.arange(len(self))
        else:
            view = "tracks" if name in TRACK_NAMES else "descriptors"
            found = self._joined(self._connection.view(view), value=name)
            values, rows_N = found["value"].combine_chunks(), found["number"].to_numpy()
        coded = pc.utf8_lower(pc.utf8_trim_whitespace(values)).dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        codes_N = np.full(len(self), -1, np.int32)
        codes_N[rows_N] = coded.indices.fill_null(-1).to_numpy()
        return NameColumn(codes_N, tuple(coded.dictionary.to_pylist()))

    def _fill(self, values_N: NDArray[np.floating], *, rows: DuckDBPyRelation, value: str) -> None:
        found = self._joined(rows, value=value)
        values_N[found["number"].to_numpy()] = found["value"].to_numpy()

    def _joined(self, rows: DuckDBPyRelation, *, value: str) -> pa.Table:
        """`number` and `value` of the rows whose track is in the catalog and that have one."""
        named = rows.select(ColumnExpression("track_id"), ColumnExpression(value).alias("value"))
        known = named.filter(ColumnExpression("value").isnotnull())
        joined = known.join(self._connection.table("source.numbers"), "track_id")
        return joined.select("number", "value").to_arrow_table()
