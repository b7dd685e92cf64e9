"""One HTML page about a tagged catalog: no server, no network, nothing to install.

The job collects the data; here it becomes text. Everything is escaped by the template, pictures
are data URIs.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.evaluation.agreement import Agreement
from pipeline.evaluation.comparison import Comparison, columns, rows


@dataclass(frozen=True)
class Summary:
    """The numbers on top.

    Attributes:
        tracks: in the catalog.
        audio_s: audio that was decoded, seconds.
        ok: tracks that have scores.
        flagged: those of them whose file was partly broken.
        failed: tracks without scores.
        wall_s: time that the run took, seconds; None if it is not known.
    """

    tracks: int
    audio_s: float
    ok: int
    flagged: int
    failed: int
    wall_s: float | None

    @property
    def times_real_time(self) -> float | None:
        """Seconds of audio in a second of the run."""
        return self.audio_s / self.wall_s if self.wall_s else None


@dataclass(frozen=True)
class ModelFacts:
    """A tagger and its most frequent best tags.

    Attributes:
        model_version: bundle name and fingerprint.
        scoring_id: key of its rows.
        taxonomy: short name of its list of tags.
        num_tags: their number.
        calibrated: whether it has thresholds.
        facts: anything else worth a line, by name.
        top_tags: `category---name`, and tracks that have it as their best tag; most first.
    """

    model_version: str
    scoring_id: str
    taxonomy: str
    num_tags: int
    calibrated: bool
    facts: dict[str, str]
    top_tags: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class TrackRow:
    """A track in the table.

    Attributes:
        track_id: its identity.
        title: may be empty.
        artist: may be empty.
        duration_s: seconds, or None.
        tags: by taxonomy, its best tags with their scores.
    """

    track_id: str
    title: str
    artist: str
    duration_s: float | None
    tags: dict[str, tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Picture:
    """A PNG.

    Attributes:
        png: the file's bytes.
        alt: what it shows, for who cannot see it.
    """

    png: bytes
    alt: str

    @property
    def data_uri(self) -> str:
        """The picture as a URL that holds it."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class TrackPictures:
    """A track's mel and tags over time."""

    track: TrackRow
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Answer:
    """A question, its SQL and the answer; `rows` may hold any plain value."""

    question: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Fault:
    """A file that failed, or was scored although something was wrong with it."""

    track_id: str
    uri: str
    status: str
    reason: str
    detail: str


@dataclass(frozen=True)
class ReportData:
    """All that stands in a report.

    Attributes:
        title: the heading.
        workspace: where the tables are.
        made_at: when, as it shall be read.
        summary: numbers on top.
        models: taggers.
        tracks: rows of the table; may be fewer than the catalog has.
        cards: tracks with pictures.
        answers: questions to the tables.
        faults: failed and flagged files; may be fewer than there are.
        agreements: tags against labels, by model_version; empty if the catalog has no labels.
        comparisons: of networks, newest first.
    """

    title: str
    workspace: str
    made_at: str
    summary: Summary
    models: tuple[ModelFacts, ...]
    tracks: tuple[TrackRow, ...]
    cards: tuple[TrackPictures, ...]
    answers: tuple[Answer, ...]
    faults: tuple[Fault, ...]
    agreements: dict[str, tuple[Agreement, ...]]
    comparisons: tuple[Comparison, ...] = ()


def render_report(data: ReportData) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("pipeline.evaluation", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"clock": _clock, "short": _short, "value": _value, "counted": _counted}
    return environment.get_template("report.html").render(
        data=data, tables=[(it, columns(it), rows(it)) for it in data.comparisons]
    )


def count_reasons(faults: Sequence[Fault]) -> list[tuple[str, int]]:
    """Failed files by reason, most first."""
    failed = [fault.reason for fault in faults if fault.status == "failed"]
    return sorted(
        ((reason, failed.count(reason)) for reason in set(failed)), key=lambda n: (-n[1], n[0])
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _clock(seconds: float | None) -> str:
    """Hours where there are any, minutes and seconds."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _short(tag: str) -> str:
    """A tag without its category."""
    return tag.rpartition("---")[2]


def _value(value: object) -> str:
    """A cell of an answer."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(_value(item) for item in value)
    return str(value)
