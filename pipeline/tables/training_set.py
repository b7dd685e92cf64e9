"""Labelled tracks with stored features: what a training learns from and is judged by.

A track takes part if it is in the split train or validation, its labels in the task's categories
are known (labelled.py; of a multiclass task, it has one), and it has a mel of the front end. No two
splits may share a group (an artist, or for notes an instrument): a tagger that has heard the artist
is judged too well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipeline.audio.frontend import FrontendSpec
from pipeline.errors import TableError
from pipeline.schemas import CATALOG, FEATURE_INDEX
from pipeline.storage import Storage
from pipeline.tables.database import database, register, register_catalog
from pipeline.tables.labelled import known_labels
from pipeline.taxonomy import TaskKind

TRAIN, VALIDATION = "train", "validation"
SPLITS = (TRAIN, VALIDATION, "test")
_SHOWN = 5


@dataclass(frozen=True)
class TrainingSet:
    """The tracks of a training.

    Attributes:
        tracks: track_id, split, labels (in the categories, sorted), part, first_row, num_rows,
            num_frames, sorted by part and first_row.
        num_failed: labelled tracks whose audio could not be read.
        num_unlabelled: tracks of the two splits without a label in the categories.
    """

    tracks: pa.Table
    num_failed: int
    num_unlabelled: int

    def labels(self, split: str) -> list[list[str]]:
        """Of each track of a split."""
        found: list[list[str]] = [
            mine
            for mine, its in zip(
                self.tracks["labels"].to_pylist(), self.tracks["split"].to_pylist(), strict=True
            )
            if its == split
        ]
        return found

    @property
    def digest(self) -> str:
        """A hash of the tracks, their labels and splits; where their mels lie is not part of it."""
        digest = hashlib.sha256()
        rows = self.tracks.select(["track_id", "split", "labels", "num_frames"])
        for row in sorted(zip(*(rows[n].to_pylist() for n in rows.column_names), strict=True)):
            digest.update(repr(row).encode())
        return digest.hexdigest()


def training_set(
    root_url: str,
    *,
    storage: Storage,
    spec: FrontendSpec,
    categories: Sequence[str],
    kind: TaskKind,
    dataset: str | None,
    group: str | None,
    memory_mb: int,
) -> TrainingSet:
    """Reads the training set of a workspace.

    Args:
        root_url: the workspace.
        storage: how to reach it.
        spec: the front end.
        categories: of the task's tags.
        kind: of the task.
        dataset: only tracks of it; None takes all.
        group: column of the catalog that no two splits may share; None checks nothing.
        memory_mb: of DuckDB.

    Raises:
        TableError: no catalog, an empty split, a group in two splits, or tracks without features.
    """
    with database(memory_mb=memory_mb) as connection:
        register_catalog(connection, root_url=root_url, storage=storage)
        register(
            connection, "feature_index", root_url=root_url, storage=storage, schema=FEATURE_INDEX
        )
        _make_labelled(connection, categories=categories, kind=kind, dataset=dataset)
        if group is not None:
            refuse_leaks(connection, group=group)
        _refuse_missing(connection, spec=spec)
        tracks = connection.sql(
            "SELECT track_id, split, mine AS labels, part, first_row, num_rows, num_frames "
            "FROM heard WHERE status = 'ok' AND known ORDER BY part, first_row"
        ).to_arrow_table()
        ((failed, unlabelled),) = connection.sql(
            "SELECT count(*) FILTER (status = 'failed' AND known), "
            "count(*) FILTER (NOT known) FROM heard"
        ).fetchall()
    for split in (TRAIN, VALIDATION):
        if split not in tracks["split"].to_pylist():
            raise TableError(
                f"no track of the split {split} has a label {' or '.join(categories)}---...: the "
                "catalog's columns split (train, validation, test) and labels say what is learned"
            )
    return TrainingSet(tracks, failed, unlabelled)


def refuse_leaks(connection: duckdb.DuckDBPyConnection, *, group: str) -> None:
    """Raises TableError if tracks of one group are in two splits of the view `labelled`."""
    if group not in CATALOG.names:
        raise TableError(
            f"data.group: the catalog has no column {group!r}; it has {', '.join(CATALOG.names)}"
        )
    rows = connection.sql(
        f'SELECT "{group}"::VARCHAR AS name, list(DISTINCT split ORDER BY split) AS splits '
        f'FROM labelled WHERE "{group}" IS NOT NULL AND known GROUP BY ALL '
        "HAVING len(splits) > 1 ORDER BY name"
    ).fetchall()
    if rows:
        listed = "; ".join(f"{name} ({', '.join(splits)})" for name, splits in rows[:_SHOWN])
        raise TableError(
            f"the splits share {len(rows)} value(s) of {group}: {listed}"
            + ("; ..." if len(rows) > _SHOWN else "")
            + f". A tagger would be judged by what it has heard: split by {group}, or set "
            "data.group to the column that the splits are made by"
        )


def _make_labelled(
    connection: duckdb.DuckDBPyConnection,
    *,
    categories: Sequence[str],
    kind: TaskKind,
    dataset: str | None,
) -> None:
    """`labelled`: catalog rows that have a split, with their labels in the categories as `mine`.

    `known` says whether these are all that the track has.
    """
    known = "len(mine) > 0" if kind is TaskKind.MULTICLASS else known_labels(categories)
    connection.execute(
        "CREATE TEMP TABLE labelled AS SELECT *, list_sort(list_distinct(list_filter("
        "coalesce(labels, []), lambda label: list_contains($1, split_part(label, '---', 1))"
        f"))) AS mine, coalesce({known}, false) AS known FROM catalog "
        "WHERE split IN $2 AND ($3 IS NULL OR dataset = $3)",
        [list(categories), list(SPLITS), dataset],
    )


def _refuse_missing(connection: duckdb.DuckDBPyConnection, *, spec: FrontendSpec) -> None:
    """`heard`: labelled tracks of train and validation with their features, of which none lacks."""
    connection.execute(
        "CREATE TEMP VIEW heard AS SELECT l.track_id, l.split, l.mine, l.known, f.status, f.part, "
        "f.first_row, f.num_rows, f.num_frames FROM labelled l LEFT JOIN "
        f"(SELECT * FROM feature_index WHERE spec_id = '{spec.spec_id}') f "
        "USING (track_id, audio_version) WHERE l.split IN ('train', 'validation')"
    )
    ((missing,),) = connection.sql(
        "SELECT count(*) FROM heard WHERE status IS NULL AND known"
    ).fetchall()
    if missing:
        raise TableError(
            f"{missing} labelled track(s) have no features of front end {spec.spec_id}: run "
            f"earmark features --frontend {spec.name} first"
        )
