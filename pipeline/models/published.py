"""Published taggers become bundles: the musicnn wheel's four, and sota-music-tagging-models' three.

The wheel is downloaded with pip, or given as a file. The other project publishes no package, so its
checkpoints must be given as files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models.bundle import Bundle, bundle_url, write_bundle
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.published_musicnn import WHEEL, download_wheel, read_wheel
from pipeline.models.published_sota import read_pth
from pipeline.models.published_tags import msd50, mtat50
from pipeline.storage import Storage
from pipeline.taxonomy import Taxonomy

SOTA_SOURCE = "https://github.com/minzwon/sota-music-tagging-models"

PATCHES = Chunking(Domain.FRAMES, length=187, hop=187, tail=Tail.DROP)
"""As the musicnn package cuts: whole patches of 3 s, the rest dropped."""
# A hop that is a multiple of hop_length lets stored mels be cut at the same places.
CLIPS_29S = Chunking(Domain.WAVEFORM, length=464_000, hop=463_872, tail=Tail.ALIGN)
CLIPS_3S = Chunking(Domain.WAVEFORM, length=48_000, hop=47_872, tail=Tail.ALIGN)


@dataclass(frozen=True)
class Published:
    """What is known of a published tagger beside its weights."""

    architecture: str
    frontend: str
    chunking: Chunking
    taxonomy: Callable[[], Taxonomy]
    embedding: str


PUBLISHED = {
    "musicnn:MTT_musicnn": Published(
        "musicnn_original", "musicnn-mel96", PATCHES, mtat50, "max_pool"
    ),
    "musicnn:MTT_vgg": Published("vgg", "musicnn-mel96", PATCHES, mtat50, "pool5"),
    "musicnn:MSD_musicnn": Published(
        "musicnn_original", "musicnn-mel96", PATCHES, msd50, "max_pool"
    ),
    "musicnn:MSD_vgg": Published("vgg", "musicnn-mel96", PATCHES, msd50, "pool5"),
    "sota:mtat/fcn": Published("fcn", "sota-mel96", CLIPS_29S, mtat50, "layer5"),
    "sota:mtat/crnn": Published("crnn", "sota-mel96", CLIPS_29S, mtat50, "layer5"),
    "sota:mtat/musicnn": Published("musicnn", "sota-mel96", CLIPS_3S, mtat50, "dense1"),
}


def add_published(
    reference: str, *, root_url: str, storage: Storage, source_file: str | Path | None = None
) -> Bundle:
    """Writes a published tagger's bundle below ROOT/models.

    Args:
        reference: a key of PUBLISHED, for example `musicnn:MTT_musicnn`.
        root_url: the workspace.
        storage: how to reach it.
        source_file: the musicnn wheel or the `.pth` file; None downloads the wheel.

    Raises:
        ConfigError: an unknown reference, a file that is not the right one, or a failed download.
    """
    if reference not in PUBLISHED:
        raise ConfigError(f"no published tagger {reference!r}; known are {', '.join(PUBLISHED)}")
    published, (collection, _, name) = PUBLISHED[reference], reference.partition(":")
    from_wheel = collection == "musicnn"
    bundle = Bundle(
        name=name.replace("/", "_"),
        architecture=published.architecture,
        parameters={"num_tags": len(published.taxonomy().tags)},
        frontend=FRONTENDS[published.frontend],
        chunking=published.chunking,
        taxonomy=published.taxonomy(),
        thresholds=None,
        embedding=published.embedding,
        licence="ISC" if from_wheel else "MIT",
        source=f"PyPI {WHEEL}, {name}" if from_wheel else f"{SOTA_SOURCE} models/{name}",
    )
    data = _source_bytes(reference, source_file=source_file)
    read = _read_wheel if from_wheel else _read_pth
    return write_bundle(
        bundle_url(reference, root_url=root_url),
        storage=storage,
        bundle=bundle,
        weights=read(data, bundle),
    )


def _source_bytes(reference: str, *, source_file: str | Path | None) -> bytes:
    if source_file is None:
        if reference.startswith("musicnn:"):
            return download_wheel()
        raise ConfigError(
            f"{reference} has no package to download: get best_model.pth from {SOTA_SOURCE} "
            f"(models/{reference.partition(':')[2]}) and give it with --from FILE"
        )
    path = Path(source_file).expanduser()
    if not path.is_file():
        raise ConfigError(f"--from {source_file}: there is no such file")
    return path.read_bytes()


def _read_wheel(data: bytes, bundle: Bundle) -> dict[str, Tensor]:
    return read_wheel(
        data,
        model=bundle.name,
        architecture=bundle.architecture,
        num_tags=bundle.parameters["num_tags"],
    )


def _read_pth(data: bytes, bundle: Bundle) -> dict[str, Tensor]:
    return read_pth(
        data,
        architecture=bundle.architecture,
        num_tags=bundle.parameters["num_tags"],
        spec=bundle.frontend,
    )
