from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tagged import STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks
from workspace import CONF, write_tones

from pipeline import config
from pipeline.config_file_tags import FileTagsJob
from pipeline.consumers import file_tags_copy
from pipeline.consumers.file_tags import CopyReport, write_tags
from pipeline.consumers.file_tags_list import CopyStatus
from pipeline.errors import ConfigError
from pipeline.storage import Storage
from pipeline.tables.tags import publish
from pipeline.taxonomy import Taxonomy

mutagen = pytest.importorskip("mutagen")

HEARD = Taxonomy("heard", ("genre---rock", "voice---sung"))


def version(path: Path) -> str:
    return STORAGE.stat(str(path)).version


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def place(tmp_path):
    """Eight tones of four formats, a text that is no audio, one not scored, one that is gone."""
    music = tmp_path / "music"
    write_tones(music / "album", num_tracks=8, seconds=0.5)
    (music / "notes.xyz").write_text("no audio, but in the catalog")
    files = [*sorted((music / "album").iterdir()), music / "notes.xyz"]
    rows = [
        {"uri": str(path), "source_url": str(music), "audio_version": version(path)}
        for path in files
    ]
    tracks = [track(f"t{i:03d}", **row) for i, row in enumerate(rows)]
    gone = {"uri": f"{music}/gone.mp3", "source_url": str(music), "audio_version": "v"}
    write_tracks(tmp_path / "ws", [*tracks, track("t009", **gone)])
    write_scorings(tmp_path / "ws", scoring("s1", HEARD, (0.5, 0.5)))
    scored = [t for t in tracks if t["track_id"] != "t007"]
    write_results(
        tmp_path / "ws",
        [
            ok(t["track_id"], [0.9, 0.1 + i / 10], version=t["audio_version"])
            for i, t in enumerate(scored)
        ],
    )
    publish(str(tmp_path / "ws"), storage=STORAGE, memory_mb=200)
    return tmp_path


def job(place: Path, *overrides: str, output: Path | str | None = None) -> FileTagsJob:
    where = place / "copies" if output is None else output
    here = (f"workspace.root_url={place / 'ws'}", f"write_tags.output={where}")
    return config.load(FileTagsJob, CONF / "write-tags.yaml", overrides=(*here, *overrides))


def run(place: Path, *overrides: str, output: Path | str | None = None) -> CopyReport:
    return write_tags(job(place, *overrides, output=output), say=lambda line: None)


def test_every_copy_decodes_as_its_original_has_the_tags_and_no_original_changes(place):
    before = hashes(place / "music")
    stats = {path: path.stat().st_mtime_ns for path in (place / "music").rglob("*")}
    report = run(place)
    assert report.counts[CopyStatus.TAGGED, ""] == 7
    assert hashes(place / "music") == before
    assert {path: path.stat().st_mtime_ns for path in stats} == stats
    for path in sorted((place / "music" / "album").iterdir()):
        copy = place / "copies" / "album" / path.name
        assert np.array_equal(soundfile.read(copy)[0], soundfile.read(path)[0])
    tags = mutagen.File(place / "copies" / "album" / "t002.flac").tags
    assert tags["EARMARK_TAGS"] == ["genre---rock"]
    assert tags["EARMARK_MODEL"] == ["net-s1@0123456789ab"]


def test_what_gets_no_tags_is_copied_unchanged_and_listed_with_the_reason(place):
    report = run(place)
    assert report.counts[CopyStatus.UNCHANGED, "unknown_format"] == 1
    assert report.counts[CopyStatus.UNCHANGED, "not_tagged"] == 1
    assert report.counts[CopyStatus.FAILED, "missing"] == 1
    music, copies = hashes(place / "music"), hashes(place / "copies")
    assert copies["notes.xyz"] == music["notes.xyz"]
    assert copies["album/t007.mp3"] == music["album/t007.mp3"]
    lines = [
        json.loads(line)
        for path in (place / "copies" / "earmark-copies").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert {line["track_id"] for line in lines} == {f"t{i:03d}" for i in range(10)}
    assert "notes.xyz: unknown_format" in report.text()


def test_run_again_it_makes_only_what_is_missing(place):
    run(place)
    made = place / "copies" / "album"
    first = {path.name: path.stat().st_ino for path in made.iterdir()}
    (made / "t003.flac").unlink()
    report = run(place)
    assert report.num_done == 8
    assert report.counts[CopyStatus.TAGGED, ""] == 1
    again = {path.name: path.stat().st_ino for path in made.iterdir()}
    assert {name for name in first if first[name] != again[name]} <= {"t003.flac"}
    assert (made / "t003.flac").exists()


def test_other_tags_and_another_rule_are_written_anew(place):
    run(place)
    report = run(place, "write_tags.top=1", "write_tags.minimum=0.0")
    assert report.counts[CopyStatus.TAGGED, ""] == 7
    tags = mutagen.File(place / "copies" / "album" / "t002.flac").tags
    assert tags["EARMARK_RULE"] == ["score of at least 0, best 1"]


def test_a_job_that_dies_on_the_way_leaves_whole_copies_and_goes_on(place, monkeypatch):
    calls: list[str] = []
    real = Storage.put

    def dies(self: Storage, path: str, url: str) -> None:
        calls.append(url)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(self, path, url)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", dies)
        with pytest.raises(KeyboardInterrupt):
            run(place, "runtime.num_threads=1")
    copies = [path for path in (place / "copies").rglob("t*") if path.is_file()]
    for copy in copies:
        original = place / "music" / copy.relative_to(place / "copies")
        assert np.array_equal(soundfile.read(copy)[0], soundfile.read(original)[0])
    assert not list((place / "copies").rglob("*.part"))
    run(place)
    assert len(list((place / "copies" / "album").iterdir())) == 8


def test_an_original_that_changed_since_the_scan_is_not_copied(place):
    path = place / "music" / "album" / "t000.wav"
    path.write_bytes(path.read_bytes() + b"\0\0")
    os.utime(path, (1, 1))
    report = run(place)
    assert report.counts[CopyStatus.FAILED, "changed"] == 1
    assert not (place / "copies" / "album" / "t000.wav").exists()


def test_scores_of_an_older_version_of_the_file_are_not_written(place):
    path = place / "music" / "album" / "t001.wav"
    soundfile.write(path, np.zeros(9000, np.float32), 16_000)
    facts = {"uri": str(path), "source_url": str(place / "music"), "audio_version": version(path)}
    write_tracks(place / "ws2", [track("t001", **facts)])
    write_scorings(place / "ws2", scoring("s1", HEARD, (0.5, 0.5)))
    write_results(place / "ws2", [ok("t001", [0.9, 0.9], version="older")])
    publish(str(place / "ws2"), storage=STORAGE, memory_mb=200)
    report = run(place, f"workspace.root_url={place / 'ws2'}")
    assert report.counts == {(CopyStatus.UNCHANGED, "not_tagged"): 1}


@pytest.mark.parametrize("below", ["music", "music/new", "music/album", "."])
def test_an_output_among_the_originals_is_refused(place, below):
    before = hashes(place / "music")
    with pytest.raises(ConfigError, match=r"originals|was scanned"):
        run(place, output=place / below)
    assert hashes(place / "music") == before


def test_an_output_that_leads_there_by_a_link_is_refused(place):
    (place / "link").symlink_to(place / "music")
    with pytest.raises(ConfigError, match=r"originals|was scanned"):
        run(place, output=place / "link" / "new")
    (place / "copies" / "earmark-copies").mkdir(parents=True)
    (place / "copies" / "earmark-copies" / "about.json").write_text("{}")
    (place / "copies" / "album").symlink_to(place / "music" / "album")
    with pytest.raises(ConfigError, match="is the original"):
        run(place)


def test_an_output_with_other_files_is_refused_and_left(place):
    (place / "copies").mkdir()
    (place / "copies" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no copies of earmark write-tags"):
        run(place)
    assert hashes(place / "copies").keys() == {"mine.txt"}


def test_a_model_without_thresholds_needs_a_rule(place):
    write_scorings(place / "ws", scoring("s2", Taxonomy("plain", ("genre---rock",))))
    write_results(place / "ws", [ok("t000", [0.5], by="s2", version="x")])
    publish(str(place / "ws"), storage=STORAGE, memory_mb=200)
    with pytest.raises(ConfigError, match=r"net-s2@0123456789ab has no thresholds. Give --top"):
        run(place)
    assert run(place, "write_tags.models=[heard]").counts[CopyStatus.TAGGED, ""] == 7


def test_two_tracks_of_one_place_are_told_and_the_first_keeps_it(place):
    uri = str(place / "music" / "album" / "t000.wav")
    facts = {"uri": uri, "source_url": str(place / "music"), "audio_version": version(Path(uri))}
    write_tracks(place / "ws", [track("t999", **facts)])
    report = run(place)
    assert report.counts[CopyStatus.FAILED, "name_taken"] == 1


def test_a_file_that_breaks_while_it_is_tagged_is_copied_as_it_was(place, monkeypatch):
    def half(path: Path, fields) -> tuple:
        path.write_bytes(b"half")
        return file_tags_copy.Written.UNREADABLE, "it broke"

    monkeypatch.setattr(file_tags_copy, "write_fields", half)
    report = run(place)
    assert report.counts[CopyStatus.UNCHANGED, "unreadable"] == 8
    music = hashes(place / "music")
    assert {k: v for k, v in hashes(place / "copies").items() if k in music} == music


def test_no_output_is_told(place):
    with pytest.raises(ConfigError, match="give --out"):
        run(place, output="null")
