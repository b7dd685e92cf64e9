import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.frontend import Compression
from pipeline.config_training import AugmentConfig, SpecAugmentConfig
from pipeline.training.augment import Augmentation, mixup, spec_augment

OFF = AugmentConfig(specaugment=None, mixup_alpha=None, gain_db=0.0, balance=False)
MASKS = SpecAugmentConfig(time_masks=1, time_frames=10, band_masks=1, bands=8)


def chunks():
    torch.manual_seed(0)
    return torch.randn(4, 16, 30), torch.eye(4)


def test_nothing_is_changed_where_all_is_off():
    mel_NMF, wanted_NL = chunks()
    mel, wanted = Augmentation(OFF, Compression.DB)(mel_NMF, wanted_NL, key=(0, 0, 0, 0))
    assert mel is mel_NMF
    assert wanted is wanted_NL


def test_the_same_key_gives_the_same_chunks_and_another_key_others():
    config = OFF.model_copy(update={"specaugment": MASKS, "mixup_alpha": 0.3, "gain_db": 6.0})
    augment = Augmentation(config, Compression.DB)
    first, again, other = (augment(*chunks(), key=(0, 0, n))[0] for n in (1, 1, 2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)


@given(st.integers(0, 2**31))
def test_mixed_targets_stay_shares_of_one(seed):
    mel_NMF, wanted_NL = chunks()
    mixed, wanted = mixup(mel_NMF, wanted_NL, alpha=0.4, choice=np.random.default_rng(seed))
    assert mixed.shape == mel_NMF.shape
    torch.testing.assert_close(wanted.sum(1), torch.ones(4))


@given(st.integers(0, 2**31))
def test_masks_are_stripes_no_larger_than_they_may_be(seed):
    mel_NMF, _ = chunks()
    masked = spec_augment(mel_NMF, config=MASKS, choice=np.random.default_rng(seed))
    changed_NMF = masked != mel_NMF
    assert (changed_NMF.all(2).sum(1) <= 8).all()
    assert (changed_NMF.all(1).sum(1) <= 10).all()
    kept = ~(changed_NMF.all(2)[:, :, None] | changed_NMF.all(1)[:, None, :])
    assert torch.equal(masked[kept], mel_NMF[kept])


@pytest.mark.parametrize(
    ("compression", "scale"), [(Compression.DB, 1.0), (Compression.LOG10_10000, 0.1)]
)
def test_a_gain_moves_a_whole_chunk(compression, scale):
    mel_NMF, wanted_NL = chunks()
    augment = Augmentation(OFF.model_copy(update={"gain_db": 6.0}), compression)
    moved_NMF = augment(mel_NMF, wanted_NL, key=(1,))[0] - mel_NMF
    shift_N = moved_NMF[:, 0, 0]
    torch.testing.assert_close(moved_NMF, shift_N[:, None, None].expand_as(moved_NMF))
    assert shift_N.abs().max() <= 6.0 * scale
    assert len(set(shift_N.tolist())) == 4
