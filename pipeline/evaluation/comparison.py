"""Several models on the same tracks, side by side: a table for people, numbers for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.evaluation.bootstrap import Interval
from pipeline.evaluation.verdict_text import figure, interval, table_text


@dataclass(frozen=True)
class Contender:
    """One of the models.

    Attributes:
        name: short.
        model_version: bundle name and fingerprint.
        frontend: what it reads.
        chunk_s: what it sees at once, seconds.
        parameters: trained numbers.
        epochs: that it was trained for.
        train_chunks_a_second: learned from, median over the epochs.
        chunks_a_second: scored, without the front end.
        times_real_time: seconds of audio scored in a second, without the front end.
        metrics: by name.
        intervals: of them, 95 %; some have none.
    """

    name: str
    model_version: str
    frontend: str
    chunk_s: float
    parameters: int
    epochs: int
    train_chunks_a_second: float
    chunks_a_second: float
    times_real_time: float
    metrics: dict[str, float]
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Comparison:
    """What several models gave.

    Attributes:
        name: of the comparison.
        made_at: when, as it shall be read.
        facts: what all have in common, by name.
        metrics: the names of those that stand in the table.
        contenders: the models, best first.
    """

    name: str
    made_at: str
    facts: dict[str, str]
    metrics: tuple[str, ...]
    contenders: tuple[Contender, ...]

    def to_json(self) -> bytes:
        """For a file."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Comparison:
        """The inverse of `to_json`."""
        tree: dict[str, Any] = json.loads(data)
        contenders = tuple(
            Contender(
                **row
                | {"intervals": {name: Interval(**ends) for name, ends in row["intervals"].items()}}
            )
            for row in tree["contenders"]
        )
        return cls(**tree | {"metrics": tuple(tree["metrics"]), "contenders": contenders})

    def numbers(self) -> dict[str, float]:
        """For a tracked run: `NETWORK/METRIC`."""
        return {
            f"{row.name}/{key}": value
            for row in self.contenders
            for key, value in (
                ("parameters", float(row.parameters)),
                ("train_chunks_a_second", row.train_chunks_a_second),
                ("chunks_a_second", row.chunks_a_second),
                *((name, row.metrics[name]) for name in self.metrics if name in row.metrics),
            )
        }


def rows(comparison: Comparison) -> list[list[str]]:
    """The cells of the table, under `columns`."""
    return [
        [
            row.name,
            f"{row.parameters:,}",
            row.frontend,
            f"{row.chunk_s:.1f}",
            *(_metric(row, name) for name in comparison.metrics),
            f"{row.train_chunks_a_second:,.1f}",
            f"{row.chunks_a_second:,.1f}",
            f"{row.times_real_time:,.0f}",
        ]
        for row in comparison.contenders
    ]


def columns(comparison: Comparison) -> list[str]:
    """Names of the table's columns."""
    return [
        *("network", "parameters", "reads", "chunk, s"),
        *comparison.metrics,
        *("trained, chunks/s", "scored, chunks/s", "x real time"),
    ]


def comparison_text(comparison: Comparison, *, width: int) -> str:
    """For a terminal."""
    facts = [f"  {name}: {fact}" for name, fact in comparison.facts.items()]
    head = "\n".join([f"comparison {comparison.name}", *facts])
    return f"{head}\n{table_text(columns(comparison), rows(comparison), width=width)}"


def render_comparison(comparison: Comparison) -> str:
    """One HTML page: no server, no network."""
    environment = Environment(
        loader=PackageLoader("pipeline.evaluation", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("comparison.html").render(
        comparison=comparison, columns=columns(comparison), rows=rows(comparison)
    )


def _metric(row: Contender, name: str) -> str:
    """A figure with the ends of its 95 % interval."""
    ends = interval(row.intervals.get(name))
    return figure(row.metrics.get(name)) + (f" ({ends})" if ends else "")
