"""The data dictionary of an export, for programs (JSON) and for people (Markdown). Pure.

What a column means is read from the field's metadata, which pipeline/schemas.py gives it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipeline.schemas import fully_described

VERSION = 1
"""Of the JSON's form."""


@dataclass(frozen=True)
class Source:
    """Where an export's scores come from.

    Attributes:
        workspace: whose tables.
        model_version: bundle name and fingerprint.
        model: what the bundle was called in the tag job.
        licence: of the model's weights; that of a recording stands in the column `license`.
        weights: where they come from.
        scoring_id: all that can change a score, hashed.
        is_current: whether the workspace's views showed this scoring.
        taxonomy_id: which list of tags.
        input: audio, or stored features.
        plan_ids: the plans that its rows were done for.
        run_ids: the runs that did them.
    """

    workspace: str
    model_version: str
    model: str
    licence: str
    weights: str
    scoring_id: str
    is_current: bool
    taxonomy_id: str
    input: str
    plan_ids: list[str]
    run_ids: list[str]


@dataclass(frozen=True)
class Content:
    """What an exported file holds.

    Attributes:
        file: its name.
        sha256: of its bytes.
        size_bytes: its size.
        shape: wide or long.
        num_rows: rows.
        tracks: by status, the tracks of the catalog.
        failures: by reason, of those with status failed.
        num_left_out: tracks with scores that are no longer in the catalog, and not in the file.
        num_guarded: texts of a CSV that got a single quote in front.
        exported_at: when, ISO 8601 in UTC.
    """

    file: str
    sha256: str
    size_bytes: int
    shape: str
    num_rows: int
    tracks: dict[str, int]
    failures: dict[str, int]
    num_left_out: int
    num_guarded: int
    exported_at: str


@dataclass(frozen=True)
class TagRule:
    """A tag of the taxonomy, and from which score on a track has it (None: not calibrated)."""

    tag: str
    threshold: float | None


def column_facts(schema: pa.Schema) -> list[dict[str, str]]:
    """Name, type, meaning, unit, range and nulls of each column; empty where it has none."""
    facts = []
    for field in schema:
        told = {k.decode(): v.decode() for k, v in fully_described(field).metadata.items()}
        parts = {"meaning": told.get("comment", "")}
        parts |= {key: told.get(key, "") for key in ("unit", "range", "nulls")}
        parts["nulls"] = parts["nulls"] or "never null"
        facts.append({"name": field.name, "type": str(field.type).replace("item: ", "")} | parts)
    return facts


def dictionary_json(
    content: Content, *, source: Source, tags: list[TagRule], schema: pa.Schema
) -> str:
    """The dictionary for programs."""
    whole: dict[str, Any] = {"dictionary_version": VERSION} | asdict(content)
    whole |= {"source": asdict(source), "columns": column_facts(schema)}
    whole |= {"tags": [asdict(tag) for tag in tags]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def dictionary_markdown(
    content: Content, *, source: Source, tags: list[TagRule], schema: pa.Schema
) -> str:
    """The dictionary for people."""
    lines = [f"# {_cell(content.file)}", "", *_about(content, source=source), ""]
    lines += ["## Columns", "", "| column | type | meaning | unit | range | null |"]
    lines += ["|---|---|---|---|---|---|"]
    for column in column_facts(schema):
        cells = (column[key] for key in ("type", "meaning", "unit", "range", "nulls"))
        lines.append(f"| `{_cell(column['name'])}` | {' | '.join(map(_cell, cells))} |")
    lines += ["", "## Tags", "", _calibration(tags), "", "| tag | threshold |", "|---|---|"]
    lines += [f"| {_cell(tag.tag)} | {_threshold(tag)} |" for tag in tags]
    return "\n".join(lines) + "\n"


def _about(content: Content, *, source: Source) -> list[str]:
    per = "track" if content.shape == "wide" else "track and tag; a track without scores is one row"
    facts = {
        "Rows": f"{content.num_rows:,}, one a {per}, by `track_id`",
        "Tracks": _counts(content.tracks),
        "Failed, by reason": _counts(content.failures) or "none",
        "Left out": f"{content.num_left_out:,} scored tracks that the catalog no longer has",
        "Model": f"{source.model_version}, called {source.model}",
        "Licence of the model": source.licence,
        "Weights": source.weights,
        "Scoring": f"`{source.scoring_id}`, {'current' if source.is_current else 'not current'}, "
        f"from {source.input}",
        "Taxonomy": f"`{source.taxonomy_id}`",
        "Workspace": source.workspace,
        "Plans": ", ".join(source.plan_ids),
        "Runs": ", ".join(source.run_ids),
        "Exported": content.exported_at,
        "SHA-256": f"`{content.sha256}`, {content.size_bytes:,} bytes",
    }
    if content.num_guarded:
        facts["Changed cells"] = (
            f"{content.num_guarded:,} texts have a single quote in front, so that no spreadsheet "
            "takes them for formulas (`--cells plain` writes them as they are)"
        )
    return [f"- **{name}**: {_cell(text)}" for name, text in facts.items()]


def _calibration(tags: list[TagRule]) -> str:
    if any(tag.threshold is not None for tag in tags):
        return (
            "A track has a tag where its score is at or over the tag's threshold. The score is "
            "the model's own; calibration chose the thresholds and changed no score."
        )
    return (
        "The model is not calibrated: a score says which of two tracks has more of a tag, not "
        "whether a track has it. `earmark calibrate` chooses thresholds."
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


def _threshold(tag: TagRule) -> str:
    return "" if tag.threshold is None else f"{tag.threshold:.6g}"


def _cell(text: str) -> str:
    """The text on one line of a Markdown table."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
