"""What a SoundFont 2 file holds: its programs, and the recordings that each of them plays.

Two programs that play one recording are not two instruments: a split must not part them. The names
of the chunks and the layout of their records are those of the SoundFont technical specification
2.04, chapter 7.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

_LAYOUTS = {
    "phdr": struct.Struct("<20s3H12x"),  # name, program, bank, first zone
    "pbag": struct.Struct("<H2x"),  # first generator
    "pgen": struct.Struct("<2H"),  # kind, value
    "inst": struct.Struct("<20sH"),  # name, first zone
    "ibag": struct.Struct("<H2x"),
    "igen": struct.Struct("<2H"),
    "shdr": struct.Struct("<20x2I18x"),  # first and last sample point
}
_PLAYS_INSTRUMENT, _PLAYS_SAMPLE = 41, 53  # kinds of generators
_POINT_BYTES = 2


@dataclass(frozen=True)
class Font:
    """A sound font on this machine.

    Attributes:
        path: the file.
        sha256: of its bytes.
        presets: name of each program of the melodic bank 0, by number.
        recordings: hashes of the samples that each program plays.
    """

    path: Path
    sha256: str
    presets: dict[int, str]
    recordings: dict[int, frozenset[str]]


def read_font(path: str | Path) -> Font:
    """Reads which programs a font has, and what they play.

    Raises:
        ConfigError: it is not there, or is no SoundFont 2 file with a melodic bank.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"no sound font at {path}; give a file in the format SoundFont 2")
    data = path.read_bytes()
    try:
        chunks = dict(_chunks(data, start=0, end=len(data)))
        tables = {name: list(_records(chunks[name], name)) for name in _LAYOUTS}
        names, recordings = _programs(tables, points=chunks["smpl"])
    except (KeyError, IndexError, struct.error):
        raise ConfigError(f"{path} is not a whole file in the format SoundFont 2") from None
    if not names:
        raise ConfigError(f"{path} has no programs in the melodic bank 0")
    return Font(path, hashlib.sha256(data).hexdigest(), names, recordings)


def _chunks(data: bytes, *, start: int, end: int) -> Iterator[tuple[str, memoryview]]:
    """Name and content of each chunk, of those inside lists too."""
    view = memoryview(data)
    while start + 8 <= end:
        name, num_bytes = struct.unpack_from("<4sI", data, start)
        if name in (b"RIFF", b"LIST"):
            yield from _chunks(data, start=start + 12, end=start + 8 + num_bytes)
        else:
            yield name.decode("latin-1"), view[start + 8 : start + 8 + num_bytes]
        start += 8 + num_bytes + num_bytes % 2


def _records(chunk: memoryview, name: str) -> Iterator[tuple[Any, ...]]:
    layout = _LAYOUTS[name]
    return layout.iter_unpack(chunk[: len(chunk) // layout.size * layout.size])


def _programs(
    tables: dict[str, list[tuple[Any, ...]]], *, points: memoryview
) -> tuple[dict[int, str], dict[int, frozenset[str]]]:
    """Names and recordings by program; the last record of each table only ends the one before."""

    def zones(kind: str, first: int, end: int, generator: int) -> Iterable[int]:
        bags, generators = tables[f"{kind}bag"], tables[f"{kind}gen"]
        inside = generators[bags[first][0] : bags[end][0]]
        return [value for found, value in inside if found == generator]

    hashes = [
        hashlib.sha256(points[first * _POINT_BYTES : last * _POINT_BYTES]).hexdigest()
        for first, last in tables["shdr"]
    ]
    instruments, presets = tables["inst"], tables["phdr"]
    names, recordings = {}, {}
    for i, (name, program, bank, first) in enumerate(presets[:-1]):
        if bank != 0:
            continue
        played = zones("p", first, presets[i + 1][3], _PLAYS_INSTRUMENT)
        samples = {
            sample
            for each in played
            for sample in zones("i", instruments[each][1], instruments[each + 1][1], _PLAYS_SAMPLE)
        }
        names[program] = name.partition(b"\0")[0].decode("latin-1").strip()
        recordings[program] = frozenset(hashes[sample] for sample in samples)
    return names, recordings
