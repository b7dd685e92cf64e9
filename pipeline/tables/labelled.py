"""Results of the ledger beside the catalog's labels: what evaluation is computed from.

A label counts for a tag if it is the whole `category---name`. A track takes part if it has a label
of one of the tags' categories, so that a catalog that says nothing of a track's instruments is not
read as saying that it has none; or if its labels are an empty list (not null) and its data set has
such labels: it is known to have none of them.

Shapes: N tracks, K tags, E embedding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.errors import TableError
from pipeline.evaluation.labelled import Labelled
from pipeline.schemas import RESULTS
from pipeline.storage import Storage
from pipeline.tables.database import database, register, register_catalog
from pipeline.taxonomy import SEPARATOR, TaskKind, Taxonomy

SHOWN = 8


@dataclass(frozen=True)
class Part:
    """The catalog's tracks whose labels of some categories are known, in some splits.

    Attributes:
        splits: train, validation or test.
        dataset: of this data set only; None: of all.
        categories: of the labels.
    """

    splits: tuple[str, ...]
    dataset: str | None
    categories: tuple[str, ...]

    @property
    def where(self) -> str:
        """SQL over the catalog's columns."""
        conditions = [
            f"split IN ({_quoted(self.splits)})",
            known_labels(self.categories),
        ]
        if self.dataset is not None:
            conditions.append(f"dataset = {_quoted([self.dataset])}")
        return " AND ".join(conditions)

    def __str__(self) -> str:
        text = f"{' and '.join(self.splits)}, labelled {', '.join(self.categories)}"
        return text if self.dataset is None else f"{text}, data set {self.dataset}"


def known_labels(categories: Sequence[str]) -> str:
    """SQL over the catalog's columns: whether a track's labels of some categories are known."""
    has = (
        f"len(list_filter(labels, lambda label: split_part(label, '{SEPARATOR}', 1) "
        f"IN ({_quoted(categories)}))) > 0"
    )
    return f"({has} OR (len(labels) = 0 AND dataset IN (SELECT dataset FROM catalog WHERE {has})))"


@dataclass(frozen=True)
class LabelledRows:
    """Scored tracks of a part with their labels, in the order of their ids.

    Attributes:
        track_ids: (N).
        splits: (N).
        scores_NK: in taxonomy order.
        embeddings_NE: the layer that the bundle names.
        targets_NK: which tags the tracks have.
        failed: tracks that have no scores, by reason.
        outside: labels of the categories that are no tags, and how many tracks have them.
    """

    track_ids: tuple[str, ...]
    splits: tuple[str, ...]
    scores_NK: NDArray[np.float32]
    embeddings_NE: NDArray[np.float32]
    targets_NK: NDArray[np.bool_]
    failed: dict[str, int]
    outside: dict[str, int]

    def of(
        self, kind: TaskKind, *, taxonomy: Taxonomy, thresholds: Sequence[float] | None
    ) -> Labelled:
        """Those that the task can judge: of a multiclass task, tracks with exactly one tag.

        Raises:
            TableError: there is no such track.
        """
        keep_N = np.ones(len(self.track_ids), dtype=bool)
        if kind is TaskKind.MULTICLASS:
            keep_N = self.targets_NK.sum(1) == 1
        if not keep_N.any():
            raise TableError(
                f"none of {len(keep_N)} tracks has exactly one of the tags of {taxonomy.name}, "
                "which a multiclass model needs: give another split or data set, or mend the labels"
            )
        return Labelled(
            track_ids=tuple(np.array(self.track_ids, dtype=object)[keep_N]),
            tags=taxonomy.tags,
            kind=kind,
            scores_NK=self.scores_NK[keep_N],
            targets_NK=self.targets_NK[keep_N],
            thresholds_K=None if thresholds is None else tuple(thresholds),
        )

    def notes(self, labelled: Labelled) -> tuple[str, ...]:
        """Sentences about what was left out."""
        notes = []
        if self.failed:
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in self.failed.items())
            notes.append(
                f"{sum(self.failed.values()):,} tracks failed and are not judged: {reasons}"
            )
        if self.outside:
            shown = [f"{label} ({n:,})" for label, n in list(self.outside.items())[:SHOWN]]
            rest = len(self.outside) - len(shown)
            notes.append(
                f"labels that are no tags of the model, with their tracks: {', '.join(shown)}"
                + (f" and {rest} more" if rest else "")
            )
        left_out = len(self.track_ids) - len(labelled.track_ids)
        if left_out:
            notes.append(
                f"{left_out:,} tracks are not judged: they have none of the tags, or several; "
                "a multiclass model gives exactly one"
            )
        return tuple(notes)


def labelled_rows(
    root_url: str,
    *,
    storage: Storage,
    part: Part,
    scoring_id: str,
    taxonomy: Taxonomy,
    memory_mb: int,
) -> LabelledRows:
    """The part's tracks under a scoring; they are held in memory.

    Raises:
        TableError: there is no catalog, none of the tracks has scores, or none has a tag.
    """
    with database(memory_mb=memory_mb) as connection:
        register_catalog(connection, root_url=root_url, storage=storage)
        register(connection, "results", root_url=root_url, storage=storage, schema=RESULTS)
        rows = _rows(connection, part=part, scoring_id=scoring_id)
    scored = rows.filter(pc.field("status") == "ok")
    failed = Counter(rows.filter(pc.field("status") == "failed")["reason"].to_pylist())
    if not scored.num_rows:
        raise TableError(
            f"no track of {part} has scores: {rows.num_rows} have labels, {failed.total()} of them "
            'failed (earmark query "FROM rejects" says why)'
        )
    labels = scored["labels"].to_pylist()
    targets_NK = targets(labels, tags=taxonomy.tags)
    outside = Counter(
        label
        for mine in labels
        for label in set(mine) - set(taxonomy.tags)
        if label.partition(SEPARATOR)[0] in part.categories
    )
    if not targets_NK.any():
        shown = ", ".join(label for label, _ in outside.most_common(SHOWN))
        raise TableError(
            f"none of the {len(labels)} tracks of {part} has a tag of {taxonomy.name} "
            f"({', '.join(taxonomy.tags[:SHOWN])}, ...); they have {shown}. A label counts if it "
            "is the whole category---name of a tag: rename the labels in the source table"
        )
    return LabelledRows(
        track_ids=tuple(scored["track_id"].to_pylist()),
        splits=tuple(scored["split"].to_pylist()),
        scores_NK=_matrix(scored["scores"]),
        embeddings_NE=_matrix(scored["embedding"]),
        targets_NK=targets_NK,
        failed=dict(failed.most_common()),
        outside=dict(outside.most_common()),
    )


def require_labels(root_url: str, *, storage: Storage, part: Part, memory_mb: int) -> None:
    """Refuses a part without tracks, before anything is scored for it.

    Raises:
        TableError: it has none; says which categories and splits the catalog has.
    """
    with database(memory_mb=memory_mb) as connection:
        register_catalog(connection, root_url=root_url, storage=storage)
        for split in part.splits:
            one = Part((split,), part.dataset, part.categories)
            if connection.sql(f"SELECT 1 FROM catalog WHERE {one.where} LIMIT 1").fetchall():
                continue
            found = connection.sql(
                "SELECT DISTINCT coalesce(split, 'none'), coalesce(dataset, 'none'), "
                f"split_part(unnest(labels), '{SEPARATOR}', 1) FROM catalog ORDER BY ALL"
            ).fetchall()
            has = "; ".join(f"split {row[0]}, data set {row[1]}: {row[2]}" for row in found[:SHOWN])
            raise TableError(
                f"the catalog has no track of {one}. Labels that it has: {has or 'none'}. Labels, "
                "splits and data sets come with the source table of earmark catalog"
            )


def targets(labels: Sequence[Sequence[str]], *, tags: Sequence[str]) -> NDArray[np.bool_]:
    """Which tags the tracks have (N, K)."""
    index = {tag: k for k, tag in enumerate(tags)}
    targets_NK = np.zeros((len(labels), len(tags)), dtype=bool)
    for row, mine in enumerate(labels):
        targets_NK[row, [index[label] for label in mine if label in index]] = True
    return targets_NK


def _rows(connection: DuckDBPyConnection, *, part: Part, scoring_id: str) -> pa.Table:
    return connection.sql(
        "SELECT c.track_id, c.split, c.labels, r.status, r.reason, r.scores, r.embedding "
        f"FROM (SELECT * FROM catalog WHERE {part.where}) c LEFT JOIN "
        f"(SELECT * FROM results WHERE scoring_id = '{scoring_id}') r "
        "ON c.track_id = r.track_id AND c.audio_version = r.audio_version ORDER BY c.track_id"
    ).to_arrow_table()


def _matrix(lists: pa.ChunkedArray) -> NDArray[np.float32]:
    """Lists of one length as rows."""
    flat = lists.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(len(lists), -1)


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
