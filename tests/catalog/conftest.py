import wave

import pytest

from pipeline.catalog.scan import Effect, scan_into_catalog
from pipeline.config import ScanConfig
from pipeline.storage import Storage

RATE_HZ = 8_000


def write_wave(path, *, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(bytes(2 * round(seconds * RATE_HZ)))


@pytest.fixture
def make_wave():
    return write_wave


@pytest.fixture
def music(tmp_path):
    """A folder of three tracks and a cover."""
    folder = tmp_path / "music"
    for name in ("a/one.wav", "a/two.wav", "b/one.wav"):
        write_wave(folder / name)
    (folder / "a" / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


@pytest.fixture
def scan_config():
    return ScanConfig(dataset=None, extensions=(".wav", ".mp3"), num_threads=2, probe_timeout_s=5.0)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "workspace"


@pytest.fixture
def scan(root, scan_config):
    """Scans a source into the workspace of the test; gives the report."""

    def run(source, *, effect=Effect.WRITE, **settings):
        return scan_into_catalog(
            str(source),
            root_url=str(root),
            storage=Storage(),
            scan=scan_config.model_copy(update=settings),
            on_progress=lambda done, total: None,
            effect=effect,
        )

    return run
