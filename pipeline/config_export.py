"""The sections and the job of export: which models, where to, and how the file is laid out."""

from __future__ import annotations

import enum

from pydantic import Field

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig
from pipeline.consumers.export_cells import Cells
from pipeline.consumers.export_columns import Shape


class ExportFormat(enum.StrEnum):
    """What kind of file is written."""

    PARQUET = "parquet"
    CSV = "csv"


class ExportConfig(Section):
    """What is written, and how."""

    models: tuple[str, ...] = Field(description="models, taxonomies or scorings; none: all current")
    output: str | None = Field(description="a folder, or the one file: .parquet or .csv")
    format: ExportFormat | None = Field(description="null: by the file's ending, else parquet")
    shape: Shape = Field(description="wide: a row a track; long: a row a track and tag")
    cells: Cells = Field(description="of CSV: guarded against spreadsheets' formulas, or plain")


class ExportJob(Section):
    """conf/export.yaml."""

    workspace: WorkspaceConfig
    query: QueryLimitsConfig
    export: ExportConfig
