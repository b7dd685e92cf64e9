"""A subject's values, one a track, and what is said of them: mean, share or median."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from pipeline.consumers.study_attributes import literal
from pipeline.consumers.study_formulas import Floats
from pipeline.consumers.study_subjects import Kind, Subject
from pipeline.consumers.track_columns import TrackColumns
from pipeline.taxonomy import SEPARATOR


class Measure(StrEnum):
    """What is said of a group's values."""

    MEAN = "mean score"
    SHARE = "share of tracks"
    MEDIAN = "median"


@dataclass(frozen=True)
class Column:
    """One figure's values.

    Attributes:
        subject: as it is shown.
        kind: of the subject.
        taxonomy: of a tag, else empty.
        measure: what is said of the values.
        unit: of the values.
        threshold: from which score on a tag counts; None where nothing is counted.
        values_N: of the tracks by number; NaN where not known; of a share 0 and 1.
    """

    subject: str
    kind: Kind
    taxonomy: str
    measure: Measure
    unit: str
    threshold: float | None
    values_N: Floats


class SubjectColumns:
    """Reads subjects one after the other, so that one column is in memory at a time.

    Args:
        connection: from `open_views`.
        threshold: of models without thresholds; None: their tags have no shares.
    """

    def __init__(self, connection: DuckDBPyConnection, *, threshold: float | None) -> None:
        self._connection = connection
        self._threshold = threshold
        self._tracks = TrackColumns(connection, keep_bytes=1)

    def __len__(self) -> int:
        return len(self._tracks)

    def read(self, subject: Subject) -> Iterator[Column]:
        """A tag's mean and, with a threshold, share; a number's median; a share of each name."""
        if subject.kind is Kind.TAG:
            yield from self._tag(subject)
        elif subject.kind is Kind.NUMBER:
            values_N = self._tracks.numbers(subject.column)
            yield _column(subject, Measure.MEDIAN, values_N, unit=subject.unit)
        elif subject.kind is Kind.LABEL:
            yield _column(subject, Measure.SHARE, self._label(subject.column))
        else:
            yield from self._shares(subject)

    def _tag(self, subject: Subject) -> Iterator[Column]:
        assert subject.model is not None  # noqa: S101 - a tag is a model's
        category, _, name = subject.column.partition(SEPARATOR)
        found = self._tracks.tag(subject.model.scoring_id, tag=name, category=category)
        values_N = found.scores_N.astype(np.float64)
        yield _column(subject, Measure.MEAN, values_N)
        threshold = self._threshold if found.threshold is None else found.threshold
        if threshold is not None:
            positive_N = np.where(np.isnan(values_N), np.nan, found.scores_N >= threshold)
            yield _column(subject, Measure.SHARE, positive_N, threshold=float(threshold))

    def _shares(self, subject: Subject) -> Iterator[Column]:
        rows = self._connection.sql(
            f"SELECT number, {subject.column}::VARCHAR AS value FROM descriptors "
            f"JOIN source.numbers USING (track_id) WHERE {subject.column} IS NOT NULL"
        ).to_arrow_table()
        known_N = np.full(len(self), np.nan)
        known_N[rows["number"].to_numpy()] = 0.0
        for value in sorted(pc.unique(rows["value"]).to_pylist()):
            values_N = known_N.copy()
            values_N[rows.filter(pc.equal(rows["value"], value))["number"].to_numpy()] = 1.0
            named = Subject(f"{subject.name}={value}", subject.kind, subject.column)
            yield _column(named, Measure.SHARE, values_N)

    def _label(self, label: str) -> Floats:
        """1 with the label, 0 without it; not known of tracks without a label of its category."""
        category = label.partition(SEPARATOR)[0] + SEPARATOR
        rows = self._connection.sql(
            f"SELECT number, list_contains(labels, {literal(label)})::DOUBLE AS value "
            "FROM tracks JOIN source.numbers USING (track_id) "
            f"WHERE len(list_filter(labels, lambda one: starts_with(one, {literal(category)}))) > 0"
        ).to_arrow_table()
        values_N = np.full(len(self), np.nan)
        values_N[rows["number"].to_numpy()] = rows["value"].to_numpy()
        return values_N


def read_labels(connection: DuckDBPyConnection) -> tuple[str, ...]:
    """All labels of the catalog, in order."""
    rows = connection.sql(
        "SELECT DISTINCT label FROM (SELECT unnest(labels) AS label FROM tracks) ORDER BY label"
    ).fetchall()
    return tuple(label for (label,) in rows)


def _column(
    subject: Subject,
    measure: Measure,
    values_N: Floats,
    *,
    unit: str = "",
    threshold: float | None = None,
) -> Column:
    taxonomy = subject.model.taxonomy.name if subject.model else ""
    return Column(subject.name, subject.kind, taxonomy, measure, unit, threshold, values_N)
