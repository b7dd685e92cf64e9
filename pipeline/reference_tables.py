"""The tables' half of the reference page: what each is for, and what its columns mean."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pyarrow as pa

from pipeline import schemas
from pipeline.audio.frontend_spec import FRONTENDS
from pipeline.reference_words import arrow_type, attributes, table
from pipeline.revision import Code
from pipeline.tables.plan import Plan
from pipeline.tables.run_record import RunRecord
from pipeline.tables.scorings import Scoring
from pipeline.tables.views import DESCRIBED

INTRO = """\
All of them are folders of one workspace (`workspace.root_url`). None is partitioned: readers leave
out files by the statistics in Delta's log, so the order of rows in files counts, and is told below.
A commit's own facts (`DESCRIBE HISTORY`, `DeltaTable.history()`) name `run_id`, `verb`,
`earmark_version`, `code_revision` and `sources_sha256`, where they apply.
"""


@dataclass(frozen=True)
class Told:
    """A table of the page."""

    name: str
    schema: pa.Schema
    kind: str
    purpose: str
    row: str
    layout: str
    nulls: str = ""


_LEDGER = "an append for each commit of a run; a file holds one `{key}`, its tracks by `track_id`"
_TENSOR = (
    "written once, never changed; a row group of 8 blocks, the blocks of a track in order. "
    "Readers reach it only through `feature_index`. Delta has no half float"
)
TOLD = (
    Told(
        "catalog",
        schemas.CATALOG,
        "Delta",
        "What is there: every track that `earmark catalog` found. Scanning a source replaces the "
        "rows of that source, in one commit.",
        "a track; `track_id`, and `occurrence` where sources share an id",
        "as the source lists them",
    ),
    Told(
        "plans",
        schemas.PLAN,
        "Parquet, `plans/PLAN_ID.parquet`",
        "What a job must end with, written before it starts; `earmark verify` holds the ledgers "
        "to it. Its facts (below) stand in the schema's metadata.",
        "a planned track; `track_id`",
        "written once; by `track_id`",
    ),
    Told(
        "features",
        schemas.feature_part(
            n_mels=FRONTENDS["sota-mel96"].n_mels,
            block_frames=FRONTENDS["sota-mel96"].block_frames,
            metadata={},
        ),
        "Parquet, `features/SPEC_ID/part-*.parquet`",
        "Mels of `earmark features`, as blocks. The tensor's shape is that of its front end; this "
        "is sota-mel96's.",
        "a block of a track; `track_id`, `block_index`",
        _TENSOR,
        nulls="never written",
    ),
    Told(
        "feature_index",
        schemas.FEATURE_INDEX,
        "Delta, a ledger",
        "Where each track's mel is, or why it has none.",
        "a track under one front end; `track_id`, `audio_version`, `spec_id`",
        _LEDGER.format(key="spec_id"),
    ),
    Told(
        "descriptors",
        schemas.DESCRIPTORS,
        "Delta, a ledger",
        "Loudness, tempo, key, chords and the rest of `earmark describe`. How each is computed "
        "and how far to trust it: pipeline/audio/descriptors*.py.",
        "a track under one set of parameters; `track_id`, `audio_version`, `spec_id`",
        _LEDGER.format(key="spec_id"),
    ),
    Told(
        "results",
        schemas.RESULTS,
        "Delta, a ledger",
        "Scores of `earmark tag`, `evaluate` and `teach`, and why a track has none. All else that "
        "is known of tags is made from it.",
        "a track under one scoring; `track_id`, `audio_version`, `scoring_id`",
        _LEDGER.format(key="scoring_id"),
    ),
    Told(
        "tags",
        schemas.TAGS,
        "Delta, derived",
        "What `earmark publish` makes of `results` for those who ask: one row a tag.",
        "a track, scoring and tag; `track_id`, `audio_version`, `scoring_id`, `tag`, `category`",
        "by tag, category, score from the highest, `track_id`: the best tracks of a tag are read "
        "from few row groups of 50,000",
    ),
    Told(
        "current",
        schemas.CURRENT,
        "Delta",
        "Which scoring the views show; moved by `publish` (the first), `promote` and `teach`. A "
        "commit's `made_current` names TAXONOMY_ID=SCORING_ID.",
        "a taxonomy; `taxonomy_id`",
        "rewritten whole",
    ),
    Told(
        "requeued",
        schemas.REQUEUED,
        "Delta",
        "Failed rows that `earmark requeue` took out of a ledger, so that `verify` knows them as "
        "open.",
        "a row that was taken out",
        "an append for each `requeue`",
    ),
)
FILES = (
    (
        "scorings/SCORING_ID.json",
        "What stands behind a scoring, written before its first row.",
        (Scoring,),
    ),
    (
        "runs/RUN_ID.json",
        "What a run was: written before it starts, and again at its end. `code` is the second "
        "table. MLflow's run of the same id has the tags `earmark.table.NAME` (the versions that "
        "it committed), `earmark.code_revision`, `earmark.sources_sha256` and "
        "`earmark.config_sha256`.",
        (RunRecord, Code),
    ),
    ("plans/PLAN_ID.parquet", "The facts in the metadata of a plan's schema.", (Plan,)),
)
OTHERS = (
    ("models/", "bundles: `bundle.json` and `weights.safetensors`, by collection and name"),
    ("evaluations/", "what `earmark evaluate` wrote: an HTML report, figures, JSON"),
    ("training/", "what a training that was interrupted goes on from"),
    ("mlflow.db, mlflow-artifacts/", "MLflow's own, where no server is named (`tracking.uri`)"),
)


def table_lines() -> list[str]:
    """The sections on tables, views and files."""
    lines = [INTRO]
    for one in TOLD:
        lines += [f"### `{one.name}`", "", one.purpose, ""]
        lines += [f"- kind: {one.kind}", f"- a row is {one.row}", f"- layout: {one.layout}", ""]
        lines += [_columns(one.schema, nulls=one.nulls), ""]
    lines += ["### Views", "", "What `earmark query` and the other readers see of them.", ""]
    views = [(f"`{name}`", doc) for name, (doc, _) in DESCRIBED.items()]
    views += [("`tag_scores_TAXONOMY`", "the current scores, one row a track, one column a tag")]
    lines += [table(("view", "shows"), views), "", "## Other files of a workspace", ""]
    for path, purpose, kinds in FILES:
        lines += [f"### `{path}`", "", purpose, ""]
        for kind in kinds:
            lines += [_facts(kind), ""]
    return [*lines, table(("path", "holds"), [(f"`{a}`", b) for a, b in OTHERS]), ""]


def _columns(schema: pa.Schema, *, nulls: str) -> str:
    rows = []
    for field in schema:
        told = schemas.fully_described(field).metadata
        fact = {key.decode(): text.decode() for key, text in told.items()}
        rows.append(
            (
                f"`{field.name}`",
                arrow_type(field.type),
                fact.get("unit", ""),
                fact.get("range", ""),
                fact["comment"],
                (nulls or fact["nulls"]) if field.nullable else "never",
            )
        )
    return table(("column", "type", "unit", "range", "meaning", "null when"), rows)


def _facts(kind: type) -> str:
    meanings = dict(attributes(kind))
    rows = [
        (f"`{one.name}`", str(one.type), meanings[one.name].rstrip(".")) for one in fields(kind)
    ]
    return table(("fact", "type", "meaning"), rows)
