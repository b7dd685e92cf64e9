"""Scores and labels that someone saved: npy, CSV or Parquet.

Shapes: N tracks, K tags.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import TableError
from pipeline.evaluation.labelled import Labelled
from pipeline.storage import Storage
from pipeline.taxonomy import TaskKind

ID = "track_id"
SHOWN = 5


@dataclass(frozen=True)
class Saved:
    """A file's content.

    Attributes:
        url: where it was read.
        ids: (N), or None if the file has no track ids.
        tags: (K), or None if the file does not name its columns.
        values_NK: numbers, or one column of class numbers.
    """

    url: str
    ids: tuple[str, ...] | None
    tags: tuple[str, ...] | None
    values_NK: NDArray[np.float64]


def read_score_files(
    scores: str, *, labels: str, tags: str | None, kind: TaskKind | None, storage: Storage
) -> Labelled:
    """Scores beside labels from two files, or from two columns of one Parquet file.

    A file is an npy matrix (N, K); or CSV or Parquet with a column for each tag, or, in Parquet,
    a column `scores` or `labels` of lists; in both a column `track_id` joins the two files, else
    their rows must be in the same order. Labels are 0 or 1; an npy vector of N whole numbers holds
    the class of each track.

    Args:
        scores: file of scores from 0 to 1.
        labels: file of labels; may be the same Parquet file.
        tags: text file with a tag a line, for files that do not name their columns.
        kind: of the task; None: binary with one tag, multiclass if each track has exactly one
            label, else multilabel.
        storage: how to reach the files.

    Raises:
        TableError: a file is missing or of another form, or the two do not fit together.
    """
    given = _tag_names(tags, storage=storage) if tags else None
    of_scores = _read(scores, column="scores", storage=storage)
    of_labels = _read(labels, column="labels", storage=storage)
    names = given or of_scores.tags or of_labels.tags
    names = names or tuple(f"tag {k}" for k in range(of_scores.values_NK.shape[1]))
    scores_NK = _columns(of_scores, names=names)
    labels_NK = _columns(_classes(of_labels, num_tags=len(names)), names=names)
    ids, labels_NK = _joined(of_scores, of_labels, labels_NK=labels_NK)
    targets_NK = _zero_or_one(labels_NK, url=labels, tags=names)
    if not targets_NK.any():
        raise TableError(f"no track of {labels} has any of the tags: there is nothing to judge by")
    try:
        return Labelled(
            track_ids=ids,
            tags=names,
            kind=kind or _kind(targets_NK),
            scores_NK=scores_NK.astype(np.float32),
            targets_NK=targets_NK,
        )
    except ValueError as error:
        raise TableError(f"{scores} and {labels} cannot be judged: {error}") from None


def _read(url: str, *, column: str, storage: Storage) -> Saved:
    try:
        data = storage.read(url)
    except (FileNotFoundError, IsADirectoryError):
        raise TableError(f"there is no file {url}") from None
    try:
        if url.endswith(".npy"):
            return _matrix(url, np.load(io.BytesIO(data), allow_pickle=False))
        if url.endswith(".csv"):
            return _table(url, pa_csv.read_csv(io.BytesIO(data)), column=column)
        if url.endswith(".parquet"):
            return _table(url, pq.read_table(io.BytesIO(data)), column=column)
    except (ValueError, EOFError, pa.ArrowException) as error:
        raise TableError(f"{url} cannot be read: {error}") from None
    raise TableError(f"{url} ends in none of .npy, .csv and .parquet")


def _matrix(url: str, values: NDArray[np.generic]) -> Saved:
    if values.ndim not in (1, 2) or values.dtype.kind not in "biuf":
        raise ValueError(
            f"it holds {values.dtype} of shape {values.shape}; a matrix of numbers is needed, a "
            "row for each track and a column for each tag"
        )
    matrix = values.astype(np.float64)
    return Saved(url, None, None, matrix.reshape(len(matrix), -1))


def _table(url: str, table: pa.Table, *, column: str) -> Saved:
    ids = None
    if ID in table.column_names:
        ids = tuple(str(value) for value in table[ID].to_pylist())
    if column in table.column_names and pa.types.is_nested(table[column].type):
        return Saved(url, ids, None, _lists(table[column]))
    names = [name for name in table.column_names if name != ID]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"column {twice[0]!r} stands twice")
    for name in names:
        kind = table[name].type
        if not (
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        ):
            raise ValueError(
                f"column {name!r} holds {kind}; beside {ID} each column is a tag and holds numbers"
            )
    arrays = [_numbers(table[name]) for name in names]
    if not arrays:
        raise ValueError("it has no column of a tag")
    return Saved(url, ids, tuple(names), np.stack(arrays, axis=1))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column as float64; what is missing becomes NaN."""
    values = (
        pc.cast(column, pa.float64())
        if not pa.types.is_boolean(column.type)
        else pc.cast(pc.cast(column, pa.int8()), pa.float64())
    )
    return np.asarray(values.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.float64)


def _lists(column: pa.ChunkedArray) -> NDArray[np.float64]:
    rows = column.to_pylist()
    lengths = Counter(None if row is None else len(row) for row in rows)
    if len(lengths) != 1 or None in lengths:
        raise ValueError(f"its lists are of different lengths: {dict(lengths)}")
    return np.array(rows, dtype=np.float64)


def _tag_names(url: str, *, storage: Storage) -> tuple[str, ...]:
    try:
        text = storage.read(url).decode()
    except (FileNotFoundError, IsADirectoryError):
        raise TableError(f"there is no file {url}") from None
    except UnicodeDecodeError:
        raise TableError(f"{url} is no text; it must hold a tag a line") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _columns(saved: Saved, *, names: tuple[str, ...]) -> NDArray[np.float64]:
    """The values in the order of the names."""
    if saved.tags is None:
        if saved.values_NK.shape[1] != len(names):
            raise TableError(
                f"{saved.url} has {saved.values_NK.shape[1]} columns for {len(names)} tags"
            )
        return saved.values_NK
    odd = sorted(set(saved.tags) ^ set(names))
    if odd:
        raise TableError(
            f"the tags of {saved.url} are not those of the other file: {', '.join(odd[:SHOWN])} "
            + ("stand" if len(odd) > 1 else "stands")
            + " on one side only"
        )
    return saved.values_NK[:, [saved.tags.index(name) for name in names]]


def _classes(saved: Saved, *, num_tags: int) -> Saved:
    """A vector of class numbers as a matrix of 0 and 1; anything else as it is."""
    values = saved.values_NK
    if saved.tags is not None or values.shape[1] != 1 or num_tags == 1:
        return saved
    numbers = values[:, 0]
    if not np.isin(numbers, np.arange(num_tags)).all():
        wrong = numbers[~np.isin(numbers, np.arange(num_tags))][0]
        raise TableError(f"{saved.url} has the class {wrong:g}; classes are 0 to {num_tags - 1}")
    return Saved(saved.url, saved.ids, None, np.eye(num_tags)[numbers.astype(int)])


def _joined(
    scores: Saved, labels: Saved, *, labels_NK: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Ids, and the labels in the order of the scores."""
    if scores.ids is None or labels.ids is None:
        if len(scores.values_NK) != len(labels_NK):
            raise TableError(
                f"{scores.url} has {len(scores.values_NK)} rows, {labels.url} {len(labels_NK)}: "
                f"without a column {ID} in both, row i of one must be row i of the other"
            )
        ids = scores.ids or labels.ids or tuple(f"row {i}" for i in range(len(labels_NK)))
        return ids, labels_NK
    for saved in (scores, labels):
        name, times = Counter(saved.ids or ()).most_common(1)[0] if saved.ids else ("", 0)
        if times > 1:
            raise TableError(f"{saved.url}: {ID} {name} stands {times} times")
    missing = sorted(set(scores.ids) ^ set(labels.ids))
    if missing:
        raise TableError(
            f"{len(missing)} tracks are in only one of {scores.url} and {labels.url}: "
            f"{', '.join(missing[:SHOWN])}"
        )
    place = {name: row for row, name in enumerate(labels.ids)}
    return scores.ids, labels_NK[[place[name] for name in scores.ids]]


def _zero_or_one(
    labels_NK: NDArray[np.float64], *, url: str, tags: tuple[str, ...]
) -> NDArray[np.bool_]:
    wrong = np.argwhere(~np.isin(labels_NK, (0.0, 1.0)))
    if len(wrong):
        row, column = wrong[0]
        raise TableError(
            f"{url}: row {row} has {labels_NK[row, column]:g} for {tags[column]}; a label is 0 or 1"
        )
    found: NDArray[np.bool_] = labels_NK == 1.0
    return found


def _kind(targets_NK: NDArray[np.bool_]) -> TaskKind:
    if targets_NK.shape[1] == 1:
        return TaskKind.BINARY
    one_each = bool((targets_NK.sum(1) == 1).all())
    return TaskKind.MULTICLASS if one_each else TaskKind.MULTILABEL
