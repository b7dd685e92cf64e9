"""What a recap says, of a person or a population: plain data for page, table and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

MOOD = "mood"
"""Category of the tags that a recap shows as moods."""


@dataclass(frozen=True)
class Entry:
    """An artist or a track.

    Attributes:
        name: of the artist, or the title.
        artist: of a track; empty for an artist.
        plays: how often.
        listened_s: time, seconds.
        users: who played it, in a population; else None.
    """

    name: str
    artist: str
    plays: int
    listened_s: float
    users: int | None = None


@dataclass(frozen=True)
class TagShare:
    """A tag of the listening time.

    Attributes:
        taxonomy: short name of its list.
        category: of the tag.
        tag: its name.
        share: 0 to 1, the mean weight over the time of tagged tracks. A tag of a tagger with
            thresholds weighs 1 where it is positive; without, a track's best tags of the category
            share a weight of 1 by their scores.
        users: who heard it, in a population; else None.
    """

    taxonomy: str
    category: str
    tag: str
    share: float
    users: int | None = None


@dataclass(frozen=True)
class Period:
    """A month (`2025-03`), an hour (`17`), a weekday (`Monday`) or an hour of one (`Monday 17`)."""

    label: str
    plays: int
    listened_s: float
    users: int | None = None


@dataclass(frozen=True)
class TagRow:
    """A tag over periods: its share in each; None where nothing tagged was played."""

    tag: str
    shares: tuple[float | None, ...]


@dataclass(frozen=True)
class TagGrid:
    """Tags against the periods that head its columns."""

    periods: tuple[str, ...]
    rows: tuple[TagRow, ...]


@dataclass(frozen=True)
class Sessions:
    """Listening without a pause of 30 minutes.

    Attributes:
        count: sessions.
        mean_s: mean time listened in one, seconds.
        mean_plays: mean plays in one.
        longest_s: of a person; None for a population.
        longest_on: its day, local; empty for a population.
    """

    count: int
    mean_s: float
    mean_plays: float
    longest_s: float | None = None
    longest_on: str = ""


@dataclass(frozen=True)
class Personality:
    """Values of the four axes, in the order of `recap_formulas.AXES`; for a population, means."""

    values: tuple[float | None, ...]
    letters: str
    words: tuple[str, ...]
    notes: tuple[str, ...] = ()
    types: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Read:
    """What was found in the files.

    Attributes:
        files: that were read.
        formats: of these.
        left_out: files of a folder that are no history.
        rows: of the files, whatever they hold.
        faults: rows that cannot be used, by reason.
        shown: some of these rows.
        skips: plays shorter than history.min_s.
        duplicates: rows that say the same again.
    """

    files: int
    formats: tuple[str, ...]
    left_out: tuple[str, ...]
    rows: int
    faults: dict[str, int]
    shown: tuple[str, ...]
    skips: int = 0
    duplicates: int = 0


@dataclass(frozen=True)
class Match:
    """How the history meets the catalog.

    Attributes:
        plays: all.
        matched: plays of tracks that the catalog has.
        by: plays by how the track was found: id, isrc, name.
        unmatched: the commonest that were not found: artist, title, plays.
    """

    plays: int
    matched: int
    by: dict[str, int]
    unmatched: tuple[tuple[str, str, int], ...]

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.matched / self.plays if self.plays else 0.0


@dataclass(frozen=True)
class Recap:
    """All of it. `users` and `suppressed` (cells left out, by table) are of a population."""

    user: str
    first_day: str
    last_day: str
    timezone: str
    plays: int
    listened_s: float
    num_artists: int
    num_tracks: int
    artists: tuple[Entry, ...]
    tracks: tuple[Entry, ...]
    tags: tuple[TagShare, ...]
    moods: tuple[TagShare, ...]
    months: tuple[Period, ...]
    weekdays: tuple[Period, ...]
    hours: tuple[Period, ...]
    slots: tuple[Period, ...]
    moods_by_month: TagGrid
    moods_by_hour: TagGrid
    sessions: Sessions
    personality: Personality
    read: Read
    match: Match
    users: int | None = None
    min_users: int | None = None
    suppressed: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """All facts as JSON text."""
        facts = asdict(self)
        facts["match"]["share"] = self.match.share
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
