import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.catalog import scan as module
from pipeline.catalog.scan import Effect, open_catalog, remove_source
from pipeline.errors import ConfigError, DataError, Reason, TableError
from pipeline.schemas import CATALOG
from pipeline.storage import Storage


@pytest.fixture
def rows(root):
    """The catalog's rows by uri, relative to a folder."""

    def run(folder):
        table = open_catalog(str(root), storage=Storage()).to_pyarrow_table()
        found = sorted(table.to_pylist(), key=lambda row: (row["uri"], row["occurrence"]))
        return [row | {"uri": os.path.relpath(row["uri"], folder)} for row in found]

    return run


@pytest.fixture
def take_out(root):
    return lambda source: remove_source(str(source), root_url=str(root), storage=Storage())


def version(root):
    return open_catalog(str(root), storage=Storage()).version()


def counts(report):
    return {
        name: value
        for name in ("new", "changed", "unchanged", "gone")
        if (value := getattr(report, name))
    }


def test_the_first_scan_writes_a_row_for_each_track(scan, music, rows):
    report = scan(music)
    assert counts(report) == {"new": 3}
    assert report.audio_s == pytest.approx(1.5)
    first = rows(music)[0]
    assert first["uri"] == "a/one.wav"
    assert first["source_url"] == str(music)
    assert (first["codec"], first["sample_rate_hz"]) == ("pcm_16", 8_000)
    assert first["scanned_at"] is not None


def test_the_table_tells_what_its_columns_mean(scan, music, root):
    scan(music)
    fields = open_catalog(str(root), storage=Storage()).schema().fields
    assert [field.name for field in fields] == CATALOG.names
    assert all(field.metadata["comment"] for field in fields)


@pytest.mark.parametrize("metadata", [{}, {"comment": "words of another version"}])
def test_a_catalog_whose_columns_have_other_comments_is_scanned_into(
    scan, music, root, rows, metadata
):
    other = pa.schema([field.with_metadata(metadata) for field in CATALOG])
    DeltaTable.create(f"{root}/catalog", other)
    scan(music)
    assert len(rows(music)) == 3


def test_scanning_again_changes_nothing(scan, music, root, monkeypatch):
    scan(music)
    before = version(root)
    report = scan(music)
    assert counts(report) == {"unchanged": 3}
    assert not report.committed
    assert version(root) == before


def test_only_what_is_new_or_changed_is_read(scan, music, make_wave, monkeypatch):
    scan(music)
    make_wave(music / "a/one.wav", seconds=1.0)
    make_wave(music / "c/new.wav")
    read = []
    probe_batches = module.probe_batches

    def watched(batches, **options):
        for batch in batches:
            read.extend(batch["uri"].to_pylist())
            yield from probe_batches(iter([batch]), **options)

    monkeypatch.setattr(module, "probe_batches", watched)
    report = scan(music)
    assert counts(report) == {"new": 1, "changed": 1, "unchanged": 2}
    assert [os.path.relpath(uri, music) for uri in read] == ["a/one.wav", "c/new.wav"]


def test_a_changed_file_has_its_new_facts_and_the_others_stay(scan, music, make_wave, rows):
    scan(music)
    before = rows(music)
    make_wave(music / "a/one.wav", seconds=1.0)
    scan(music)
    after = rows(music)
    assert [row["duration_s"] for row in after] == [1.0, 0.5, 0.5]
    assert after[0]["track_id"] == before[0]["track_id"]
    assert after[1:] == before[1:]


def test_a_file_that_is_gone_loses_its_row(scan, music, rows):
    scan(music)
    (music / "a/two.wav").unlink()
    assert counts(scan(music)) == {"unchanged": 2, "gone": 1}
    assert [row["uri"] for row in rows(music)] == ["a/one.wav", "b/one.wav"]


def test_a_folder_that_is_suddenly_empty_removes_nothing(scan, music, rows):
    scan(music)
    shutil.move(music, music.with_name("unmounted"))
    music.mkdir()
    with pytest.raises(ConfigError, match="holds no audio"):
        scan(music)
    assert len(rows(music)) == 3


def test_an_unreadable_file_is_a_row_with_its_reason(scan, music, rows):
    (music / "a/bad.mp3").write_text("<html>404 Not Found</html>")
    report = scan(music)
    assert [(each.reason, each.num_tracks) for each in report.unreadable] == [("not_audio", 1)]
    bad = rows(music)[0]
    assert (bad["uri"], bad["reason"], bad["codec"]) == ("a/bad.mp3", "not_audio", None)
    assert counts(scan(music)) == {"unchanged": 4}


def test_a_fault_of_the_store_is_tried_again(scan, music, rows, monkeypatch):
    def fail(uri, **options):
        raise DataError(Reason.FETCH_FAILED, "the store went away")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.catalog.probe.probe", fail)
        assert counts(scan(music)) == {"new": 3}
        assert counts(scan(music)) == {"unchanged": 3}
    assert {row["reason"] for row in rows(music)} == {"fetch_failed"}
    assert counts(scan(music)) == {"changed": 3}
    assert {row["reason"] for row in rows(music)} == {None}


def test_what_a_table_says_stands_before_the_files_own_tags(scan, music, rows):
    table = music / "tracks.csv"
    table.write_text("uri,track_id,artist,labels,split\na/one.wav,t1,A Band,genre---pop,train\n")
    scan(table)
    (row,) = rows(music)
    assert (row["track_id"], row["artist"], row["labels"]) == ("t1", "A Band", ["genre---pop"])
    assert (row["split"], row["codec"]) == ("train", "pcm_16")


@pytest.mark.parametrize("values", ["A Band,genre---rock", "Another,genre---pop", "A Band,"])
def test_a_new_value_in_the_table_changes_the_row(scan, music, values):
    table = music / "tracks.csv"
    table.write_text("uri,artist,labels\na/one.wav,A Band,genre---pop\nb/one.wav,A Band,\n")
    scan(table)
    table.write_text(f"uri,artist,labels\na/one.wav,{values}\nb/one.wav,A Band,\n")
    assert counts(scan(table)) == {"changed": 1, "unchanged": 1}
    assert counts(scan(table)) == {"unchanged": 2}


def test_a_missing_file_of_a_table_is_read_once_it_is_there(scan, music, make_wave, rows):
    table = music / "tracks.csv"
    table.write_text("uri\na/one.wav\nlate.wav\n")
    scan(table)
    assert [row["reason"] for row in rows(music)] == [None, "missing"]
    make_wave(music / "late.wav")
    assert counts(scan(table)) == {"changed": 1, "unchanged": 1}
    assert [row["reason"] for row in rows(music)] == [None, None]


def test_two_rows_of_one_id_both_stay_and_are_reported(scan, music, rows):
    table = music / "tracks.csv"
    table.write_text("uri,track_id\na/one.wav,x\nb/one.wav,x\na/one.wav,x\na/two.wav,y\n")
    report = scan(table)
    assert report.num_duplicates == 1
    ((track_id, uris),) = report.duplicates
    assert (track_id, len(uris)) == ("x", 3)
    assert [row["occurrence"] for row in rows(music)] == [0, 2, 0, 1]
    assert counts(scan(table)) == {"unchanged": 4}


def test_sources_that_share_relative_paths_are_told_to_take_names(scan, music, rows):
    copy = music.with_name("copy")
    shutil.copytree(music, copy)
    scan(music)
    report = scan(copy)
    assert report.num_duplicates == 3
    assert "--set scan.dataset=NAME" in "\n".join(report.lines())
    assert sorted(row["occurrence"] for row in rows(music)) == [0, 0, 0, 1, 1, 1]
    assert scan(copy, dataset="copy").num_duplicates == 0
    assert len(rows(music)) == 6


def test_sources_that_overlap_are_reported(scan, music):
    scan(music)
    report = scan(music / "a")
    assert (report.num_shared, report.sharing) == (2, (str(music),))


def test_a_source_with_a_quote_in_its_name_is_a_source(scan, music, rows):
    folder = music.with_name("Rock 'n' Roll")
    shutil.move(music, folder)
    assert counts(scan(folder)) == {"new": 3}
    assert counts(scan(folder)) == {"unchanged": 3}


def test_a_scan_that_only_shows_writes_nothing(scan, music, make_wave, root, rows):
    assert counts(scan(music, effect=Effect.SHOW)) == {"new": 3}
    assert not root.exists()
    scan(music)
    before, known = version(root), rows(music)
    make_wave(music / "new.wav")
    (music / "a/two.wav").unlink()
    assert counts(scan(music, effect=Effect.SHOW)) == {"new": 1, "unchanged": 2, "gone": 1}
    assert (version(root), rows(music)) == (before, known)


def test_a_source_can_be_taken_out(scan, take_out, music, rows):
    scan(music)
    scan(music / "a", dataset="a")
    assert take_out(music / "a") == 2
    assert {row["source_url"] for row in rows(music)} == {str(music)}


def test_a_scan_that_fails_leaves_the_catalog_as_it_was(scan, music, root, monkeypatch):
    scan(music)
    before = version(root)
    (music / "a/one.wav").unlink()

    def fail(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(module.changes, "finish", fail)
    with pytest.raises(MemoryError):
        scan(music)
    assert version(root) == before


@pytest.fixture
def between(monkeypatch):
    """Does something once, when the next scan is about to commit."""

    def arrange(act):
        make_report = module.make_report

        def and_act(*arguments, **options):
            monkeypatch.setattr(module, "make_report", make_report)
            report = make_report(*arguments, **options)
            act()
            return report

        monkeypatch.setattr(module, "make_report", and_act)

    return arrange


def test_of_two_scans_of_one_source_the_later_commit_is_refused(scan, music, make_wave, between):
    scan(music)
    make_wave(music / "new.wav")
    between(lambda: scan(music))
    with pytest.raises(TableError, match=r"another scan of .* committed"):
        scan(music)
    assert counts(scan(music)) == {"unchanged": 4}


def test_sources_whose_long_urls_differ_at_the_end_alone_do_not_refuse_each_other(
    scan, take_out, music, between, make_wave
):
    """Bug: the ranges of Delta's files hold 64 signs of them, by which they are the same source."""
    alike = music / ("x" * 120)
    a, b, c = (alike / name for name in ("a", "b's", "c"))
    for folder in (a, b, c):
        make_wave(folder / "one.wav")
    scan(a)
    between(lambda: (scan(c), take_out(c), scan(c)))
    assert scan(b).new == 1
    assert [counts(scan(folder)) for folder in (a, b, c)] == [{"unchanged": 1}] * 3


def test_a_source_that_is_removed_while_it_is_scanned_is_not_put_back_unseen(
    scan, take_out, music, between, make_wave
):
    scan(music)
    make_wave(music / "new.wav")
    between(lambda: take_out(music))
    with pytest.raises(TableError, match=r"another scan of .* committed"):
        scan(music)


def test_two_sources_can_be_scanned_at_once(scan, music):
    scan(music / "a")
    shutil.copytree(music, music.with_name("other"))
    sources = [music / "b", music.with_name("other")]
    with ThreadPoolExecutor(2) as executor:
        assert [report.new for report in executor.map(scan, sources)] == [1, 3]
    assert [counts(scan(source)) for source in sources] == [{"unchanged": 1}, {"unchanged": 3}]


def test_progress_ends_at_the_number_of_headers(root, music, scan_config):
    seen = []
    module.scan_into_catalog(
        str(music),
        root_url=str(root),
        storage=Storage(),
        scan=scan_config,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (3, 3)


def test_a_source_on_another_store_is_scanned(scan, music):
    memory = fsspec.filesystem("memory")
    memory.pipe("/remote/x/one.wav", (music / "a/one.wav").read_bytes())
    report = scan("memory://remote")
    assert (counts(report), report.audio_s) == ({"new": 1}, 0.5)


def test_a_folder_with_other_files_is_no_place_for_a_catalog(scan, music, root):
    (root / "catalog").mkdir(parents=True)
    (root / "catalog" / "notes.txt").write_text("mine")
    with pytest.raises(TableError, match=r"notes\.txt"):
        scan(music)


def test_a_table_with_other_columns_is_no_catalog(scan, music, root):
    write_deltalake(str(root / "catalog"), pa.table({"x": [1]}))
    with pytest.raises(TableError, match="other columns"):
        scan(music)


def test_a_source_that_cannot_be_used_makes_no_table(scan, tmp_path, root):
    with pytest.raises(ConfigError):
        scan(tmp_path / "nowhere")
    assert not DeltaTable.is_deltatable(str(root / "catalog"))


def test_a_workspace_without_a_catalog_says_what_to_do(root):
    with pytest.raises(TableError, match="run earmark catalog SOURCE"):
        open_catalog(str(root), storage=Storage())
