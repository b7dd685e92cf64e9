from __future__ import annotations

import pyarrow as pa
import pytest
from tagged import track, write_tracks

from pipeline.errors import TableError
from pipeline.storage import Storage
from pipeline.tables.training_sources import training_sources


def sources(root, *track_ids: str):
    tracks = pa.table({"track_id": list(track_ids), "split": ["train"] * len(track_ids)})
    return training_sources(str(root), storage=Storage(), tracks=tracks, memory_mb=256)


def test_tracks_are_counted_by_data_set_and_licence_the_most_first(tmp_path):
    rows = [
        track("a", dataset="x", license="CC BY 4.0"),
        track("b", dataset="y", license="CC BY 4.0"),
        track("c", dataset="y", license=None),
        track("d", dataset=None, license=""),
        track("e", dataset="z", license="MIT"),
    ]
    write_tracks(tmp_path, rows)
    found = sources(tmp_path, "a", "b", "c", "d")
    assert list(found.datasets.items()) == [("y", 2), ("not named", 1), ("x", 1)]
    assert list(found.licences.items()) == [("CC BY 4.0", 2), ("not named", 2)]


def test_without_a_catalog_nothing_is_known(tmp_path):
    with pytest.raises(TableError, match="no catalog"):
        sources(tmp_path, "a")
