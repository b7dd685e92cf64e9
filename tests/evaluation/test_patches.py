from __future__ import annotations

import io

import numpy as np
from PIL import Image

from pipeline.evaluation import patches as module
from pipeline.evaluation.box import Box
from pipeline.evaluation.patches import Patch, PatchFacts, patches_picture, track_name

SMALL = Box(2, 5, 10, 13)


def patch(channel, rank, *, box=SMALL, title="Rondo", track_id="t1"):
    facts = PatchFacts(channel, rank, 2.5, track_id, title, "", 61.25, 61.5, 200.0, 900.0)
    mel_MF = np.random.default_rng(rank).random((40, 60)).astype(np.float16)
    return Patch(facts, mel_MF, box)


def test_a_track_is_called_by_title_and_artist_or_by_its_id():
    assert track_name("t1", title="Rondo", artist="") == "Rondo"
    assert track_name("t1", title="Rondo", artist="Trio") == "Rondo, Trio"
    assert track_name("t1", title="", artist="") == "t1"


def test_channels_are_rows_and_patches_carry_name_time_and_activation(monkeypatch):
    texts = []
    monkeypatch.setattr(module.Sheet, "text", lambda _, text, **__: texts.append(text))
    rows = [(3, [patch(3, 1), patch(3, 2, title="", track_id="t2")]), (5, [])]
    patches_picture(rows, title="layer1")
    assert texts[0] == "layer1"
    assert "32 bands upwards, 32 frames to the right" in texts[1]
    assert texts[2:] == [
        "channel 3",
        "Rondo",
        "1:01.2   2.5",
        "t2",
        "1:01.2   2.5",
        "channel 5: no track moves it",
    ]


def test_all_windows_of_a_layer_have_the_size_of_its_largest_patch(monkeypatch):
    shapes = []
    monkeypatch.setattr(module.Sheet, "image", lambda _, values, **__: shapes.append(values.shape))
    large = patch(0, 1, box=Box(0, 38, 5, 50))
    patches_picture([(0, [large, patch(0, 2)])], title="layer")
    assert shapes == [(38, 45), (38, 45)]


def test_the_picture_is_drawn_also_when_no_channel_answers():
    png = patches_picture([(0, []), (1, [])], title="silent")
    assert Image.open(io.BytesIO(png)).size[1] > 100
    assert patches_picture([(0, [patch(0, rank) for rank in range(1, 10)])], title="nine")
