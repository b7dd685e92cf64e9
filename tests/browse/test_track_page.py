from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.browse.listening import LEVELS, MOST_CELLS, mel_strip, tag_grid


def test_a_track_shows_its_facts_tags_and_neighbours(client):
    text = client.get("/track?id=t001").text
    assert '<audio id="player" controls preload="metadata" src="/audio?id=t001">' in text
    assert "Tone t001" in text
    assert 'value="0.850" aria-label="calm"' in text
    assert '<span>similarity</span> <meter min="0" max="1"' in text
    near = text[text.index("Sounds like it") :]
    assert near.index("Tone t009") < near.index("Tone t000")  # its tone is high too


def test_the_reason_of_a_failure_is_said_first(client):
    text = client.get("/track?id=x-html").text
    assert text.index("<strong>not_audio</strong>") < text.index("Over time")
    assert "it was not_audio" in text


def test_a_format_that_browsers_do_not_play_is_said(client):
    text = client.get("/track?id=x-old").text
    assert "Browsers do not play .wma" in text
    assert '<audio id="player"' not in text
    assert "not played by browsers" in client.get("/?q=x-old").text


def test_a_track_is_heard_once_and_its_mel_is_a_picture(client):
    text = client.get("/heard?id=t000").text
    assert text.count('<th scope="row">') == 2 + 1  # the bundle's tags, and the line of buttons
    assert 'data-seek="2.0"' in text
    assert 'aria-label="Play from 0:02"' in text
    assert client.get("/mel?id=t000").content.startswith(b"\x89PNG")
    assert 'data-seek="2.0"' in client.get("/track?id=t000&heard=1").text


def test_a_track_that_cannot_be_heard_says_why(client, tones):
    assert "no current model has tagged" in client.get("/heard?id=x-html").text
    path = tones / "music" / "t004.ogg"
    away = path.rename(path.with_suffix(".away"))
    assert "missing" in client.get("/heard?id=t004").text
    away.rename(path)
    assert 'data-seek="2.0"' in client.get("/heard?id=t004").text  # a failure is not kept
    assert client.get("/mel?id=x-html").status_code == 404


@given(st.integers(1, 300), st.integers(1, 30))
def test_a_grid_has_few_cells_and_keeps_the_best_tags(num_chunks, num_tags):
    scores_NK = np.random.default_rng(num_chunks).random((num_chunks, num_tags), np.float32)
    names = [f"tag{k}" for k in range(num_tags)]
    grid = tag_grid(np.arange(num_chunks) * 3.0, scores_NK, title="net", tags=names)
    assert len(grid.starts_s) == min(num_chunks, MOST_CELLS)
    assert sum(span for _, span in grid.marks) == len(grid.starts_s)
    assert grid.rows[0][0] == names[int(scores_NK.mean(axis=0).argmax())]
    cells = [cell for _, row in grid.rows for cell in row]
    assert max(cell.level for cell in cells) == LEVELS - 1
    assert max(cell.score for cell in cells) == pytest.approx(grid.highest)


def test_a_grid_of_nothing_is_empty():
    grid = tag_grid(np.zeros(0), np.zeros((0, 2), np.float32), title="net", tags=["a", "b"])
    assert (grid.rows, grid.marks) == ((), ())


@pytest.mark.parametrize("num_frames", [0, 1, 5000])
def test_any_mel_becomes_a_picture(num_frames):
    mel_MF = np.full((96, num_frames), -3.0, np.float32)
    assert mel_strip(mel_MF).startswith(b"\x89PNG")
