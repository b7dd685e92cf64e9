"""`earmark write-tags` by the command itself."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tagged import STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks
from workspace import CONF, write_tones

from jobs.__main__ import main
from pipeline.tables.tags import publish
from pipeline.taxonomy import Taxonomy

mutagen = pytest.importorskip("mutagen")


@pytest.fixture
def root(tmp_path):
    write_tones(tmp_path / "music", num_tracks=4, seconds=0.3)
    paths = sorted((tmp_path / "music").iterdir())
    facts = [
        {"uri": str(path), "source_url": str(tmp_path / "music")}
        | {"audio_version": STORAGE.stat(str(path)).version}
        for path in paths
    ]
    write_tracks(tmp_path / "ws", [track(f"t{i}", **one) for i, one in enumerate(facts)])
    write_scorings(tmp_path / "ws", scoring("s1", Taxonomy("heard", ("genre---rock",))))
    rows = [ok(f"t{i}", [0.5], version=one["audio_version"]) for i, one in enumerate(facts)]
    write_results(tmp_path / "ws", rows)
    publish(str(tmp_path / "ws"), storage=STORAGE, memory_mb=200)
    return str(tmp_path / "ws")


def run(root, *line: str, exit_code: int = 0):
    here = ("--conf", str(CONF / "write-tags.yaml"), "--workspace", root)
    result = CliRunner().invoke(main, ["write-tags", *line, *here])
    assert result.exit_code == exit_code, result.output
    return result


def test_copies_with_the_best_tags_and_a_genre(root, tmp_path):
    out = tmp_path / "copies"
    line = ("heard", "--out", str(out), "--top", "1", "--fill", "genre")
    assert "4 tagged" in run(root, *line).stdout
    assert mutagen.File(out / "t002.flac").tags["GENRE"] == ["rock"]
    assert "4 were there already" in run(root, *line).stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((), "give --out"),
        (("--out", "copies"), "has no thresholds"),
        (("--out", "copies", "--min", "2"), "write_tags.minimum"),
        (("other", "--out", "copies", "--top", "1"), "no scoring 'other'"),
    ],
)
def test_what_cannot_be_done_is_told(root, tmp_path, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    assert said in run(root, *line, exit_code=1).output
    assert not (tmp_path / "copies").exists()
