import subprocess
from types import SimpleNamespace

import pytest

from pipeline.errors import ConfigError
from pipeline.models import published_musicnn
from pipeline.models.published_musicnn import download_wheel, read_wheel


def test_another_file_is_not_taken_for_the_wheel():
    with pytest.raises(ConfigError, match=r"not the wheel of musicnn==0\.1\.0: SHA-256 is"):
        read_wheel(b"something", model="MTT_vgg", bundle=None)


def test_a_failed_download_says_what_to_do(monkeypatch):
    def fail(command, **options):
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="first\nno route\n")

    monkeypatch.setattr(published_musicnn.subprocess, "run", fail)
    with pytest.raises(ConfigError, match=r"could not download .*\(no route\).*--from"):
        download_wheel()


def test_a_download_that_hangs_is_given_up(monkeypatch):
    def hang(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(published_musicnn.subprocess, "run", hang)
    with pytest.raises(ConfigError, match="no answer in 600 s"):
        download_wheel()


@pytest.mark.parametrize(
    ("model", "architecture"), [("MTT_vgg", "vgg"), ("MSD_musicnn", "musicnn_original")]
)
def test_every_trained_value_is_placed(wheel, model, architecture):
    bundle = SimpleNamespace(architecture=architecture, parameters={"num_tags": 50})
    weights = read_wheel(wheel.read_bytes(), model=model, bundle=bundle)
    trained = [value for key, value in weights.items() if "num_batches" not in key]
    # The two values left of the checkpoint's are powers that belong to the optimiser.
    assert (
        sum(value.numel() for value in trained)
        == {
            "vgg": 607_030,
            "musicnn_original": 792_079,
        }[architecture]
    )
