"""The embeddings of a scoring in a local, memory-mapped file, and the tracks nearest to one.

The ledger keeps embeddings among all else that is known of a result, packed. They are read from it
once, in the versions of the audio that the views show, and written as unit vectors in float16 (2
bytes a value: 1.5 GB for a million tracks of 753). The file's name holds a hash of the files of
`results` and `catalog` that it was made from, so a table that has changed has a file of its own;
the one before is removed.

Shapes: N tracks, E values of an embedding.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import ColumnExpression, ConstantExpression, DuckDBPyConnection
from filelock import FileLock
from numpy.typing import NDArray

from pipeline.consumers.nearest import nearest_rows, unit_vectors
from pipeline.errors import TableError, UserError
from pipeline.store_faults import FULL

BATCH_ROWS = 8_192
SOURCES = ("results", "catalog")
VECTORS, TRACKS = "vectors.f16", "tracks.arrow"
TRACK_FIELDS = pa.schema([("track_id", pa.string()), ("place", pa.int32()), ("usable", pa.bool_())])


@dataclass(frozen=True)
class Neighbours:
    """Embeddings of a scoring, by row.

    Attributes:
        ids: track_id of each row.
        places_N: of each row in the order of the ids.
        usable_N: rows with an embedding, of tracks that the catalog has.
        vectors_NE: unit vectors.
    """

    ids: pa.Array
    places_N: NDArray[np.int32]
    usable_N: NDArray[np.bool_]
    vectors_NE: NDArray[np.float16]

    def vector(self, track_id: str) -> NDArray[np.float32]:
        """A track's unit vector (E,).

        Raises:
            UserError: the track has no embedding.
        """
        row = int(pc.index(self.ids, pa.scalar(track_id)).as_py())
        if row < 0 or not self.usable_N[row]:
            raise UserError(
                f"track {track_id} has no embedding of this model: it has not been tagged by it, "
                "or failed; `earmark show` tells"
            )
        return np.asarray(self.vectors_NE[row], np.float32)

    def having(self, track_ids: Iterable[str] | pa.Array) -> NDArray[np.bool_]:
        """Which rows are of these tracks (N,): a filter for `nearest`."""
        given = track_ids if isinstance(track_ids, pa.Array) else pa.array(track_ids, pa.string())
        mask_N: NDArray[np.bool_] = pc.is_in(self.ids, value_set=given).to_numpy(
            zero_copy_only=False
        )
        return mask_N

    def nearest(
        self,
        query_E: NDArray[np.floating],
        *,
        limit: int,
        allowed_N: NDArray[np.bool_] | None = None,
    ) -> pa.Table:
        """The tracks nearest to a vector: track_id and similarity (cosine), best first.

        The order is exact for the stored vectors; of equal ones the lower track_id comes first.
        Storing moves a similarity by about 1e-5, at most 5e-4 (half a unit in the last place).

        Args:
            query_E: of any length; zeros have no neighbours.
            limit: tracks at most.
            allowed_N: rows that may be found, as `having` gives them; None: all.

        Raises:
            ValueError: the vector has another number of values.
        """
        if query_E.shape != self.vectors_NE.shape[1:]:
            raise ValueError(f"vector of shape {query_E.shape} among {self.vectors_NE.shape}")
        allowed_N = self.usable_N if allowed_N is None else self.usable_N & allowed_N
        if not np.any(unit_vectors(query_E)):
            allowed_N = np.zeros_like(allowed_N)
        rows, found = nearest_rows(
            self.vectors_NE, query_E, limit=limit, order_N=self.places_N, allowed_N=allowed_N
        )
        columns = [self.ids.take(pa.array(rows)), pa.array(found, pa.float32())]
        return pa.table(columns, names=["track_id", "similarity"])


def open_neighbours(
    connection: DuckDBPyConnection, *, scoring_id: str, folder: str | None = None
) -> Neighbours:
    """The embeddings of a scoring; its local file is made if it is not there.

    Args:
        connection: from `open_views`.
        scoring_id: whose embeddings.
        folder: of this machine, for the files; None: below the system's temporary folder.

    Raises:
        TableError: the scoring has no embeddings, or of different lengths.
        UserError: the disk of the folder is full.
    """
    home = Path(folder) if folder else Path(tempfile.gettempdir()) / "earmark-neighbours"
    home.mkdir(parents=True, exist_ok=True)
    workspace, version = _hashes(connection)
    prefix = f"{workspace}-{scoring_id}"
    path = home / f"{prefix}-{version}"
    with FileLock(home / f"{prefix}.lock"):
        if not path.exists():
            _write(connection, scoring_id=scoring_id, path=path)
            for old in home.glob(f"{prefix}-*"):
                if old != path:
                    shutil.rmtree(old, ignore_errors=True)
        return _read(path)


def _hashes(connection: DuckDBPyConnection) -> tuple[str, str]:
    """Of the workspace's place, and of the files that the session reads the embeddings from.

    Files are never changed, so their names tell the content; and no other commit can come between
    the name and what is read.
    """
    ((files,),) = connection.execute("SELECT current_setting('allowed_paths')").fetchall()
    read = sorted(file for file in files if file.split("/")[-2] in SOURCES)
    place = read[0].rpartition("/")[0] if read else ""
    return _hash([place]), _hash(read)


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _write(connection: DuckDBPyConnection, *, scoring_id: str, path: Path) -> None:
    """Written under another name first: a folder that is there is whole."""
    unfinished = path.with_name(path.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        ids, usable_N = _write_vectors(connection, scoring_id=scoring_id, path=unfinished / VECTORS)
        listed = connection.sql("SELECT track_id FROM tracks").to_arrow_table()["track_id"]
        usable_N &= pc.is_in(ids, value_set=listed.combine_chunks()).to_numpy(zero_copy_only=False)
        places_N = np.empty(len(ids), np.int32)
        places_N[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids), dtype=np.int32)
        tracks = pa.table([ids, places_N, usable_N], schema=TRACK_FIELDS)
        target = str(unfinished / TRACKS)
        with pa.OSFile(target, "wb") as file, pa.ipc.new_file(file, TRACK_FIELDS) as writer:
            writer.write_table(tracks)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if error.errno not in FULL:
            raise
        raise UserError(
            f"the disk of {path.parent} is full: {error}. The embeddings take 2 bytes a value "
            "there; make room, or give a folder on a larger disk (runtime.cache)"
        ) from error
    unfinished.replace(path)


def _write_vectors(
    connection: DuckDBPyConnection, *, scoring_id: str, path: Path
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Writes the unit vectors; gives the ids of the rows, and which have a length."""
    shown = connection.view("source.shown")
    mine = shown.filter(ColumnExpression("scoring_id") == ConstantExpression(scoring_id))
    rows = mine.filter("len(embedding) > 0").select("track_id", "embedding")
    ids: list[pa.Array] = []
    usable: list[NDArray[np.bool_]] = []
    width = 0
    with path.open("wb") as file:
        for batch in rows.to_arrow_reader(BATCH_ROWS):
            vectors_NE = _matrix(batch["embedding"], scoring_id=scoring_id, width=width)
            width = vectors_NE.shape[1]
            units_NE = unit_vectors(vectors_NE)
            file.write(units_NE.astype(np.float16).tobytes())
            ids.append(batch["track_id"].cast(pa.string()))
            usable.append(np.any(units_NE != 0, axis=1))
    if not ids:
        raise TableError(f"scoring {scoring_id} has no embeddings in the ledger: run earmark tag")
    return pa.concat_arrays(ids), np.concatenate(usable)


def _matrix(embeddings: pa.Array, *, scoring_id: str, width: int) -> NDArray[np.float32]:
    """The lists as rows (N, E); `width` is E of the batches before, 0 of the first."""
    found: list[int] = pc.unique(pc.list_value_length(embeddings)).to_pylist()
    lengths = sorted({*found, width} - {0})
    if len(lengths) > 1:
        raise TableError(
            f"scoring {scoring_id} has embeddings of {' and '.join(map(str, lengths))} values: one "
            "model gives one length, so its rows were not written by one bundle"
        )
    values: NDArray[np.float32] = embeddings.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(-1, lengths[0])


def _read(path: Path) -> Neighbours:
    with pa.memory_map(str(path / TRACKS)) as file:
        tracks = pa.ipc.open_file(file).read_all().combine_chunks()
    num = tracks.num_rows
    # Copy on write: torch warns of memory that it must not write to, which it does not.
    vectors = np.memmap(path / VECTORS, dtype=np.float16, mode="c")
    return Neighbours(
        ids=tracks["track_id"].combine_chunks(),
        places_N=tracks["place"].to_numpy(),
        usable_N=tracks["usable"].to_numpy(),
        vectors_NE=vectors.reshape(num, -1),
    )
