"""What is searched for: tags, ranges and limits, checked; and how people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from pipeline.errors import ConfigError

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MODES = ("major", "minor")
UNWANTED_PERCENTILE = 75.0
"""Without thresholds an unwanted tag is one of a track's where the track is in the tag's upper
quarter: a tag that is commoner than that still leaves some of its tracks in."""

_NUMBER = r"\d*\.?\d+(?:e-?\d+)?"
_LIKE = re.compile(rf"(?P<tag>.+?)(?:>=(?P<minimum>{_NUMBER}))?(?:\*(?P<weight>{_NUMBER}))?")
_NOT = re.compile(rf"(?P<tag>.+?)(?:<=(?P<maximum>{_NUMBER}))?")
_RANGE = re.compile(r"(?P<column>\w+)=(?P<low>[^:]*)(?P<colon>:?)(?P<high>[^:]*)")


@dataclass(frozen=True)
class WantedTag:
    """A tag that tracks shall have.

    Attributes:
        tag: its name, or `category---name`.
        minimum: the lowest score that will do, 0 to 1; None: any.
        weight: its part in the combined score, above 0.
    """

    tag: str
    minimum: float | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class UnwantedTag:
    """A tag that tracks shall not have.

    Attributes:
        tag: its name, or `category---name`.
        maximum: the highest score that will do, 0 to 1; None: what is positive is out, or what is
            over `Search.unwanted_percentile` where the model has no thresholds.
    """

    tag: str
    maximum: float | None = None


@dataclass(frozen=True)
class Range:
    """Bounds of a number of the catalog or the descriptors, both included; None: no bound."""

    column: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Search:
    """What tracks are wanted: all of it holds. A track without a value that is asked for is out.

    Attributes:
        like: tags that rank the tracks.
        unlike: tags that put tracks out.
        ranges: of `year`, `duration_s`, or a descriptor such as `tempo_bpm`.
        artists: any of these, without regard to case.
        datasets: any of these.
        keys: any of these tonics (C, C#, ... B).
        mode: major or minor.
        per_artist: tracks of one artist at most; tracks without an artist are not counted.
        limit: tracks at most.
        model: a current model (scoring id, version, name) or taxonomy; None: the one that has
            the tags.
        unwanted_percentile: 0 to 100, of a tag's scores over the catalog.

    Raises:
        ConfigError: nothing is asked for, or something that no track can have; all is listed.
    """

    like: tuple[WantedTag, ...] = ()
    unlike: tuple[UnwantedTag, ...] = ()
    ranges: tuple[Range, ...] = ()
    artists: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    mode: str | None = None
    per_artist: int | None = None
    limit: int = 100
    model: str | None = None
    unwanted_percentile: float = UNWANTED_PERCENTILE

    def __post_init__(self) -> None:
        asked = (self.like, self.unlike, self.ranges, self.artists, self.datasets, self.keys)
        faults = [*_limit_faults(self), *_tag_faults(self), *_range_faults(self)]
        if not any(asked) and self.mode is None:
            faults.append(
                "nothing is asked for: give a tag (--like, --not), a range, an artist, a data set, "
                "a key or a mode"
            )
        if faults:
            raise ConfigError("the search cannot be answered:\n  " + "\n  ".join(faults))


def wanted_tags(texts: Iterable[str]) -> tuple[WantedTag, ...]:
    """Tags as people write them: `piano`, `piano>=0.5`, `piano*2`; several with commas.

    Raises:
        ConfigError: a text of another form.
    """
    found = []
    for part in _parts(texts):
        match = _LIKE.fullmatch(part)
        if not match:
            _refuse(part, form="TAG, TAG>=MINIMUM or TAG*WEIGHT")
        weight = 1.0 if match["weight"] is None else float(match["weight"])
        found.append(WantedTag(match["tag"].strip(), _number(match["minimum"]), weight))
    return tuple(found)


def unwanted_tags(texts: Iterable[str]) -> tuple[UnwantedTag, ...]:
    """Tags as people write them: `vocal`, `vocal<=0.3`; several with commas.

    Raises:
        ConfigError: a text of another form.
    """
    found = []
    for part in _parts(texts):
        match = _NOT.fullmatch(part)
        if not match:
            _refuse(part, form="TAG or TAG<=MAXIMUM")
        found.append(UnwantedTag(match["tag"].strip(), _number(match["maximum"])))
    return tuple(found)


def ranges(texts: Iterable[str]) -> tuple[Range, ...]:
    """Ranges as people write them: `tempo_bpm=80:100`, `year=1990:`, `year=:1999`, `year=1991`.

    Raises:
        ConfigError: a text of another form.
    """
    found = []
    for text in texts:
        match = _RANGE.fullmatch(text.replace(" ", ""))
        try:
            if not match or not (match["low"] or match["high"]):
                raise ValueError
            low = float(match["low"]) if match["low"] else None
            high = float(match["high"]) if match["high"] else None
        except ValueError:
            _refuse(text, form="COLUMN=LOW:HIGH (one of them may be left out) or COLUMN=VALUE")
        found.append(Range(match["column"], low, high if match["colon"] else low))
    return tuple(found)


def _parts(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _refuse(text: str, *, form: str) -> NoReturn:
    raise ConfigError(f"{text!r} is not of the form {form}")


def _limit_faults(search: Search) -> list[str]:
    faults = [
        f"{name} is {value}: give 1 or more"
        for name, value in (("limit", search.limit), ("per_artist", search.per_artist))
        if value is not None and value < 1
    ]
    if not 0 <= search.unwanted_percentile <= 100:
        faults.append(f"unwanted_percentile is {search.unwanted_percentile}: give 0 to 100")
    if search.mode is not None and search.mode not in MODES:
        faults.append(f"mode is {search.mode!r}: give {' or '.join(MODES)}")
    unknown = [key for key in search.keys if key not in KEYS]
    if unknown:
        faults.append(f"no key {', '.join(map(repr, unknown))}: give one of {', '.join(KEYS)}")
    return faults


def _tag_faults(search: Search) -> list[str]:
    scores = [(f"{one.tag}>=", one.minimum) for one in search.like]
    scores += [(f"{one.tag}<=", one.maximum) for one in search.unlike]
    faults = [
        f"{text}{value}: scores are 0 to 1"
        for text, value in scores
        if value is not None and not 0 <= value <= 1
    ]
    faults += [
        f"the weight of {one.tag} is {one.weight}: give a number above 0"
        for one in search.like
        if not (one.weight > 0 and math.isfinite(one.weight))
    ]
    return faults


def _range_faults(search: Search) -> list[str]:
    faults = []
    for column in dict.fromkeys(one.column for one in search.ranges):
        low, high = bounds(search.ranges, column=column)
        if not low <= high:
            faults.append(f"no {column} is {low:g} or more and {high:g} or less")
    return faults


def bounds(all_ranges: Sequence[Range], *, column: str) -> tuple[float, float]:
    """The bounds that all ranges of a column leave; infinite where there is none."""
    mine = [one for one in all_ranges if one.column == column]
    low = max((one.low for one in mine if one.low is not None), default=-math.inf)
    high = min((one.high for one in mine if one.high is not None), default=math.inf)
    return low, high
