"""GTZAN as published: 1,000 excerpts of 30 s in ten genres (Tzanetakis and Cook 2002).

The data set has no table: names say everything. Its split `filtered` is the fault-filtered one of
Kereliuk, Sturm and Larsen (2015), which leaves out repeats, wrong genres and distorted files and
keeps known artists apart; it is read from the folder's own lists, else from torchaudio, which
ships the same ones. No licence is stated anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.catalog.datasets import Checksum, DataSet, Findings, Place, Track, chosen
from pipeline.catalog.datasets.published_files import folder_with, numbered_lines
from pipeline.errors import ConfigError
from pipeline.storage import join

NAME = "gtzan"
SPLITS = ("filtered", "none")
LABELS = ("genre",)
GENRES = (
    *("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae"),
    "rock",
)
PER_GENRE = 100
PARTS = {"train": "train", "valid": "validation", "test": "test"}
"""Part of the filtered lists to split of the catalog."""
FOLDERS = ("genres", "Data/genres_original", "genres_original", "")
UNDECODABLE = "jazz.00054"
_NAME = re.compile(rf"({'|'.join(GENRES)})\.000[0-9]{{2}}")
_LINE = re.compile(r"([a-z]+)/(([a-z]+)\.[0-9]{5})\.wav")


def read_gtzan(place: Place, findings: Findings) -> Iterator[Track]:
    """The excerpts of the chosen split, or all 1,000 without a split.

    Raises:
        ConfigError: there is no folder of a genre, or a list of the split is not GTZAN's.
    """
    choice = chosen(place.splits, known=SPLITS, what=f"splits of {NAME}")
    chosen(place.labels, known=LABELS, what=f"labels of {NAME}")
    folder = folder_with(place.url, folders=FOLDERS, holding=GENRES, storage=place.storage)
    if folder is None:
        raise ConfigError(
            f"{place.url} is not GTZAN: neither it nor genres, genres_original or "
            f"Data/genres_original in it has a folder of a genre ({', '.join(GENRES)})"
        )
    _look(folder, place=place, findings=findings)
    dataset = place.name or f"{NAME}-{choice}"
    for name, split in _names(choice, folder=folder, place=place):
        genre = name.partition(".")[0]
        findings.tracks[split or "all"] += 1
        if name == UNDECODABLE:
            findings.faults[f"{name} cannot be decoded in the common copy; its row stands"] += 1
        yield Track(
            track_id=f"{dataset}/{name}",
            uri=join(folder, genre, f"{name}.wav"),
            dataset=dataset,
            split=split,
            labels=[f"genre---{genre}"],
        )
    left_out = len(GENRES) * PER_GENRE - findings.tracks.total()
    if left_out:
        findings.faults["repeats, wrong genres and distortion, which the split leaves out"] = (
            left_out
        )


def _look(folder: str, *, place: Place, findings: Findings) -> None:
    for genre in GENRES:
        if not place.storage.is_dir(join(folder, genre)):
            findings.absent.append(f"folder {genre}")
            continue
        for entry in place.storage.walk(join(folder, genre)):
            if entry.url.rpartition("/")[2].startswith("._"):
                findings.faults["AppleDouble files (._*), which hold no audio, skipped"] += 1


def _names(choice: str, *, folder: str, place: Place) -> Iterator[tuple[str, str | None]]:
    """Names of the chosen excerpts, for example `blues.00029`, and their splits."""
    if choice == "none":
        for genre in GENRES:
            yield from ((f"{genre}.{i:05d}", None) for i in range(PER_GENRE))
        return
    split_of: dict[str, str] = {}
    for part, names in _lists(folder, place=place).items():
        for where, name in names:
            if not _NAME.fullmatch(name):
                raise ConfigError(f"{where}: GTZAN has no excerpt {name!r}")
            if name in split_of:
                raise ConfigError(f"{where}: {name} stands before, in {split_of[name]}")
            split_of[name] = PARTS[part]
    yield from split_of.items()


def _lists(folder: str, *, place: Place) -> dict[str, list[tuple[str, str]]]:
    """Where each name of each part stands, and the name."""
    for url in (place.url, folder):
        lists = {part: join(url, f"{part}_filtered.txt") for part in PARTS}
        found = [part for part in PARTS if place.storage.exists(lists[part])]
        if found and len(found) < len(PARTS):
            absent = next(lists[part] for part in PARTS if part not in found)
            raise ConfigError(
                f"{absent} is missing, though {found[0]}_filtered.txt is there; add it, or take "
                "the lists away and the same ones are taken from torchaudio"
            )
        if found:
            return {part: list(_read(lists[part], place=place)) for part in PARTS}
    return _shipped()


def _read(url: str, *, place: Place) -> Iterator[tuple[str, str]]:
    for number, line in numbered_lines(url, storage=place.storage):
        match = _LINE.fullmatch(line.strip())
        if match and match[1] == match[3]:
            yield f"{url}, line {number}", match[2]
        elif line.strip():
            raise ConfigError(
                f"{url}, line {number}: {line!r} is not of the form blues/blues.00029.wav"
            )


def _shipped() -> dict[str, list[tuple[str, str]]]:
    from torchaudio.datasets import gtzan  # torch takes seconds to import

    names = {part: getattr(gtzan, f"filtered_{part}") for part in PARTS}
    return {part: [(f"torchaudio's {part} list", name) for name in names[part]] for part in PARTS}


GTZAN = DataSet(
    title="GTZAN: 1,000 excerpts of 30 s in 10 genres (Tzanetakis and Cook 2002)",
    read=read_gtzan,
    splits=SPLITS,
    labels=LABELS,
    counts={
        "filtered": {"train": 443, "validation": 197, "test": 290},
        "none": {"all": 1_000},
    },
    checksums={"genres.tar.gz": Checksum(kind="md5", digest="5b3d6dddb579ab49814ab86dba69e7c7")},
)
