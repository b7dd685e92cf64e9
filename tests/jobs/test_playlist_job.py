"""`earmark playlist` by the command itself."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner
from tagged import SOUNDS, STORAGE, ok, scoring, track, write_results, write_scorings, write_tracks
from workspace import CONF

from jobs.__main__ import main
from pipeline.tables.tags import publish


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("ws")
    write_scorings(root, scoring("s2", SOUNDS, (0.5, 0.5, 0.9)))
    names = [f"t{i}" for i in range(8)]
    write_tracks(root, [track(name, artist=f"artist of {name}") for name in names])
    write_results(
        root,
        [ok(name, [0.5 + i / 20, 0.9 * (i == 7), 0.0], by="s2") for i, name in enumerate(names)],
    )
    publish(str(root), storage=STORAGE, memory_mb=200)
    return root


def run(root, *line: str, exit_code: int = 0):
    conf = ("--conf", str(CONF / "playlist.yaml"))
    result = CliRunner().invoke(main, ["playlist", *line, *conf, "--workspace", str(root)])
    assert result.exit_code == exit_code, result.output
    return result


def test_the_table_shows_tracks_reasons_and_notes(root):
    text = run(root, "--like", "piano", "--not", "drums,singing", "--tracks", "4").output
    assert "piano without drums, singing" in text
    assert "piano 0.80" in text
    assert "4 tracks, 2:00" in text
    assert "tracks: 8 with piano, 1 with refused drums" in text


def test_minutes_take_the_place_of_tracks(root):
    listed = run(root, "--like", "piano", "--minutes", "2.6", "--format", "csv").stdout
    assert len(list(csv.DictReader(listed.splitlines()))) == 5


def test_the_ending_of_the_file_tells_the_format_and_notes_go_to_standard_error(root, tmp_path):
    result = run(root, "--like", "piano", "--output", str(tmp_path / "a.jspf"), "--seed", "3")
    assert result.stdout == ""
    assert "liked 'piano'" in result.stderr
    playlist = json.loads((tmp_path / "a.jspf").read_text())["playlist"]
    assert len(playlist["track"]) == 3
    run(root, "--like", "piano", "--output", str(tmp_path / "a.m3u8"))
    assert (tmp_path / "a.m3u8").read_text().startswith("#EXTM3U\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("--like", "piano", "--tracks", "3", "--minutes", "9"), "give one of the two"),
        (("--like", "piano", "--output", "a.docx"), "give --format"),
        (
            (
                "--like",
                "flute",
            ),
            "there is no tag 'flute'",
        ),
    ],
)
def test_bad_input_is_one_message(root, line, message):
    assert message in run(root, *line, exit_code=1).output
