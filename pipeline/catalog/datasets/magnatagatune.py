"""MagnaTagATune as published: 25,863 clips that players of a game tagged (Law et al. 2009).

PATH holds annotations_final.csv and clip_info_final.csv, which are separated by tabs, and the clips
in the folders 0 to f, directly or in mp3/. The published splits share artists: `earmark dataset
check` says which.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.catalog.datasets import DataSet, Findings, Place, Track, chosen
from pipeline.catalog.datasets.magnatagatune_files import (
    Info,
    Row,
    clip_info,
    listed,
    tagged_clips,
)
from pipeline.catalog.datasets.magnatagatune_tags import CHOICES, labels_by_tag
from pipeline.catalog.datasets.published_files import first_file, folder_with
from pipeline.errors import ConfigError
from pipeline.storage import join

NAME = "magnatagatune"
LICENSE = "CC BY-NC-SA 3.0"
SPLITS = ("pons", "lee")
PARTS = {"train": "train", "valid": "validation", "test": "test"}
"""Part of Lee's lists to split of the catalog."""
ANNOTATIONS, CLIP_INFO = "annotations_final.csv", "clip_info_final.csv"
AUDIO_FOLDERS = ("", "mp3", "mp3s", "audio")
LIST_FOLDERS = ("split/mtat", "split", "")
BAD = {"35644": "empty", "55753": "corrupt", "57881": "corrupt"}
"""Clips whose published files hold no audio."""


def read_magnatagatune(place: Place, findings: Findings) -> Iterator[Track]:
    """The clips of the chosen split, without the three that hold no audio.

    `pons` splits by folder (0 to b, c, d to f) and has every clip, also those without a tag; `lee`
    has the clips of its lists, each with one of the 50 tags at least.

    Raises:
        ConfigError: annotations or lists are missing, or a line of them is not MagnaTagATune's.
    """
    choice = chosen(place.splits, known=SPLITS, what=f"splits of {NAME}")
    kept = labels_by_tag(chosen(place.labels, known=CHOICES, what=f"labels of {NAME}"))
    url = join(place.url, ANNOTATIONS)
    if not place.storage.exists(url):
        raise ConfigError(f"{place.url} is not MagnaTagATune: it has no {ANNOTATIONS}")
    lists = _lists(place) if choice == "lee" else {}
    info, base = _info(place, findings), _audio(place, findings)
    dataset = place.name or f"{NAME}-{choice}"
    for row in tagged_clips(url, storage=place.storage):
        split = lists.pop(row.path, None) if choice == "lee" else _by_folder(row.path)
        if row.clip_id in BAD:
            fault = f"clip {row.clip_id}, whose published file is {BAD[row.clip_id]}, left out"
            findings.faults[fault] += 1
        elif split is None:
            findings.faults["clips without one of the 50 tags, or too short, left out by lee"] += 1
        else:
            findings.tracks[split] += 1
            labels = list(dict.fromkeys(kept[tag] for tag in row.tags if tag in kept))
            known = info.get(row.clip_id, Info())
            yield _track(row, known, base=base, dataset=dataset, split=split, labels=labels)
    if lists:
        raise ConfigError(
            f"the lists of split lee name {len(lists):,} clip(s) that {url} lacks, for example "
            f"{next(iter(lists))}"
        )


def _track(
    row: Row, info: Info, *, base: str, dataset: str, split: str, labels: list[str]
) -> Track:
    return Track(
        track_id=f"{dataset}/{row.clip_id}",
        uri=join(base, row.path),
        title=info.title,
        artist=info.artist,
        album=info.album,
        license=LICENSE,
        dataset=dataset,
        split=split,
        labels=labels,
    )


def _by_folder(path: str) -> str:
    return "train" if path[0] < "c" else "validation" if path[0] == "c" else "test"


def _lists(place: Place) -> dict[str, str]:
    """The split of each path in Lee's lists."""
    split_of: dict[str, str] = {}
    for part, split in PARTS.items():
        url = first_file(place.url, folders=LIST_FOLDERS, name=f"{part}.npy", storage=place.storage)
        if url is None:
            raise ConfigError(
                f"{place.url}: split lee needs its lists train.npy, valid.npy and test.npy, and "
                f"{part}.npy is missing; they are published in split/mtat of "
                "github.com/minzwon/sota-music-tagging-models: put them beside the csv files"
            )
        for number, path in enumerate(listed(url, storage=place.storage), start=1):
            if path in split_of:
                raise ConfigError(f"{url}, entry {number}: {path} stands before")
            split_of[path] = split
    return split_of


def _info(place: Place, findings: Findings) -> dict[str, Info]:
    url = join(place.url, CLIP_INFO)
    if place.storage.exists(url):
        return clip_info(url, storage=place.storage, findings=findings)
    findings.absent.append(f"{CLIP_INFO}, with titles, artists and albums")
    return {}


def _audio(place: Place, findings: Findings) -> str:
    folder = folder_with(
        place.url, folders=AUDIO_FOLDERS, holding="0123456789abcdef", storage=place.storage
    )
    if folder is None:
        findings.absent.append("audio: the folders 0 to f")
    return folder or place.url


MAGNATAGATUNE = DataSet(
    title="MagnaTagATune: 25,863 clips of 29 s with 188 tags (Law et al. 2009)",
    read=read_magnatagatune,
    splits=SPLITS,
    labels=CHOICES,
    counts={
        "pons": {"train": 18_706, "validation": 1_825, "test": 5_329},
        "lee": {"train": 15_244, "validation": 1_529, "test": 4_332},
    },
)
