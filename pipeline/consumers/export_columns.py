"""The columns of an export: facts, state and scores of a track, wide or long. Pure.

Wide has one row a track: a column `score_TAG` a tag, and, where the model is calibrated,
`positive_TAG` and the list `tags`. Long has one row a track and tag, best first. Either has every
track of the catalog: one without scores is one row with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import TableError
from pipeline.schemas import CATALOG, RESULTS, TAGS, described_field, fully_described
from pipeline.taxonomy import Taxonomy

# Shape letters: N tracks of a batch, S those of them with scores, K tags, R rows of a long batch.

FACTS = (
    *("track_id", "uri", "artist", "title", "album", "year", "duration_s", "license", "dataset"),
    *("split", "labels"),
)
"""Columns of the catalog that an export has."""
NO_SCORES = "the track has no scores, see status"
STATE = (
    described_field(
        "status", pa.string(), "ok: has scores; failed: see reason; not_tagged: not scored yet"
    ),
    fully_described(RESULTS.field("reason")),
    fully_described(RESULTS.field("detail")),
    described_field(
        "up_to_date",
        pa.bool_(),
        "whether the file in the catalog is the version that was scored",
        null=NO_SCORES,
    ),
    fully_described(RESULTS.field("num_chunks")),
    described_field(
        "tagged_at", pa.timestamp("us", tz="UTC"), "when it was scored", null=NO_SCORES
    ),
)


class Shape(StrEnum):
    """What a row is."""

    WIDE = "wide"
    """A track."""
    LONG = "long"
    """A track and tag."""


@dataclass(frozen=True)
class Layout:
    """What an export of one scoring holds.

    Attributes:
        taxonomy: the tag of each score.
        columns: (K,) a name for each tag, unique without regard to case.
        thresholds: (K,) or None: the model is not calibrated.
        shape: wide or long.
    """

    taxonomy: Taxonomy
    columns: tuple[str, ...]
    thresholds: tuple[float, ...] | None
    shape: Shape

    def schema(self) -> pa.Schema:
        """Every column with its meaning in the field's metadata."""
        facts = [fully_described(CATALOG.field(name)) for name in FACTS]
        scores = self._wide_fields() if self.shape is Shape.WIDE else _long_fields()
        return pa.schema([*facts, *STATE, *scores])

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch of tracks.

        Args:
            batch: columns FACTS, those of STATE, and `scores`, a list of K or null.

        Raises:
            TableError: a track has another number of scores than the taxonomy has tags.
        """
        scored_N, scores_SK = self._scores(batch)
        if self.shape is Shape.WIDE:
            return self._wide(batch, scored_N=scored_N, scores_SK=scores_SK)
        return self._long(batch, scored_N=scored_N, scores_SK=scores_SK)

    def _scores(self, batch: pa.RecordBatch) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        column, num_tags = batch["scores"], len(self.columns)
        wrong = pc.not_equal(pc.list_value_length(column), num_tags)
        if pc.any(wrong).as_py():
            track_id = batch["track_id"].filter(wrong)[0].as_py()
            raise TableError(
                f"track {track_id} has another number of scores than the {num_tags} tags of "
                f"{self.taxonomy.taxonomy_id}: the description of the scoring was changed"
            )
        scored_N = column.is_valid().to_numpy(zero_copy_only=False)
        flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        return scored_N, flat.reshape(-1, num_tags)

    def _wide_fields(self) -> list[pa.Field]:
        fields = [
            described_field(
                f"score_{column}", pa.float32(), f"score of {tag}", span="0 to 1", null=NO_SCORES
            )
            for column, tag in zip(self.columns, self.taxonomy.tags, strict=True)
        ]
        if self.thresholds is None:
            return fields
        doc = "whether the score of {} is at or over its threshold {:.6g}"
        fields += [
            described_field(
                f"positive_{column}", pa.bool_(), doc.format(tag, limit), null=NO_SCORES
            )
            for column, tag, limit in zip(
                self.columns, self.taxonomy.tags, self.thresholds, strict=True
            )
        ]
        doc = "the tags that are positive, category---name, highest score first"
        return [described_field("tags", pa.list_(pa.string()), doc, null=NO_SCORES), *fields]

    def _wide(
        self,
        batch: pa.RecordBatch,
        *,
        scored_N: NDArray[np.bool_],
        scores_SK: NDArray[np.float32],
    ) -> pa.RecordBatch:
        places = _places(scored_N)
        columns = [pa.array(scores_K).take(places) for scores_K in scores_SK.T.copy()]
        if self.thresholds is not None:
            positive_SK = scores_SK >= np.array(self.thresholds, np.float32)
            columns += [pa.array(positive_K).take(places) for positive_K in positive_SK.T.copy()]
            columns.insert(0, self._positive_tags(scores_SK, positive_SK).take(places))
        return _with(batch, columns, schema=self.schema())

    def _positive_tags(
        self, scores_SK: NDArray[np.float32], positive_SK: NDArray[np.bool_]
    ) -> pa.Array:
        order_SK = best_first(scores_SK)
        kept_SK = np.take_along_axis(positive_SK, order_SK, axis=1)
        names = pa.array(self.taxonomy.tags).take(pa.array(order_SK[kept_SK]))
        ends = np.concatenate([[0], np.cumsum(kept_SK.sum(axis=1))]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(ends), names)

    def _long(
        self,
        batch: pa.RecordBatch,
        *,
        scored_N: NDArray[np.bool_],
        scores_SK: NDArray[np.float32],
    ) -> pa.RecordBatch:
        num_tags = len(self.columns)
        counts_N = np.where(scored_N, num_tags, 1)
        order = best_first(scores_SK).ravel()
        places = _places(np.repeat(scored_N, counts_N))
        scores = np.take_along_axis(scores_SK, order.reshape(-1, num_tags), axis=1).ravel()
        columns = [
            pa.array(self.taxonomy.names, pa.string()).take(pa.array(order)),
            pa.array(self.taxonomy.categories, pa.string()).take(pa.array(order)),
            pa.array(scores),
            *self._decisions(scores, order=order),
            pa.array(np.tile(np.arange(1, num_tags + 1, dtype=np.int32), len(scores_SK))),
        ]
        rows_R = np.repeat(np.arange(batch.num_rows), counts_N)
        repeated = batch.take(pa.array(rows_R))
        return _with(repeated, [column.take(places) for column in columns], schema=self.schema())

    def _decisions(
        self, scores: NDArray[np.float32], *, order: NDArray[np.int64]
    ) -> tuple[pa.Array, pa.Array]:
        """Threshold and decision of each score; nulls without thresholds."""
        if self.thresholds is None:
            return pa.nulls(len(scores), pa.float32()), pa.nulls(len(scores), pa.bool_())
        limits = np.array(self.thresholds, np.float32)[order]
        return pa.array(limits), pa.array(scores >= limits)


def best_first(scores_SK: NDArray[np.float32]) -> NDArray[np.int64]:
    """(S, K) positions of each track's tags by score; of equal scores the first tag leads."""
    return np.argsort(-scores_SK, axis=1, kind="stable")


def _long_fields() -> list[pa.Field]:
    fields = []
    for name in ("tag", "category", "score", "threshold", "positive", "rank"):
        told = fully_described(TAGS.field(name))
        facts = {key.decode(): text.decode() for key, text in told.metadata.items()}
        null = "; or ".join(filter(None, (facts.get("nulls", ""), NO_SCORES)))
        fields.append(
            described_field(
                name, told.type, facts["comment"], span=facts.get("range", ""), null=null
            )
        )
    return fields


def _places(scored: NDArray[np.bool_]) -> pa.Array:
    """For each row its place among those with scores; null for the others."""
    return pa.array(np.cumsum(scored) - 1, mask=~scored)


def _with(batch: pa.RecordBatch, columns: list[pa.Array], *, schema: pa.Schema) -> pa.RecordBatch:
    kept = [batch[name] for name in (*FACTS, *(field.name for field in STATE))]
    return pa.RecordBatch.from_arrays([*kept, *columns], schema=schema)
