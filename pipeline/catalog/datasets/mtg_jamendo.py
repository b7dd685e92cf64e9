"""MTG-Jamendo as published: 55,525 whole tracks with 183 tags (Bogdanov et al. 2019).

PATH is a checkout of the data set's repository, its folder data/, or any folder that holds
`split-N`; the audio lies below it, in full or low quality. Tags come out as published. The data set
has bit-exact duplicates (its issue 52: 990 tracks in groups), which `earmark dataset check` finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.catalog.datasets import DataSet, Findings, Place, Track, chosen
from pipeline.catalog.datasets.mtg_jamendo_texts import Described, licenses, texts
from pipeline.catalog.datasets.published_files import first_file, numbered_lines
from pipeline.errors import ConfigError
from pipeline.storage import join

NAME = "mtg-jamendo"
SPLITS = ("0", "1", "2", "3", "4")
FILES = {
    "top50": "autotagging_top50tags",
    "all": "autotagging",
    "genre": "autotagging_genre",
    "instrument": "autotagging_instrument",
    "moodtheme": "autotagging_moodtheme",
}
"""How the tables of a choice of labels are named."""
PARTS = ("train", "validation", "test")
COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
CATEGORIES = ("genre", "instrument", "mood/theme")
SPLIT_FOLDERS = ("data/splits", "splits", "")
TEXT_FOLDERS = ("data", "")
AUDIO_FOLDERS = (
    *("", "audio", "audio-low", "raw_30s/audio", "raw_30s/audio-low"),
    *("autotagging_moodtheme/audio", "autotagging_moodtheme/audio-low"),
)
FULL, LOW = ".mp3", ".low.mp3"
_ID = re.compile(r"track_[0-9]+")
_PATH = re.compile(r"[0-9]{2}/[0-9]+\.mp3")


class Row(NamedTuple):
    """A line of a table of tags."""

    track_id: str
    artist_id: str
    album_id: str
    path: str
    tags: list[str]


class Audio(NamedTuple):
    """Where the audio is, and how its files end."""

    base_url: str
    ending: str


def read_mtg_jamendo(place: Place, findings: Findings) -> Iterator[Track]:
    """The tracks of the chosen split that have tags of the chosen kind.

    An artist is its name where the data set's texts are there, with the id behind it where several
    artists share the name, else its id.

    Raises:
        ConfigError: the split's tables are missing, or a line of them is not MTG-Jamendo's.
    """
    choice = chosen(place.splits, known=SPLITS, what=f"splits of {NAME}")
    kind = chosen(place.labels, known=tuple(FILES), what=f"labels of {NAME}")
    tables = _tables(choice, kind=kind, place=place, findings=findings)
    described = texts(place, findings, folders=TEXT_FOLDERS)
    license_of = licenses(place, findings, folders=TEXT_FOLDERS)
    audio = _audio(place, findings)
    dataset = place.name or f"{NAME}-{choice}"
    for part, url in tables.items():
        for row in _rows(url, place=place):
            findings.tracks[part] += 1
            known = described.get(row.track_id, Described(None, row.artist_id, row.album_id, None))
            yield Track(
                track_id=f"{dataset}/{row.track_id}",
                uri=join(audio.base_url, row.path.removesuffix(FULL) + audio.ending),
                title=known.title,
                artist=known.artist,
                album=known.album,
                year=known.year,
                license=license_of.get(row.path),
                dataset=dataset,
                split=part,
                labels=row.tags,
            )


def _tables(split: str, *, kind: str, place: Place, findings: Findings) -> dict[str, str]:
    """The URL of each part's table."""
    folders = [join(folder, f"split-{split}") for folder in SPLIT_FOLDERS]
    found = {}
    for part in PARTS:
        name = f"{FILES[kind]}-{part}.tsv"
        url = first_file(place.url, folders=folders, name=name, storage=place.storage)
        if url is None:
            findings.absent.append(f"split-{split}/{name}")
        else:
            found[part] = url
    if not found:
        raise ConfigError(
            f"{place.url} is not MTG-Jamendo: neither it nor splits or data/splits in it has "
            f"{', '.join(findings.absent)}"
        )
    return found


def _rows(url: str, *, place: Place) -> Iterator[Row]:
    header = False
    for number, line in numbered_lines(url, storage=place.storage):
        fields = line.split("\t")
        if not header:
            if tuple(fields) != COLUMNS:
                raise ConfigError(
                    f"{url} is not MTG-Jamendo's: its columns are {', '.join(fields)}, "
                    f"not {', '.join(COLUMNS)} with tabs between them"
                )
            header = True
        elif line:
            yield _row(fields, where=f"{url}, line {number}")
    if not header:
        raise ConfigError(f"{url} is empty")


def _row(fields: list[str], *, where: str) -> Row:
    """The last column is ragged: one more field a tag."""
    if len(fields) < len(COLUMNS):
        raise ConfigError(f"{where} has {len(fields)} columns, where 6 or more are expected")
    track_id, artist_id, album_id, path, _, *tags = fields
    if not _ID.fullmatch(track_id):
        raise ConfigError(f"{where}, TRACK_ID: {track_id!r} is not of the form track_0000215")
    if not _PATH.fullmatch(path):
        raise ConfigError(f"{where}, PATH: {path!r} is not of the form 15/215.mp3")
    for tag in tags:
        category, _, name = tag.partition("---")
        if category not in CATEGORIES or not name:
            raise ConfigError(
                f"{where}, TAGS: {tag!r} is not {', '.join(CATEGORIES)}, then --- and a name"
            )
    return Row(track_id, artist_id, album_id, path, tags)


def _audio(place: Place, findings: Findings) -> Audio:
    """The first place that has audio; its first folder says which quality it is."""
    for folder in AUDIO_FOLDERS:
        base = join(place.url, folder) if folder else place.url
        if not place.storage.is_dir(base):
            continue
        for number in range(100):
            ending = _ending(join(base, f"{number:02d}"), place=place)
            if ending is not None:
                return Audio(base, ending)
    findings.absent.append("audio: the folders 00 to 99")
    return Audio(place.url, FULL)


def _ending(url: str, *, place: Place) -> str | None:
    if not place.storage.is_dir(url):
        return None
    names = [entry.url for entry in place.storage.walk(url) if entry.url.endswith(FULL)]
    if not names:
        return None
    return LOW if all(name.endswith(LOW) for name in names) else FULL


def _parts(train: int, validation: int, test: int) -> dict[str, int]:
    return {"train": train, "validation": validation, "test": test}


MTG_JAMENDO = DataSet(
    title="MTG-Jamendo: 55,525 tracks with 183 tags in 5 splits (Bogdanov et al. 2019)",
    read=read_mtg_jamendo,
    splits=SPLITS,
    labels=tuple(FILES),
    counts={
        "0 top50": _parts(32_136, 10_888, 11_356),
        "1 top50": _parts(32_395, 10_619, 11_366),
        "2 top50": _parts(32_010, 11_961, 10_409),
        "3 top50": _parts(33_173, 10_468, 10_739),
        "4 top50": _parts(30_868, 11_593, 11_919),
        "0 genre": _parts(32_572, 11_043, 11_479),
        "0 instrument": _parts(14_395, 5_466, 5_115),
        "0 moodtheme": _parts(9_949, 3_802, 4_231),
    },
)
