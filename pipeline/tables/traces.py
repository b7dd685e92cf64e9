"""Files of a workspace that still name a track: the proof after `earmark forget`.

Of Parquet every text in every column is read, and the statistics of its footer; of all else the
bytes, as they stand and as JSON writes them. SQLite's pages and Delta's logs are plain bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.storage import Storage

BATCH_ROWS = 8_192
_EDGE = r"[^A-Za-z0-9_.-]"
"""What may stand beside a whole name: `t1` is not named by `t10`, `t1-b` or `t1.x`."""
_AFTER = rf"(?:$|{_EDGE}|\.[A-Za-z0-9]{{0,5}}(?:$|{_EDGE}))"
"""A name may have a file's ending, or end a sentence."""


@dataclass(frozen=True)
class Traces:
    """What was read, and where something is left.

    Attributes:
        num_files: files that were read.
        paths: those that name a track, below the workspace.
    """

    num_files: int
    paths: tuple[str, ...]


def traces(names: Sequence[str], *, root_url: str, storage: Storage) -> Traces:
    """Reads every file of the workspace for the names.

    Args:
        names: track ids and URIs.
        root_url: the workspace.
        storage: how to reach it.
    """
    pattern = name_pattern(names)
    found, num_files = [], 0
    for entry in storage.walk(root_url):
        num_files += 1
        if entry.url.endswith(".parquet"):
            named = _in_parquet(entry.url, pattern=pattern, storage=storage)
        else:
            named = bool(re.search(pattern.encode(), storage.read(entry.url)))
        if named:
            found.append(entry.url.removeprefix(root_url).lstrip("/"))
    return Traces(num_files, tuple(found))


def name_pattern(names: Sequence[str]) -> str:
    """A pattern, for Python and RE2, of any of the names as a whole, plain or as JSON writes it."""
    forms = [
        form
        for name in names
        for form in (name, json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1])
    ]
    return rf"(?:^|{_EDGE})(?:{'|'.join(map(re.escape, dict.fromkeys(forms)))}){_AFTER}"


def _in_parquet(url: str, *, pattern: str, storage: Storage) -> bool:
    filesystem, path = storage.arrow_filesystem(url)
    with filesystem.open_input_file(path) as source:
        file = pq.ParquetFile(source)
        if any(re.search(pattern, text) for text in _footer(file)):
            return True
        schema = file.schema_arrow
        columns = [field.name for field in schema if _is_text(field.type)]
        if not columns:
            return False
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            for column in batch.columns:
                hits = pc.sum(pc.match_substring_regex(_flat(column), pattern)).as_py()
                if hits:
                    return True
    return False


def _footer(file: pq.ParquetFile) -> Iterator[str]:
    metadata = file.metadata
    for name, value in (metadata.metadata or {}).items():
        if name != b"ARROW:schema":
            yield value.decode(errors="replace")
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            facts = metadata.row_group(group).column(column).statistics
            if facts is not None and facts.has_min_max and isinstance(facts.min, str):
                yield from (facts.min, facts.max)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_text(kind.value_type)
    if pa.types.is_map(kind):
        return _is_text(kind.key_type) or _is_text(kind.item_type)
    if pa.types.is_struct(kind):
        return any(_is_text(field.type) for field in kind)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _flat(column: pa.Array) -> pa.Array:
    """All texts of a column; nested ones as JSON."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column
    if pa.types.is_list(column.type):
        return _flat(column.flatten())
    return pa.array([json.dumps(value, default=str) for value in column.to_pylist()], pa.string())
