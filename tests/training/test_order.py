import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.training.order import balancing_weights, crop_start, draw, epoch_steps


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 99), st.integers(0, 99))
def test_an_epoch_takes_no_track_twice(num_tracks, batch_tracks, seed, epoch):
    if num_tracks < batch_tracks:
        with pytest.raises(ConfigError, match=r"recipe\.batch_tracks"):
            epoch_steps(num_tracks, batch_tracks=batch_tracks, seed=seed, epoch=epoch)
        return
    steps_SB = epoch_steps(num_tracks, batch_tracks=batch_tracks, seed=seed, epoch=epoch)
    assert steps_SB.shape == (num_tracks // batch_tracks, batch_tracks)
    assert len(np.unique(steps_SB)) == steps_SB.size
    again = epoch_steps(num_tracks, batch_tracks=batch_tracks, seed=seed, epoch=epoch)
    assert (steps_SB == again).all()


def test_the_tracks_that_fill_no_step_are_others_each_epoch():
    met = {
        row
        for epoch in range(20)
        for row in epoch_steps(10, batch_tracks=8, seed=0, epoch=epoch).ravel().tolist()
    }
    assert met == set(range(10))


@given(st.text(), st.integers(0, 9), st.integers(0, 9), st.integers(1, 500), st.integers(1, 200))
def test_a_crop_lies_inside_its_track(track_id, seed, epoch, num_frames, chunk_frames):
    start = crop_start(
        track_id, seed=seed, epoch=epoch, num_frames=num_frames, chunk_frames=chunk_frames
    )
    assert start >= 0
    assert start + chunk_frames <= num_frames or (start == 0 and num_frames < chunk_frames)


def test_crops_cover_the_track_evenly():
    starts = [
        crop_start("t", seed=0, epoch=epoch, num_frames=13, chunk_frames=4)
        for epoch in range(2_000)
    ]
    counts = np.bincount(starts, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 140


def test_a_draw_depends_on_its_key_alone():
    # Written down once: another machine, or another version, must draw the same.
    assert draw("crop", 0, 1, "t") == 0.6643523858255824
    assert draw("crop", 0, 1, "t") != draw("crop", 0, 2, "t")
    assert 0.0 <= draw() < 1.0


def test_rare_tags_are_drawn_as_often_as_common_ones():
    targets_NK = np.zeros((100, 2), dtype=bool)
    targets_NK[:90, 0] = True
    targets_NK[90:, 1] = True
    weights_N = balancing_weights(targets_NK)
    rows = epoch_steps(100, batch_tracks=100, seed=0, epoch=0, weights_N=weights_N).ravel()
    assert 30 < (rows >= 90).sum() < 70
