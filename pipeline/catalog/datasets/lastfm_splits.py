"""Published splits of the Million Song Dataset, and its list of tracks with another song's tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.catalog.datasets import Findings, Place
from pipeline.catalog.datasets.plain_pickle import read_list
from pipeline.catalog.datasets.published_files import first_file, numbered_lines
from pipeline.errors import ConfigError

SPLITS = ("lee", "cals", "none")
FOLDERS = ("", "split/msd", "split", "data/splits")
TRACK_ID = re.compile(r"TR[0-9A-Z]{16}")
LEE_TRAIN, LEE_TEST = "filtered_list_train.cP", "filtered_list_test.cP"
NUM_LEE_TRAIN = 201_680
"""The first of Lee's train list; the others of that list validate."""
NUM_LEE = {LEE_TRAIN: 213_454, LEE_TEST: 28_435}
CALS = "msd_splits.tsv"
CALS_ID, CALS_SPLIT, CALS_UNUSED = "clip_ids", "splits", frozenset({"", "length"})
CALS_PARTS = {"TRAIN": "train", "VALID": "validation", "TEST": "test"}
CALS_UNLABELLED = ("STUDENT", "NONE")
MISMATCHES = "sid_mismatches.txt"
_MISMATCH = re.compile(rf"ERROR: <(SO[0-9A-Z]{{16}}) ({TRACK_ID.pattern})>")

Member = tuple[str, str]
"""Track id, and split of the catalog."""


def members(choice: str, *, place: Place, findings: Findings) -> Iterator[Member]:
    """The tracks of Lee's split or of CALS.

    Raises:
        ConfigError: a list is missing, or is not that split's.
    """
    return (_lee if choice == "lee" else _cals)(place, findings)


def _lee(place: Place, findings: Findings) -> Iterator[Member]:
    for name, num_published in NUM_LEE.items():
        url = _found(name, split="lee", place=place)
        ids = read_list(url, storage=place.storage)
        if len(ids) != num_published:
            findings.absent.append(f"{name} as published: {num_published:,} ids, not {len(ids):,}")
        for at, track_id in enumerate(ids):
            if not TRACK_ID.fullmatch(track_id):
                raise ConfigError(f"{url}, entry {at + 1}: {track_id[:80]!r} is not a track id")
            train = "train" if at < NUM_LEE_TRAIN else "validation"
            yield track_id, train if name == LEE_TRAIN else "test"


def _cals(place: Place, findings: Findings) -> Iterator[Member]:
    url = _found(CALS, split="cals", place=place)
    columns: list[str] = []
    for number, line in numbered_lines(url, storage=place.storage):
        fields = line.split("\t")
        if not columns:
            columns = _cals_columns(fields, url=url)
        elif len(fields) != len(columns):
            raise ConfigError(
                f"{url}, line {number} has {len(fields)} columns, the header has {len(columns)}"
            )
        else:
            row = dict(zip(columns, fields, strict=True))
            track_id, part = row[CALS_ID], row[CALS_SPLIT].upper()
            if not TRACK_ID.fullmatch(track_id):
                raise ConfigError(
                    f"{url}, line {number}, column {CALS_ID}: {track_id[:80]!r} is not a track id"
                )
            if part in CALS_UNLABELLED:
                findings.ignored[f"split {part} of {CALS}, without labels"] += 1
            elif part in CALS_PARTS:
                yield track_id, CALS_PARTS[part]
            else:
                raise ConfigError(
                    f"{url}, line {number}, column {CALS_SPLIT}: {part[:80]!r} is none of "
                    f"{', '.join([*CALS_PARTS, *CALS_UNLABELLED])}"
                )
    if not columns:
        raise ConfigError(f"{url} is empty")


def _cals_columns(columns: list[str], *, url: str) -> list[str]:
    needed = {CALS_ID, CALS_SPLIT}
    if not needed <= set(columns) <= needed | CALS_UNUSED or len(set(columns)) < len(columns):
        raise ConfigError(
            f"{url}: the columns are {', '.join(map(repr, columns))}; those of the split cals are "
            f"{CALS_ID}, {CALS_SPLIT} and length, with tabs between"
        )
    return columns


def mismatched(place: Place, findings: Findings) -> Iterator[str]:
    """Ids of tracks whose sound is another song than their names and tags.

    Raises:
        ConfigError: a line does not name one.
    """
    url = first_file(place.url, folders=FOLDERS, name=MISMATCHES, storage=place.storage)
    if url is None:
        findings.absent.append(f"{MISMATCHES}; tracks with another song's tags stay")
        return
    for number, line in numbered_lines(url, storage=place.storage):
        match = _MISMATCH.match(line)
        if match:
            yield match[2]
        elif line.strip():
            raise ConfigError(
                f"{url}, line {number}: {line[:80]!r} does not begin with ERROR: <SO... TR...>"
            )


def _found(name: str, *, split: str, place: Place) -> str:
    url = first_file(place.url, folders=FOLDERS, name=name, storage=place.storage)
    if url is None:
        where = ", ".join(f"{folder or '.'}/{name}" for folder in FOLDERS)
        raise ConfigError(
            f"{place.url} has no {name}, which the split {split} needs (looked for {where}); add "
            "it, or take --splits none"
        )
    return url
