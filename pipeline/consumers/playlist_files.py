"""Playlists as files: M3U8, XSPF 1, JSPF and CSV. Pure: text in, bytes out.

XSPF: "XSPF Version 1" (xspf.org, 2007): locations are URIs, durations are milliseconds. JSPF: the
same as JSON (xspf.org/jspf), with lists of locations and identifiers. M3U8: extended M3U in UTF-8
(`#EXTINF:seconds,artist - title`, RFC 8216 for the tags' form); local files stand as paths, which
more players read than URIs, unless a path would break the format's lines.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from pipeline.urls import is_local, local_path

XSPF_NAMESPACE = "http://xspf.org/ns/0/"
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2, Char) has no way to write."""
RESERVED = "/:@!$&'()*+,;="
"""Signs that RFC 3986 lets stand in an authority or a path."""
QUERY = "?#[]%"
COLUMNS = (
    *("position", "track_id", "uri", "artist", "title", "album", "duration_s", "closeness"),
    *("similarity", "tempo_bpm", "key", "energy", "reason"),
)


class PlaylistFormat(StrEnum):
    """How a playlist is written."""

    TABLE = "table"
    M3U8 = "m3u8"
    XSPF = "xspf"
    JSPF = "jspf"
    CSV = "csv"


@dataclass(frozen=True)
class Entry:
    """A track as files know it.

    Attributes:
        track_id: its identity.
        uri: where its audio is, as in the catalog.
        title: None if unknown; so are artist, album and duration_s (seconds).
        reason: why it is there.
        facts: further columns of the CSV by name.
    """

    track_id: str
    uri: str
    title: str | None
    artist: str | None
    album: str | None
    duration_s: float | None
    reason: str
    facts: dict[str, Any]


def write_playlist(
    entries: Sequence[Entry], *, title: str, playlist_format: PlaylistFormat
) -> bytes:
    """A playlist as a file's bytes.

    Args:
        entries: in order.
        title: of the playlist.
        playlist_format: any but `table`.
    """
    writers = {
        PlaylistFormat.M3U8: _m3u8,
        PlaylistFormat.XSPF: _xspf,
        PlaylistFormat.JSPF: _jspf,
        PlaylistFormat.CSV: _csv,
    }
    return writers[playlist_format](entries, title)


def as_uri(uri: str) -> str:
    """A place of the catalog as a URI of RFC 3986.

    A local path becomes `file:///...`. Names of objects are taken as they are, so that a percent
    sign or a question mark in one is escaped; an http URL is escaped already, and keeps its own.
    """
    if is_local(uri):
        return Path(local_path(uri)).as_uri()
    scheme, _, rest = uri.partition("://")
    kept = RESERVED + QUERY if scheme in ("http", "https") else RESERVED
    return f"{scheme}://{quote(rest, safe=kept)}"


def one_line(text: str | None) -> str:
    """The text without control characters: each, also a line's end, becomes a space."""
    return "".join(sign if sign.isprintable() else " " for sign in text or "").strip()


def _m3u8(entries: Sequence[Entry], title: str) -> bytes:
    lines = ["#EXTM3U", f"#PLAYLIST:{one_line(title)}"]
    for entry in entries:
        seconds = -1 if entry.duration_s is None else round(entry.duration_s)
        name = " - ".join(filter(None, (one_line(entry.artist), one_line(entry.title))))
        lines.append(f"#EXTINF:{seconds},{name or one_line(entry.track_id)}")
        lines += [f"# {one_line(entry.reason)}"] if entry.reason else []
        lines.append(_m3u8_place(entry.uri))
    return ("\n".join(lines) + "\n").encode()


def _m3u8_place(uri: str) -> str:
    if not is_local(uri):
        return as_uri(uri)
    path = local_path(uri)
    return path if one_line(path) == path else as_uri(uri)


def _xspf(entries: Sequence[Entry], title: str) -> bytes:
    root = ElementTree.Element("playlist", {"version": "1", "xmlns": XSPF_NAMESPACE})
    _child(root, "title", title)
    _child(root, "creator", "Earmark")
    tracks = ElementTree.SubElement(root, "trackList")
    for entry in entries:
        track = ElementTree.SubElement(tracks, "track")
        for name, value in _track_facts(entry).items():
            _child(track, name, str(value))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _child(parent: ElementTree.Element, name: str, text: str) -> None:
    """Readers of XML make one newline of a carriage return, so it is one here already."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    ElementTree.SubElement(parent, name).text = NOT_IN_XML.sub(" ", lines)


def _jspf(entries: Sequence[Entry], title: str) -> bytes:
    tracks = []
    for entry in entries:
        facts = _track_facts(entry)
        listed = {name: [facts[name]] for name in ("location", "identifier")}
        tracks.append(facts | listed)
    whole = {"playlist": {"title": title, "creator": "Earmark", "track": tracks}}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def _track_facts(entry: Entry) -> dict[str, Any]:
    """What XSPF and JSPF say of a track, in the order of the specification; unknown is left out."""
    facts = {
        "location": as_uri(entry.uri),
        "identifier": "earmark:" + quote(entry.track_id, safe=""),
        "title": entry.title,
        "creator": entry.artist,
        "annotation": entry.reason,
        "album": entry.album,
        "duration": None if entry.duration_s is None else round(entry.duration_s * 1000),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def _csv(entries: Sequence[Entry], title: str) -> bytes:
    del title
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for position, entry in enumerate(entries, 1):
        row = {name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)}
        writer.writerow(entry.facts | row | {"position": position})
    return text.getvalue().encode()
