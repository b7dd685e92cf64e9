"""Tags for other teams: one Parquet or CSV file a model version, with its data dictionary.

Rows come from the views' current ones by track_id, as a stream of batches, so that memory does not
grow with the catalog (DuckDB sorts, and spills). A file is written whole beside its place first;
its dictionary, which has its SHA-256, comes last.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.config_export import ExportFormat, ExportJob
from pipeline.consumers.export_columns import Layout
from pipeline.consumers.export_dictionary import (
    Content,
    Source,
    TagRule,
    dictionary_json,
    dictionary_markdown,
)
from pipeline.consumers.export_files import Counts, counted_rows, write_csv, write_parquet
from pipeline.consumers.export_models import Chosen, choose_scorings
from pipeline.consumers.export_rows import jobs_of, num_left_out
from pipeline.errors import ConfigError, TableError
from pipeline.storage import Storage, absolute, join
from pipeline.store_faults import scratch
from pipeline.tables.views import open_views, score_columns

ENDINGS = {f".{one}": one for one in ExportFormat}
ID_SIGNS = 8


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        url: where it is; its dictionary stands beside it as URL.dictionary.json and .md.
        model_version: whose scores.
        content: what it holds.
    """

    url: str
    model_version: str
    content: Content

    def line(self) -> str:
        """For the terminal."""
        tracks = ", ".join(f"{count:,} {name}" for name, count in self.content.tracks.items())
        return f"{self.url}: {self.content.num_rows:,} rows ({tracks}), {self.model_version}"


def export(job: ExportJob) -> tuple[Exported, ...]:
    """Writes the files that a configuration describes.

    Raises:
        ConfigError: no output, one that contradicts the format, one file for several models, or a
            model that is not there.
        TableError: there is no workspace or an empty catalog, or the tables contradict themselves.
    """
    kind = file_format(job)
    root_url, storage = absolute(job.workspace.root_url), job.workspace.storage
    with open_views(root_url, storage=storage, memory_mb=job.query.memory_mb) as connection:
        chosen = choose_scorings(
            connection, root_url=root_url, storage=storage, called=job.export.models
        )
        urls = _places(job, chosen=chosen, kind=kind)
        return tuple(
            _export_one(connection, one, url=url, kind=kind, job=job)
            for one, url in zip(chosen, urls, strict=True)
        )


def file_format(job: ExportJob) -> ExportFormat:
    """Parquet or CSV, as asked, or by the ending of the output.

    Raises:
        ConfigError: the two contradict, or there is no output.
    """
    asked, output = job.export.format, job.export.output
    if not output:
        raise ConfigError("give --out: a folder, or a file that ends in .parquet or .csv")
    ending = ENDINGS.get(posixpath.splitext(output)[1].lower())
    if asked and ending and asked is not ending:
        raise ConfigError(f"--format {asked} and --out {output} contradict: give one of the two")
    return asked or ending or ExportFormat.PARQUET


def _places(job: ExportJob, *, chosen: list[Chosen], kind: ExportFormat) -> list[str]:
    output, storage = absolute(str(job.export.output)), job.workspace.storage
    is_file = posixpath.splitext(output)[1].lower() in ENDINGS
    folder = posixpath.dirname(output) if is_file else output
    if storage.exists(join(folder, "_delta_log")):
        raise ConfigError(f"{folder} is a Delta table: an export needs another folder")
    if not is_file:
        return [join(output, _file_name(one, kind=kind)) for one in chosen]
    if len(chosen) > 1:
        versions = ", ".join(one.scoring.model_version for one in chosen)
        raise ConfigError(
            f"{output} is one file, and there are {len(chosen)} models: {versions}. Name one of "
            "them, or give a folder"
        )
    return [output]


def _file_name(one: Chosen, *, kind: ExportFormat) -> str:
    """Two scorings of one model version, from audio and from features, get files of their own."""
    version = re.sub(r"[^\w.@+-]+", "_", one.scoring.model_version)
    return f"{version}-{one.scoring.scoring_id[:ID_SIGNS]}.{kind}"


def _export_one(
    connection: DuckDBPyConnection, one: Chosen, *, url: str, kind: ExportFormat, job: ExportJob
) -> Exported:
    taxonomy, thresholds = one.scoring.taxonomy, one.scoring.thresholds
    columns = tuple(score_columns(taxonomy))
    layout = Layout(taxonomy, columns, thresholds, job.export.shape)
    source = _source(connection, one, root_url=absolute(job.workspace.root_url))
    counts = Counts()
    batches = counted_rows(
        connection, layout=layout, scoring_id=one.scoring.scoring_id, counts=counts
    )
    with scratch("earmark-export-") as folder:
        path = folder / f"export.{kind}"
        if kind is ExportFormat.CSV:
            write_csv(path, batches, schema=layout.schema(), cells=job.export.cells, counts=counts)
        else:
            write_parquet(path, batches, schema=layout.schema(), source=source)
        if not counts.rows:
            raise TableError("the catalog has no tracks, so there is nothing to export")
        left_out = num_left_out(connection, scoring_id=one.scoring.scoring_id)
        content = _content(path, url=url, layout=layout, counts=counts, left_out=left_out)
        job.workspace.storage.put(str(path), url)
    tags = [TagRule(tag, limit) for tag, limit in zip(taxonomy.tags, _limits(one), strict=True)]
    _write_dictionary(
        url,
        content,
        source=source,
        tags=tags,
        schema=layout.schema(),
        storage=job.workspace.storage,
    )
    return Exported(url, one.scoring.model_version, content)


def _source(connection: DuckDBPyConnection, one: Chosen, *, root_url: str) -> Source:
    scoring = one.scoring
    plan_ids, run_ids = jobs_of(connection, scoring_id=scoring.scoring_id)
    return Source(
        workspace=root_url,
        model_version=scoring.model_version,
        model=scoring.reference,
        licence=one.licence,
        weights=one.weights,
        scoring_id=scoring.scoring_id,
        is_current=one.is_current,
        taxonomy_id=scoring.taxonomy.taxonomy_id,
        input=scoring.input,
        plan_ids=plan_ids,
        run_ids=run_ids,
    )


def _content(path: Path, *, url: str, layout: Layout, counts: Counts, left_out: int) -> Content:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Content(
        file=posixpath.basename(url),
        sha256=digest,
        size_bytes=path.stat().st_size,
        shape=str(layout.shape),
        num_rows=counts.rows,
        tracks=dict(sorted(counts.tracks.items(), reverse=True)),
        failures=dict(counts.failures.most_common()),
        num_left_out=left_out,
        num_guarded=counts.guarded,
        exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _limits(one: Chosen) -> list[float | None]:
    thresholds = one.scoring.thresholds
    return [None] * len(one.scoring.taxonomy.tags) if thresholds is None else [*thresholds]


def _write_dictionary(
    url: str,
    content: Content,
    *,
    source: Source,
    tags: list[TagRule],
    schema: pa.Schema,
    storage: Storage,
) -> None:
    texts = {"md": dictionary_markdown, "json": dictionary_json}
    for ending, text in texts.items():
        data = text(content, source=source, tags=tags, schema=schema).encode()
        storage.write(f"{url}.dictionary.{ending}", data)
