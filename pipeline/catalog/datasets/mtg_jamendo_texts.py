"""The texts beside MTG-Jamendo's tables: names of tracks, artists and albums, and licences.

`raw.meta.tsv` has one line a track, with single quotation marks that no reader of CSV may take as
such; `audio_licenses.txt` has a path, a credit and a licence for each track, then an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.catalog.datasets import Findings, Place
from pipeline.catalog.datasets.published_files import first_file, numbered_lines
from pipeline.errors import ConfigError

TEXTS, LICENSES = "raw.meta.tsv", "audio_licenses.txt"
NEEDED = ("TRACK_ID", "ARTIST_ID", "TRACK_NAME", "ARTIST_NAME", "ALBUM_NAME")
UNUSED = frozenset({"ALBUM_ID", "RELEASEDATE", "URL"})
_YEAR = re.compile(r"[12][0-9]{3}(?=-|$)")
_PATH = re.compile(r"[0-9]{2}/[0-9]+\.mp3")
_URL = re.compile(r"licen[cs]e: *(https?://\S+)")
_CREATIVE = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/([0-9.]+)(?:/([a-z]+))?")


class Described(NamedTuple):
    """What the texts say of a track."""

    title: str | None
    artist: str
    album: str | None
    year: int | None


def texts(place: Place, findings: Findings, *, folders: Sequence[str]) -> dict[str, Described]:
    """By track_id; empty where the data set's texts are not there.

    Raises:
        ConfigError: the file is another one.
    """
    url = first_file(place.url, folders=folders, name=TEXTS, storage=place.storage)
    if url is None:
        findings.absent.append(f"{TEXTS}, with titles, artists, albums and years")
        return {}
    rows = list(_rows(url, place=place, findings=findings))
    artists: dict[str, set[str]] = {}
    for row in rows:
        artists.setdefault(row["ARTIST_NAME"].strip(), set()).add(row["ARTIST_ID"])
    shared = {name for name, ids in artists.items() if len(ids) > 1}
    return {row["TRACK_ID"]: _described(row, shared=shared) for row in rows}


def licenses(place: Place, findings: Findings, *, folders: Sequence[str]) -> dict[str, str]:
    """By path, such as `15/215.mp3`; empty where the list is not there.

    Raises:
        ConfigError: the file names no licence.
    """
    url = first_file(place.url, folders=folders, name=LICENSES, storage=place.storage)
    if url is None:
        findings.absent.append(f"{LICENSES}, with the licence of each track")
        return {}
    found, path = {}, None
    for _, line in numbered_lines(url, storage=place.storage):
        license_url = _URL.search(line)
        if _PATH.fullmatch(line.strip()):
            path = line.strip()
        elif path is not None and license_url:
            found[path] = _license(license_url[1])
    if not found:
        raise ConfigError(
            f"{url} names no licence: a path such as 15/215.mp3 is expected, and below it a line "
            "that ends in `license: URL`"
        )
    return found


def _rows(url: str, *, place: Place, findings: Findings) -> Iterator[dict[str, str]]:
    columns: list[str] = []
    unknown: list[str] = []
    for number, line in numbered_lines(url, storage=place.storage):
        fields = line.split("\t")
        if not columns:
            columns = fields
            missing = [name for name in NEEDED if name not in columns]
            if missing:
                raise ConfigError(f"{url} lacks the columns {', '.join(missing)}")
            unknown = [name for name in columns if name not in NEEDED and name not in UNUSED]
            continue
        if not line:
            continue
        at = columns.index("ARTIST_NAME")
        if len(fields) == len(columns) + 1 and not fields[at]:
            findings.faults[f"lines of {TEXTS} with an empty field too much, read without it"] += 1
            del fields[at]
        if len(fields) != len(columns):
            raise ConfigError(
                f"{url}, line {number} has {len(fields)} columns, its header {len(columns)}"
            )
        findings.ignored.update(f"{TEXTS}, column {name}" for name in unknown)
        yield dict(zip(columns, fields, strict=True))
    if not columns:
        raise ConfigError(f"{url} is empty")


def _described(row: dict[str, str], *, shared: set[str]) -> Described:
    artist = row["ARTIST_NAME"].strip()
    if not artist:
        artist = row["ARTIST_ID"]
    elif artist in shared:
        artist = f"{artist} ({row['ARTIST_ID']})"
    year = _YEAR.match(row.get("RELEASEDATE", ""))
    return Described(
        title=row["TRACK_NAME"].strip() or None,
        artist=artist,
        album=row["ALBUM_NAME"].strip() or None,
        year=int(year.group()) if year else None,
    )


def _license(url: str) -> str:
    """`CC BY-NC-SA 3.0 FR` for a Creative Commons URL, else the URL."""
    match = _CREATIVE.search(url)
    if match is None:
        return url
    return " ".join(["CC", match[1].upper(), match[2], *([match[3].upper()] if match[3] else [])])
