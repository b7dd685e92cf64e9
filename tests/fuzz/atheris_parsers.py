"""Coverage-guided fuzzing of the parsers with atheris; not part of the suite.

    pip install -e ".[fuzz]" --constraint infra/constraints.txt
    python tests/fuzz/atheris_parsers.py TARGET -max_total_time=300    # libFuzzer's options

TARGET is a key of TARGETS. An input that raises what its parser does not promise is written to a
file crash-... and ends the run; keep it as a test, built in code. The decoder runs in this process
here, without the child that holds its crashes in the product, so that they are seen.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

with atheris.instrument_imports(include=["pipeline", "tinytag"]):
    from pipeline import config
    from pipeline.audio.decode_child import Settings, decode_file
    from pipeline.audio.header import read_header
    from pipeline.consumers.recap_formats import recognise
    from pipeline.errors import ConfigError, DataError
    from pipeline.models.bundle_file import read_fields
    from pipeline.models.tensorflow_bundle import read_checkpoint

import fuzzed  # noqa: E402 - it brings the pipeline, which must be instrumented first
from fakes import tone_bundle  # noqa: E402

LIMITS = Settings(
    sample_rate=fuzzed.RATE_HZ, min_s=0.01, max_s=60, timeout_s=20, memory_bytes=2**30
)
SCRATCH = Path(tempfile.mkdtemp(prefix="earmark-fuzz-"))
MOST_BYTES = 200_000


def probe(data: bytes) -> None:
    """Headers and tags."""
    with suppress(DataError):
        read_header(io.BytesIO(data))


def decode(data: bytes) -> None:
    """libsndfile and FFmpeg, and what is made of their answers."""
    with tempfile.TemporaryFile() as file, suppress(DataError, MemoryError):
        file.write(data)
        file.flush()
        decode_file(file.fileno(), io.BytesIO(), settings=LIMITS)


def history(data: bytes) -> None:
    """The beginning of a listening history."""
    recognise(data)


def checkpoint(data: bytes) -> None:
    """TensorFlow's index, with sums that are mended so that the reader is got into."""
    index, tensors = fuzzed.weights()
    blocks = fuzzed.resummed(data or index)
    with suppress(ConfigError):
        read_checkpoint(blocks, tensors, wanted=lambda name: True)


def bundle(data: bytes) -> None:
    """bundle.json."""
    with suppress(ConfigError):
        read_fields(data, url="bundle.json")


def configuration(data: bytes) -> None:
    """A configuration."""
    path = SCRATCH / "job.yaml"
    path.write_bytes(data)
    with suppress(ConfigError):
        config.load(config.CatalogJob, path)


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "probe": (probe, lambda: list(fuzzed.sounds().values())),
    "decode": (decode, lambda: list(fuzzed.sounds().values())),
    "history": (history, lambda: list(fuzzed.histories().values())),
    "checkpoint": (checkpoint, lambda: [fuzzed.weights()[0]]),
    "bundle": (bundle, lambda: [_bundle_text()]),
    "configuration": (
        configuration,
        lambda: [path.read_bytes() for path in sorted((ROOT / "conf").glob("*.yaml"))],
    ),
}


def _bundle_text() -> bytes:
    tone_bundle(str(SCRATCH))
    return (SCRATCH / "models" / "trained" / "tone" / "bundle.json").read_bytes()


def main() -> None:
    """Writes the seeds into a folder and starts libFuzzer on it."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"give one of {', '.join(TARGETS)}, then libFuzzer's options")
    test, seeds = TARGETS[sys.argv[1]]
    corpus = SCRATCH / "corpus"
    corpus.mkdir()
    for number, data in enumerate(seeds()):
        (corpus / str(number)).write_bytes(data)
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    options = [f"-max_len={MOST_BYTES}", "-timeout=25", "-rss_limit_mb=4096", *sys.argv[2:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], test)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
