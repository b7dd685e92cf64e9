"""Scores of the rendered catalog: which ones of music21's corpus, and their notes.

Files whose headers reserve derivative formats (Palestrina), forbid commercial use (Essen) or are
under the GPL (Josquin) are left out. Nothing is written: parsing goes past music21's cache of
pickles, and the corpus is listed by its folders, since building music21's own index is slow.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.catalog.rendered_programs import Texture

TRADITIONAL = "Traditional"
_TUNE = re.compile(r"^(?=X:)", re.MULTILINE)


class Note(NamedTuple):
    """A note; start and length in quarter notes, MIDI pitch."""

    start: float
    length: float
    pitch: int


@dataclass(frozen=True)
class Score:
    """Parts from high to low; `bars` are the starts of the bars, and the end of the music."""

    title: str
    artist: str
    mode: str | None
    bars: tuple[float, ...]
    parts: tuple[tuple[Note, ...], ...]


@dataclass(frozen=True)
class Source:
    """Files of the corpus that are alike.

    Attributes:
        name: first part of the track's id.
        pattern: files, relative to the corpus; of the form FOLDER/TITLE/FILE where a work has
            several movements.
        texture: what their parts are.
        artist: who made it; None: as the file says.
        tempo_bpm: slowest and fastest that it is played, quarter notes a minute.
        max_bytes: larger files take music21 seconds to parse and are left out.
    """

    name: str
    pattern: str
    texture: Texture
    artist: str | None
    tempo_bpm: tuple[int, int]
    max_bytes: int = 45_000


# Early music has no major and minor, so it gets no `mode` label.
MODAL = frozenset({"luca", "lusitano", "monteverdi", "trecento"})

_M, _K, _S, _V = Texture.MELODY, Texture.KEYBOARD, Texture.SONG, Texture.VOICES
SOURCES = (
    Source("bach", "bach/bwv*.mxl", _V, "Johann Sebastian Bach", (66, 96)),
    Source("ryan", "ryansMammoth/*.abc", _M, TRADITIONAL, (150, 200)),
    Source("mozart", "mozart/k[!5]*/*.mxl", _V, "Wolfgang Amadeus Mozart", (90, 130)),
    Source("schumann-c", "schumann_clara/p*.mxl", _K, "Clara Schumann", (80, 110)),
    Source("oneill", "oneills1850/*.abc", _M, TRADITIONAL, (150, 200)),
    Source("haydn", "haydn/*/*.mxl", _V, "Joseph Haydn", (90, 130)),
    Source("handel", "handel/*/*.mxl", _S, "George Frideric Handel", (60, 80)),
    Source("joplin", "joplin/*.mxl", _K, "Scott Joplin", (80, 100)),
    Source("aird", "airdsAirs/*.abc", _M, TRADITIONAL, (120, 180), 100_000),
    Source("trecento", "trecento/*.xml", _V, None, (110, 150), 300_000),
    Source("chopin", "chopin/*.krn", _K, "Frédéric Chopin", (110, 140)),
    Source("monteverdi", "monteverdi/*.mxl", _V, "Claudio Monteverdi", (100, 140)),
    Source("schubert", "schubert/*.xml", _S, "Franz Schubert", (60, 80), 1_000_000),
    Source("schumann-r", "schumann_robert/opus41*/*.mxl", _V, "Robert Schumann", (90, 130), 20_000),
    Source("beethoven", "beethoven/opus18no1/*.mxl", _V, "Ludwig van Beethoven", (90, 140)),
    Source("corelli", "corelli/*/*.xml", _V, "Arcangelo Corelli", (60, 80), 200_000),
    Source("weber", "weber/*.mxl", _S, "Carl Maria von Weber", (90, 120), 100_000),
    Source("cpebach", "cpebach/*.mxl", _K, "Carl Philipp Emanuel Bach", (50, 70)),
    Source("verdi", "verdi/*.mxl", _K, "Giuseppe Verdi", (110, 140)),
    Source("johnson", "johnson_j_r/*.mxl", _V, "J. Rosamond Johnson", (80, 100)),
    Source("lusitano", "lusitano/*.mxl", _V, "Vicente Lusitano", (100, 140)),
    Source("luca", "luca/*.xml", _V, "D. Luca", (100, 140), 400_000),
    Source("foster", "leadSheet/foster*.mxl", _M, "Stephen Foster", (80, 110)),
)


@dataclass(frozen=True)
class ScoreRef:
    """One score: a file, or one tune of a file of tunes (`tune` counts from 0)."""

    source: Source
    path: str
    tune: int | None

    @property
    def work(self) -> str:
        """What must not straddle a split: the movements in one folder are one work."""
        if self.source.pattern.count("/") == 2:
            return str(Path(self.path).parent)
        return self.slug

    @property
    def slug(self) -> str:
        """Readable and unique within the catalog."""
        path = Path(self.path)
        tune = () if self.tune is None else (f"tune{self.tune + 1}",)
        text = "-".join((self.source.name, *path.parts[1:-1], path.stem, *tune))
        return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def seeded(seed: int, name: str) -> random.Random:
    """A source of choices of its own for each thing that is named."""
    return random.Random(f"{seed}/{name}")


def choose_scores(corpus: Path, *, seed: int) -> Iterator[ScoreRef]:
    """Scores in a seeded order: one of each source in turn, until all are used up."""
    pools = []
    for source in SOURCES:
        pool = list(_pool(corpus, source))
        seeded(seed, source.name).shuffle(pool)
        pools.append(pool)
    for turn in zip_longest(*pools):
        yield from (ref for ref in turn if ref is not None)


def _pool(corpus: Path, source: Source) -> Iterator[ScoreRef]:
    for path in sorted(corpus.glob(source.pattern)):
        if path.stat().st_size > source.max_bytes:
            continue
        name = path.relative_to(corpus).as_posix()
        tunes = range(len(_tunes(path))) if path.suffix == ".abc" else [None]
        yield from (ScoreRef(source, name, tune) for tune in tunes)


def _tunes(path: Path) -> list[str]:
    return _TUNE.split(path.read_text(encoding="utf-8", errors="replace"))[1:]


def read_score(corpus: Path, ref: ScoreRef) -> Score:
    """Parses one score with music21."""
    from music21 import converter

    path = corpus / ref.path
    # music21 warns of bars that are a little too long in some files; they sound right.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if ref.tune is None:
            stream = converter.parse(path, forceSource=True, storePickle=False)
        else:
            stream = converter.parse(_tunes(path)[ref.tune], format="abc", forceSource=True)
    parts = tuple(_notes(part) for part in stream.parts)
    return Score(
        title=_title(stream, ref),
        artist=ref.source.artist or _composer(stream),
        mode=None if ref.source.name in MODAL else _declared_mode(stream),
        bars=_bars(stream, end=max(note.start + note.length for part in parts for note in part)),
        parts=tuple(part for part in parts if part),
    )


def _notes(part: Any) -> tuple[Note, ...]:  # noqa: ANN401 - music21's Part
    """Sounding notes in order of time; tied notes are one, grace notes are left out."""
    notes: list[Note] = []
    tied: dict[int, int] = {}
    for element in part.flatten().notes:
        length = float(element.quarterLength)
        if length == 0:
            continue
        for single in element.notes if element.isChord else [element]:
            _append(notes, tied, single, Note(float(element.offset), length, single.pitch.midi))
    return tuple(notes)


def _append(notes: list[Note], tied: dict[int, int], single: Any, note: Note) -> None:  # noqa: ANN401
    """Adds a note, or lengthens the one that it is tied to; `tied` is pitch to index."""
    tie = single.tie.type if single.tie is not None else None
    if tie in ("stop", "continue") and note.pitch in tied:
        before = notes[tied[note.pitch]]
        notes[tied[note.pitch]] = before._replace(length=note.start + note.length - before.start)
    else:
        tied[note.pitch] = len(notes)
        notes.append(note)
    if tie not in ("start", "continue"):
        tied.pop(note.pitch, None)


def _bars(stream: Any, *, end: float) -> tuple[float, ...]:  # noqa: ANN401 - music21's Score
    starts = {float(measure.offset) for measure in stream.parts[0].getElementsByClass("Measure")}
    return (*sorted(start for start in starts if start < end), end)


def _declared_mode(stream: Any) -> str | None:  # noqa: ANN401 - music21's Score
    """`major` or `minor` if the first key of the score says so, else None."""
    for key in stream.recurse().getElementsByClass("Key"):
        return key.mode if key.mode in ("major", "minor") else None
    return None


def _title(stream: Any, ref: ScoreRef) -> str:  # noqa: ANN401 - music21's Score
    """The score's own title, or a readable form of its file's name."""
    title = (stream.metadata.bestTitle or "").strip(" .") if stream.metadata else ""
    parts = {str(part.partName).lower() for part in stream.parts}
    if len(title) > 4 and title.lower() not in parts and not title.endswith((".mxl", ".xml")):
        return " ".join(title.split())
    return " ".join(Path(ref.path).with_suffix("").parts[1:]).replace("_", " ")


def _composer(stream: Any) -> str:  # noqa: ANN401 - music21's Score
    """The first line of the file's composer, without years in brackets."""
    name = (stream.metadata.composer or "") if stream.metadata else ""
    return name.partition("\n")[0].partition("(")[0].strip() or "Anonymous"
