"""What a study found: rows, trends, groups and notes; as a table, as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipeline.consumers.study_columns import Measure
from pipeline.consumers.study_groups import Group, Standing
from pipeline.consumers.study_row import QUANTILES, Row
from pipeline.consumers.study_trend import Trend


def _field(name: str, kind: pa.DataType, doc: str) -> pa.Field:
    return pa.field(name, kind, metadata={"comment": doc})


ROWS = pa.schema(
    [
        _field("by", pa.string(), "attribute that makes the groups"),
        _field("group", pa.string(), "'all tracks' is all that have the attribute"),
        _field("subject", pa.string(), "null: a group that is listed and not judged"),
        _field("kind", pa.string(), "tag, number, category or label"),
        _field("taxonomy", pa.string(), "of a tag"),
        _field(
            "measure", pa.string(), "mean score, share of tracks, median; or its change a decade"
        ),
        _field("unit", pa.string(), "of estimate and difference; null: none"),
        _field("tracks", pa.int64(), "with a value"),
        _field("clusters", pa.int64(), "that they belong to: what is drawn whole"),
        _field("estimate", pa.float64(), "the figure"),
        _field("low", pa.float64(), "lower end of its interval"),
        _field("high", pa.float64(), "upper end"),
        *(
            _field(f"quantile_{100 * q:02.0f}", pa.float64(), f"{100 * q:.0f} % lie below")
            for q in QUANTILES
        ),
        _field("rest", pa.float64(), "the figure of the other tracks that have the attribute"),
        _field("difference", pa.float64(), "estimate less rest"),
        _field("difference_low", pa.float64(), "lower end of its interval, for this one alone"),
        _field("difference_high", pa.float64(), "upper end"),
        _field("effect", pa.float64(), "difference in standard deviations of all tracks"),
        _field("p", pa.float64(), "of no difference (or no trend), two-sided"),
        _field("q", pa.float64(), "p after Benjamini and Hochberg over the whole study"),
        _field("differs", pa.bool_(), "q at or below the false discovery rate; null: not judged"),
        _field("standing", pa.string(), "judged, or why not"),
    ]
)
TREND = "change a decade"


@dataclass(frozen=True)
class SubjectTrend:
    """A trend over years beside what it is of, and its q over all trends."""

    subject: str
    kind: str
    taxonomy: str
    measure: str
    unit: str
    trend: Trend
    q: float

    @property
    def figure(self) -> str:
        """What changes: of numbers, too, the mean of a year's tracks."""
        return "mean" if self.measure == Measure.MEDIAN else self.measure


@dataclass(frozen=True)
class Study:
    """All that was found.

    Attributes:
        by: attribute of the groups.
        resample: what is drawn whole.
        tracks: in the catalog.
        grouped: of these with the attribute.
        groups: all of them, in order.
        rows: figures of the groups that are judged, by subject.
        trends: over years, where the groups are times.
        notes: what a reader has to know.
        resamples: of an interval.
        seed: of the draws.
        confidence: of the intervals.
        false_discovery: rate that the marked differences keep.
    """

    by: str
    resample: str
    tracks: int
    grouped: int
    groups: tuple[Group, ...]
    rows: tuple[Row, ...]
    trends: tuple[SubjectTrend, ...]
    notes: tuple[str, ...]
    resamples: int
    seed: int
    confidence: float
    false_discovery: float

    @property
    def tests(self) -> int:
        """Differences that were tested."""
        return sum(not math.isnan(row.p) for row in self.rows)

    @property
    def found(self) -> tuple[Row, ...]:
        """Rows whose difference is marked, the largest effect first."""
        marked = [row for row in self.rows if self.differs(row.q)]
        return tuple(sorted(marked, key=lambda row: (-abs(row.effect), row.q)))

    @property
    def listed(self) -> tuple[Group, ...]:
        """Groups that are not judged at all."""
        return tuple(
            one
            for one in self.groups
            if one.standing in (Standing.TOO_SMALL, Standing.NOT_AMONG_LARGEST)
        )

    def differs(self, q: float) -> bool | None:
        """Whether a difference of this q is marked; None where it was not tested."""
        return None if math.isnan(q) else q <= self.false_discovery

    def to_table(self) -> pa.Table:
        """One row a figure and group, a trend, and a group that is listed only."""
        rows = [self._row(row) for row in self.rows]
        rows += [self._trend_row(one) for one in self.trends]
        rows += [
            {
                "group": one.name,
                "tracks": one.tracks,
                "clusters": one.clusters,
                "standing": str(one.standing),
            }
            for one in self.listed
        ]
        return pa.Table.from_pylist([_known(row) | {"by": self.by} for row in rows], schema=ROWS)

    def to_json(self) -> str:
        """All of it; what is not known is null."""
        facts = asdict(self)
        facts["tests"], facts["quantiles_at"] = self.tests, QUANTILES
        return json.dumps(_known(facts), indent=1, ensure_ascii=False) + "\n"

    def _row(self, row: Row) -> dict[str, Any]:
        quantiles = row.quantiles or [math.nan] * len(QUANTILES)
        named = {f"quantile_{100 * q:02.0f}": x for q, x in zip(QUANTILES, quantiles, strict=True)}
        return asdict(row) | named | {"differs": self.differs(row.q)}

    def _trend_row(self, one: SubjectTrend) -> dict[str, Any]:
        found = one.trend
        return {
            "group": "all years",
            "subject": one.subject,
            "kind": one.kind,
            "taxonomy": one.taxonomy,
            "measure": f"{one.figure}, {TREND}",
            "unit": f"{one.unit} a decade".strip() if one.unit else None,
            "tracks": found.tracks,
            "clusters": found.clusters,
            "estimate": found.per_decade,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "q": one.q,
            "differs": self.differs(one.q),
            "standing": str(Standing.JUDGED),
        }


def _known(value: Any) -> Any:  # noqa: ANN401 - any tree of plain values
    """The tree with null for what is not known: NaN and empty texts."""
    if isinstance(value, dict):
        return {name: _known(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value == "" else value
