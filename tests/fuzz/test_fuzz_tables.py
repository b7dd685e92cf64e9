"""Damaged and hostile tables, histories and data sets are read or refused in words."""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from deltalake import DeltaTable
from fuzzed import EDITS, damaged, histories, tracks
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tagged import STORAGE, small_workspace, track, write_tracks

from pipeline.audio.frontend import FRONTENDS
from pipeline.catalog.datasets import Findings, Place
from pipeline.catalog.datasets.known import DATASETS
from pipeline.catalog.sources import LISTING, open_source
from pipeline.catalog.table import TableListing
from pipeline.config import ScanConfig
from pipeline.consumers.recap_files import find_history
from pipeline.consumers.recap_read import read_history
from pipeline.errors import ConfigError, TableError
from pipeline.tables import delta
from pipeline.tables.database import database
from pipeline.tables.features import FeatureReader
from pipeline.tables.views import open_views

SCAN = ScanConfig(dataset=None, extensions=(".wav",), num_threads=1, probe_timeout_s=5)
BOUNDED = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def listed(path: Path) -> int:
    """Rows of a table of tracks."""
    with ThreadPoolExecutor(1) as pool:
        source = open_source(str(path), storage=STORAGE)
        listing = TableListing(source, storage=STORAGE, scan=SCAN, executor=pool)
        batches = list(listing.batches())
    assert all(batch.schema == LISTING for batch in batches)
    return sum(batch.num_rows for batch in batches)


@BOUNDED
@given(ending=st.sampled_from(sorted(tracks())), edits=EDITS)
def test_a_damaged_table_of_tracks_is_read_or_refused_in_words(tmp_path, ending, edits):
    path = tmp_path / f"tracks.{ending}"
    path.write_bytes(tracks()[ending])
    assert listed(path) == 2
    path.write_bytes(damaged(tracks()[ending], edits))
    with suppress(ConfigError):
        listed(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@BOUNDED
@given(name=st.sampled_from(["uri", "track_id", "labels", "year", "split", "other"]), value=JSON)
@example(name="labels", value=[1])
@example(name="uri", value="\x00")
@example(name="uri", value="\ud800")
@example(name="title", value="\ud800")
@example(name="uri", value="x://y")
@example(name="uri", value="a::b://c")
def test_any_value_in_a_table_of_tracks_is_read_or_refused_in_words(tmp_path, name, value):
    path = tmp_path / "tracks.jsonl"
    path.write_text(json.dumps({"uri": "t1.wav"} | {name: value}) + "\n")
    with suppress(ConfigError):
        assert listed(path) == 1


@pytest.mark.parametrize("line", ["[" * 5000, '{"uri": ' + "9" * 5000 + "}", "{}", "null"])
def test_what_json_cannot_hold_is_refused_in_words(tmp_path, line):
    (tmp_path / "tracks.jsonl").write_text(line + "\n")
    with pytest.raises(ConfigError):
        listed(tmp_path / "tracks.jsonl")


@pytest.mark.parametrize(
    "uri",
    [
        "https://me:hunter2@h/a.mp3",
        "s3://key:hunter2@b/a.mp3",
        "https://b.s3.amazonaws.com/a.mp3?X-Amz-Signature=hunter2",
    ],
)
def test_a_uri_with_a_password_is_refused_and_not_shown(tmp_path, uri):
    (tmp_path / "tracks.jsonl").write_text(json.dumps({"uri": uri}) + "\n")
    with pytest.raises(ConfigError, match=r"row 1 of .* holds a password") as error:
        listed(tmp_path / "tracks.jsonl")
    assert "hunter2" not in str(error.value)


@BOUNDED
@given(name=st.sampled_from(sorted(histories())), edits=EDITS)
def test_a_damaged_history_is_read_or_refused_in_words(tmp_path, name, edits):
    path = tmp_path / name
    path.write_bytes(damaged(histories()[name], edits))
    with suppress(ConfigError), database(memory_mb=200) as connection:
        files = find_history(str(path), storage=STORAGE)
        found = read_history(
            connection,
            files=files,
            storage=STORAGE,
            timezone="UTC",
            stage_path=str(tmp_path / "stage.parquet"),
        )
        assert found.rows >= sum(found.faults.values())


DATA = {
    "audioset": ("class_labels_indices.csv", "balanced_train_segments.csv", "ontology.json"),
    "fma": ("fma_metadata/tracks.csv", "fma_metadata/genres.csv"),
    "gtzan": ("train_filtered.txt", "valid_filtered.txt", "test_filtered.txt"),
    "magnatagatune": ("annotations_final.csv", "clip_info_final.csv", "split/mtat/train.npy"),
    "msd-lastfm": ("lastfm_tags.db", "unique_tracks.txt", "sid_mismatches.txt"),
    "mtg-jamendo": ("data/splits/split-0/autotagging-train.tsv", "data/raw.meta.tsv"),
    "nsynth": ("nsynth-train/examples.json",),
}
TEXTS = (
    *("", "\0", "\ufeff", "a,b\n1,2\n", '"', '{"a": {"b": 1}}', "[" * 3000, "[[[", "\r", "\x85"),
    *("TRACK_ID\tPATH\n1\t2\n", "index,mid,display_name\n0,/m/1,x\n", "..\n../../x\n"),
    *("clip_id\tmp3_path\n1\t../../x.mp3\n", "genre_id,title\nx,y\n", "/etc/passwd\n", "9" * 5000),
)


@BOUNDED
@given(name=st.sampled_from(sorted(DATASETS)), data=st.data())
def test_a_data_set_of_other_files_is_refused_in_words(tmp_path, name, data):
    for file in DATA[name]:
        path = tmp_path / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = data.draw(st.sampled_from(TEXTS).map(str.encode) | st.binary(max_size=40))
        path.write_bytes(text)
    place = Place(url=str(tmp_path / name), name=None, storage=STORAGE)
    with suppress(ConfigError):
        for row in DATASETS[name].read(place, Findings()):
            assert row.track_id


@pytest.mark.parametrize(
    "path", ["../../outside.parquet", "..%2F..%2Foutside.parquet", "x/../../../outside.parquet"]
)
def test_a_log_that_names_a_file_outside_its_table_is_refused(tmp_path, path):
    """Delta's protocol lets a log name any file; the views would show what it holds."""
    root = tmp_path / "ws"
    small_workspace(root)
    write_tracks(tmp_path / "other", [track("secret")])
    (part,) = delta.file_uris(DeltaTable(str(tmp_path / "other" / "catalog")))
    (tmp_path / "outside.parquet").write_bytes(Path(part).read_bytes())
    log = root / "catalog" / "_delta_log"
    add = {"path": path, "partitionValues": {}, "size": 9, "modificationTime": 1}
    line = json.dumps({"add": add | {"dataChange": True}})
    (log / f"{len(list(log.glob('*.json'))):020d}.json").write_text(line)
    with (
        pytest.raises(TableError, match="outside the table: it was tampered with"),
        open_views(str(root), storage=STORAGE, memory_mb=200),
    ):
        pass


@pytest.mark.parametrize("part", ["../tags/x.parquet", "/etc/passwd", "a/../../x"])
def test_a_feature_index_that_names_a_part_outside_is_refused(tmp_path, part):
    spec = FRONTENDS["sota-mel96"]
    reader = FeatureReader(str(tmp_path), storage=STORAGE, spec=spec)
    with pytest.raises((TableError, FileNotFoundError)) as error:
        reader.mel(part=part, first_row=0, num_rows=1, num_frames=1)
    assert part.startswith("/") or "is outside" in str(error.value)


def test_a_zip_of_a_zip_of_names_writes_below_its_scratch_alone(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("../x.jsonl", "/tmp/../x.jsonl", "a/../../x.jsonl"):
            archive.writestr(name, histories()["table.jsonl"])
    before = sorted(tmp_path.parent.rglob("*"))
    assert find_history(str(tmp_path / "a.zip"), storage=STORAGE).num_files == 3
    assert sorted(tmp_path.parent.rglob("*")) == before
