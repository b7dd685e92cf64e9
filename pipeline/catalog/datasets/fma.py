"""FMA as published: 106,574 tracks of the Free Music Archive by genre (Defferrard et al. 2017).

PATH holds fma_metadata with tracks.csv and genres.csv, and the audio in fma_small, fma_medium,
fma_large or fma_full, or directly in folders 000, 001 and so on. The durations of tracks.csv are
wrong in places and are not read. Some tracks stand twice: `earmark dataset check` names those whose
files are the same. Formats and faults: github.com/mdeff/fma, README and issues 4, 8, 23, 41 and 44.
"""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator, Mapping

from pipeline.catalog.datasets import DataSet, Findings, Place, Track, chosen
from pipeline.errors import ConfigError
from pipeline.storage import Storage, join

NAME = "fma"
SUBSETS = ("small", "medium", "large")
"""Values of the column set.subset; each subset holds those before it."""
SPLITS = (*SUBSETS, "full")
"""`full` has the tracks of `large`, untrimmed."""
LABELS = ("top", "all", "genres")
PARTS = {"training": "train", "validation": "validation", "test": "test"}
"""Value of the column set.split to split of the catalog."""
TRACKS, GENRES = "fma_metadata/tracks.csv", "fma_metadata/genres.csv"
COLUMNS = {
    "album": "comments date_created date_released engineer favorites id information listens "
    "producer tags title tracks type",
    "artist": "active_year_begin active_year_end associated_labels bio comments date_created "
    "favorites id latitude location longitude members name related_projects tags website "
    "wikipedia_page",
    "set": "split subset",
    "track": "bit_rate comments composer date_created date_recorded duration favorites genre_top "
    "genres genres_all information interest language_code license listens lyricist number "
    "publisher tags title",
}
KNOWN = frozenset(f"{group}.{name}" for group in COLUMNS for name in COLUMNS[group].split())
GENRE_COLUMNS = ["genre_id", "#tracks", "parent", "title", "top_level"]
EMPTY = frozenset({99134, 108925, 133297})
SHORT = frozenset(
    {
        *(1486, 5574, 65753, 80391, *range(98558, 98570), 98571, 105247, 108924),
        *(126981, 127336, 143992),
    }
)
"""Beside the empty clips."""
MAX_FIELD_CHARACTERS = 2**24
"""Biographies may be longer than the csv module's own limit."""
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}")
_LITERAL_FAULTS = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)

Row = Mapping[str, str]


def read_fma(place: Place, findings: Findings) -> Iterator[Track]:
    """The tracks of the chosen subset and of those it holds, in the official split.

    Clips that are known to be empty or short have their rows too: the decoder says of each file
    what it is. A track without a top genre (or without genres) has no labels, rather than none of
    the genres.

    Raises:
        ConfigError: the tables are missing, or a line of them is not FMA's.
    """
    choice = chosen(place.splits, known=SPLITS, what=f"splits of {NAME}")
    kind = chosen(place.labels, known=LABELS, what=f"labels of {NAME}")
    missing = [name for name in (TRACKS, GENRES) if not place.storage.exists(join(place.url, name))]
    if missing:
        raise ConfigError(f"{place.url} is not FMA: it has no {' and no '.join(missing)}")
    wanted = SUBSETS[: SPLITS.index(choice) + 1]
    titles = _titles(join(place.url, GENRES), storage=place.storage)
    folder = _audio(place, findings, choice=choice)
    dataset = place.name or f"{NAME}-{choice}"
    for where, row in _rows(join(place.url, TRACKS), storage=place.storage):
        number = _number(row["track_id"], where=f"{where}, column track_id")
        subset = _one_of(SUBSETS, row["set.subset"], where=f"{where}, column set.subset")
        part = _one_of(tuple(PARTS), row["set.split"], where=f"{where}, column set.split")
        if subset not in wanted:
            continue
        findings.tracks[subset] += 1
        if choice != "full":
            _tell_faults(number, findings)
        yield Track(
            track_id=f"{dataset}/{number}",
            uri=join(folder, f"{number:06d}"[:3], f"{number:06d}.mp3"),
            title=row["track.title"].strip() or None,
            artist=row["artist.name"].strip() or None,
            album=row["album.title"].strip() or None,
            year=_year(row, where=where),
            license=row["track.license"].strip() or None,
            dataset=dataset,
            split=PARTS[part],
            labels=_labels(row, kind=kind, titles=titles, where=where),
        )


def _tell_faults(number: int, findings: Findings) -> None:
    if number in EMPTY:
        findings.faults["clips without audio; their rows stand, and the decoder rejects them"] += 1
    elif number in SHORT:
        findings.faults["clips shorter than 30 s; their rows stand"] += 1


def _audio(place: Place, findings: Findings, *, choice: str) -> str:
    """The folder that has 000/000002.mp3: the chosen one, a larger, a smaller, or PATH itself."""
    at = SPLITS.index(choice)
    for other in (*SPLITS[at:], *reversed(SPLITS[:at])):
        folder = join(place.url, f"fma_{other}")
        if place.storage.is_dir(folder):
            if other != choice:
                kind = "untrimmed tracks" if other == "full" else "clips"
                findings.absent.append(f"fma_{choice}; the {kind} of fma_{other} stand for it")
            return folder
    if place.storage.is_dir(join(place.url, "000")):
        return place.url
    findings.absent.append(f"fma_{choice}, the audio")
    return join(place.url, f"fma_{choice}")


def _labels(row: Row, *, kind: str, titles: Mapping[int, str], where: str) -> list[str] | None:
    if kind == "top":
        top = row["track.genre_top"].strip()
        if top and top not in titles.values():
            raise ConfigError(f"{where}, column track.genre_top: {GENRES} has no title {top!r}")
        return [f"genre---{top}"] if top else None
    column = "track.genres_all" if kind == "all" else "track.genres"
    try:
        ids = ast.literal_eval(row[column])
    except _LITERAL_FAULTS:
        ids = None
    if not isinstance(ids, list) or not all(type(one) is int for one in ids):
        raise ConfigError(f"{where}, column {column}: {row[column][:80]!r} is no list of numbers")
    unknown = [one for one in ids if one not in titles]
    if unknown:
        raise ConfigError(f"{where}, column {column}: {GENRES} has no genre {unknown[0]}")
    return list(dict.fromkeys(f"genre---{titles[one]}" for one in ids)) or None


def _year(row: Row, *, where: str) -> int | None:
    """When the album came out, else when the track was put into the archive."""
    for column in ("album.date_released", "track.date_created"):
        text = row[column].strip()
        match = _DATE.match(text)
        if match:
            return int(match[1])
        if text:
            raise ConfigError(f"{where}, column {column}: {text!r} is not a date (2009-01-05)")
    return None


def _titles(url: str, *, storage: Storage) -> dict[int, str]:
    """Genre id to title."""
    titles: dict[int, str] = {}
    records = _records(url, storage=storage)
    where, columns = next(records, (url, []))
    if columns != GENRE_COLUMNS:
        raise ConfigError(
            f"{where}: the columns are {', '.join(columns) or 'none'}; FMA's are "
            f"{', '.join(GENRE_COLUMNS)}"
        )
    for where, fields in records:
        row = dict(zip(columns, _as_wide(fields, columns, where=where), strict=True))
        if not row["title"].strip():
            raise ConfigError(f"{where}, column title: it is empty")
        number = _number(row["genre_id"], where=f"{where}, column genre_id")
        titles[number] = row["title"].strip()
    return titles


def _rows(url: str, *, storage: Storage) -> Iterator[tuple[str, Row]]:
    """Where each track stands, and its fields by `group.name`."""
    records = _records(url, storage=storage)
    head = [fields for _, (_, fields) in zip(range(3), records, strict=False)]
    if len(head) < 3 or len(head[0]) != len(head[1]) or head[2][:1] != ["track_id"]:
        raise ConfigError(
            f"{url} is not FMA's: its header should have three lines, groups of columns (album, "
            "artist, set, track), their names, and `track_id`"
        )
    columns = [f"{group}.{name}" for group, name in zip(head[0][1:], head[1][1:], strict=True)]
    for what, names in (
        ("lacks", sorted(KNOWN - set(columns))),
        ("has the unknown", sorted(set(columns) - KNOWN)),
        ("has twice", sorted({name for name in columns if columns.count(name) > 1})),
    ):
        if names:
            raise ConfigError(f"{url} {what} column(s) {', '.join(names[:5])}")
    columns.insert(0, "track_id")
    for where, fields in records:
        yield where, dict(zip(columns, _as_wide(fields, columns, where=where), strict=True))


def _records(url: str, *, storage: Storage) -> Iterator[tuple[str, list[str]]]:
    """Each record of a csv file with the line that it begins in; a field may have many lines."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    with storage.open(url) as file:
        reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield f"{url}, line {line}", fields
                line = reader.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise ConfigError(f"{url}, line {line}, is not csv in UTF-8: {error}") from None


def _as_wide(fields: list[str], columns: list[str], *, where: str) -> list[str]:
    if len(fields) != len(columns):
        raise ConfigError(f"{where} has {len(fields)} columns, the header has {len(columns)}")
    return fields


def _number(text: str, *, where: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"{where}: {text[:80]!r} is not a number")
    return int(text)


def _one_of(known: tuple[str, ...], text: str, *, where: str) -> str:
    if text not in known:
        raise ConfigError(f"{where}: {text[:80]!r} is none of {', '.join(known)}")
    return text


_SMALL, _MEDIUM, _LARGE = 8_000, 25_000, 106_574
_ADDED = {"small": _SMALL, "medium": _MEDIUM - _SMALL, "large": _LARGE - _MEDIUM}

FMA = DataSet(
    title="FMA: 106,574 tracks of the Free Music Archive in 161 genres (Defferrard et al. 2017)",
    read=read_fma,
    splits=SPLITS,
    labels=LABELS,
    counts={
        choice: {subset: _ADDED[subset] for subset in SUBSETS[: at + 1]}
        for at, choice in enumerate(SPLITS)
    },
)
