"""NSynth as published: single notes of 11 instrument families (Engel et al. 2017, CC BY 4.0).

PATH holds nsynth-train, nsynth-valid and nsynth-test, each with examples.json and audio/. A note's
instrument stands as the catalog's artist: it is what splits must not share. The file of the train
part has 289,205 notes, so it is read entry by entry.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.catalog.datasets import DataSet, Findings, Place, Track
from pipeline.errors import ConfigError
from pipeline.storage import join

NAME = "nsynth"
LICENSE = "CC BY 4.0"
PARTS = {"train": "train", "valid": "validation", "test": "test"}
"""Part of the data set to split of the catalog."""

Family = Literal[
    "bass",
    "brass",
    "flute",
    "guitar",
    "keyboard",
    "mallet",
    "organ",
    "reed",
    "string",
    "synth_lead",
    "vocal",
]
PIECE_CHARACTERS = 2**20
_BETWEEN = re.compile(r"[\s,]*")
_COLON = re.compile(r"\s*:\s*")


class Note(BaseModel):
    """What is read of an entry of examples.json; all other keys of NSynth are named in KNOWN."""

    model_config = ConfigDict(extra="allow", strict=True)

    note_str: str = Field(min_length=1)
    instrument_str: str = Field(min_length=1)
    instrument_family_str: Family
    instrument_source_str: Literal["acoustic", "electronic", "synthetic"]
    pitch: int = Field(ge=0, le=127)
    velocity: int = Field(ge=0, le=127)
    qualities_str: list[str]


KNOWN = frozenset(
    {
        *("note", "instrument", "sample_rate", "qualities"),
        *("instrument_family", "instrument_source"),
    }
)


def read_nsynth(place: Place, findings: Findings) -> Iterator[Track]:
    """The notes of all parts that are there.

    Under a name of its own (notes that were rendered or recorded in NSynth's layout), ids and
    instruments begin with that name, so that they differ from NSynth's, and no licence is claimed.

    Raises:
        ConfigError: no part is there, or an examples.json is not NSynth's.
    """
    found = False
    for part, split in PARTS.items():
        folder = join(place.url, f"nsynth-{part}")
        examples = join(folder, "examples.json")
        if not place.storage.exists(examples):
            findings.absent.append(f"nsynth-{part}/examples.json")
            continue
        found = True
        if not place.storage.is_dir(join(folder, "audio")):
            findings.absent.append(f"nsynth-{part}/audio")
        with place.storage.open(examples) as file:
            for note in _notes(file, url=examples):
                findings.tracks[f"nsynth-{part}"] += 1
                findings.ignored.update((note.model_extra or {}).keys() - KNOWN)
                yield _track(note, folder=folder, split=split, name=place.name)
    if not found:
        raise ConfigError(
            f"{place.url} is not NSynth: it has none of "
            f"{', '.join(f'nsynth-{part}/examples.json' for part in PARTS)}"
        )


def _track(note: Note, *, folder: str, split: str, name: str | None) -> Track:
    prefix = "" if name is None else f"{name}/"
    return Track(
        track_id=prefix + note.note_str,
        uri=join(folder, "audio", f"{note.note_str}.wav"),
        title=note.note_str,
        artist=prefix + note.instrument_str,
        license=LICENSE if name is None else None,
        dataset=name or NAME,
        split=split,
        labels=[
            f"instrument---{note.instrument_family_str}",
            f"source---{note.instrument_source_str}",
            f"pitch---{note.pitch:03d}",
            f"velocity---{note.velocity:03d}",
            *(f"quality---{quality}" for quality in note.qualities_str),
        ],
    )


def _notes(file: IO[bytes], *, url: str) -> Iterator[Note]:
    for key, entry in _entries(file, url=url):
        try:
            note = Note.model_validate(entry)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "the entry"
            raise ConfigError(
                f"{url} is not NSynth's: note {key!r}, {where}: {fault['msg']}"
            ) from None
        if note.note_str != key:
            raise ConfigError(f"{url} is not NSynth's: note {key!r} calls itself {note.note_str!r}")
        yield note


def _entries(file: IO[bytes], *, url: str) -> Iterator[tuple[str, Any]]:
    """Key and value of each member of a JSON object, with no more than a piece in memory."""
    reader = io.TextIOWrapper(file, encoding="utf-8-sig")
    decoder = json.JSONDecoder()
    try:
        text = reader.read(PIECE_CHARACTERS).lstrip()
        if not text.startswith("{"):
            raise ConfigError(f"{url} is not NSynth's: not a JSON object of notes")
        at, ended = 1, False
        while True:
            at = _end(_BETWEEN, text, at)
            if text.startswith("}", at):
                return
            try:
                key, colon = decoder.raw_decode(text, at)
                value, at = decoder.raw_decode(text, _end(_COLON, text, colon))
            except json.JSONDecodeError as error:
                if ended or len(text) - at > PIECE_CHARACTERS:
                    raise ConfigError(f"{url} is not JSON, or cut off: {error}") from None
                piece = reader.read(PIECE_CHARACTERS)
                text, at, ended = text[at:] + piece, 0, not piece
            else:
                yield key, value
    except UnicodeDecodeError as error:
        raise ConfigError(f"{url} is not text in UTF-8: {error}") from None


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


NSYNTH = DataSet(
    title="NSynth: 305,979 notes of 1,006 instruments in 11 families (Engel et al. 2017)",
    read=read_nsynth,
    counts={"": {"nsynth-train": 289_205, "nsynth-valid": 12_678, "nsynth-test": 4_096}},
)
