import io

import pytest
import torch

from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models.published_sota import FILTER_KEY, read_pth

SPEC = FRONTENDS["sota-mel96"]


@pytest.fixture
def checkpoint(shared) -> dict[str, torch.Tensor]:
    path = shared / "weights" / "sota-mtat" / "fcn.pth"
    return torch.load(path, weights_only=True, map_location="cpu")


def read(weights: object, *, spec=SPEC, architecture="fcn") -> dict[str, torch.Tensor]:
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    return read_pth(buffer.getvalue(), architecture=architecture, num_tags=50, spec=spec)


def test_the_front_end_is_checked_and_left_out(checkpoint):
    weights = read(checkpoint)
    assert {key for key in checkpoint if key not in weights} == {
        "spec.spectrogram.window",
        FILTER_KEY,
    }


def test_another_front_end_is_refused(checkpoint):
    with pytest.raises(ConfigError, match="differs from front end musicnn-mel96"):
        read(checkpoint, spec=FRONTENDS["musicnn-mel96"])
    with pytest.raises(ConfigError, match="is not that of front end note-mel64"):
        read(checkpoint, spec=FRONTENDS["note-mel64"])
    del checkpoint[FILTER_KEY]
    with pytest.raises(ConfigError, match=FILTER_KEY):
        read(checkpoint)


def test_the_checkpoint_of_another_network_is_refused(checkpoint):
    with pytest.raises(ConfigError, match=r"no checkpoint of crnn: missing layer5\.weight_ih_l0"):
        read(checkpoint, architecture="crnn")


def test_what_is_no_checkpoint_is_refused():
    for data in (b"", b"no pickle", b"PK\x03\x04 no zip"):
        with pytest.raises(ConfigError, match="not a PyTorch checkpoint"):
            read_pth(data, architecture="fcn", num_tags=50, spec=SPEC)
    with pytest.raises(ConfigError, match="holds a list"):
        read([1, 2])


def test_a_pickle_that_runs_code_is_not_run():
    class Malicious:
        def __reduce__(self):
            return exec, ("raise SystemExit",)

    with pytest.raises(ConfigError, match="not a PyTorch checkpoint"):
        read({"weight": Malicious()})
