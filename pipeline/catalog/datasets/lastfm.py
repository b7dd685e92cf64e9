"""The Million Song Dataset with Last.fm's tags as published (Bertin-Mahieux et al. 2011).

PATH holds lastfm_tags.db, unique_tracks.txt (with the songs' names), the lists of the chosen split,
and sid_mismatches.txt, which names tracks that sound otherwise than their tags say. The previews of
30 s may not be passed on; where there are any, they are named A/B/C/TRABC....mp3 after the third to
fifth letter of the track id, or 1/2/12345.clip.mp3 after 7digital's, with the pickles
MSD_id_to_7D_id.pkl and 7D_id_to_path.pkl. No licence is stated for them.

Of the splits, `lee` shares artists between its parts (Lee et al. 2017); `cals` does not (Won et al.
2021). Choi, whose list is Lee's source, counted a tag from a value above 50: `top50-over:50`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from string import ascii_uppercase

from pipeline.catalog.datasets import DataSet, Findings, Place, Track, chosen
from pipeline.catalog.datasets.lastfm_splits import (
    FOLDERS,
    SPLITS,
    TRACK_ID,
    members,
    mismatched,
)
from pipeline.catalog.datasets.lastfm_tags import Song, TagBase, open_tags
from pipeline.catalog.datasets.plain_pickle import read_dict
from pipeline.catalog.datasets.published_files import first_file, numbered_lines
from pipeline.errors import ConfigError
from pipeline.models.published_tags import msd50
from pipeline.storage import join

NAME = "msd-lastfm"
LABELS = ("top50", "top50-over:", "all")
TAGS, SONGS = "lastfm_tags.db", "unique_tracks.txt"
PREVIEW_IDS, PREVIEW_PATHS = "MSD_id_to_7D_id.pkl", "7D_id_to_path.pkl"
TABLE_FOLDERS = ("", "lastfm", "AdditionalFiles")


def read_lastfm(place: Place, findings: Findings) -> Iterator[Track]:
    """The tracks of the chosen split, or all that have a tag; ids in their order.

    A track with other tags than those of the labels has none of them; one that the database does
    not know has unknown labels.

    Raises:
        ConfigError: the database or a list is missing, or a file is not what its name says.
    """
    choice = chosen(place.splits, known=SPLITS, what=f"splits of {NAME}")
    kind = chosen(place.labels, known=LABELS, what=f"labels of {NAME}")
    over = _value(kind.removeprefix("top50-over:")) if ":" in kind else 0.0
    top = dict(zip(msd50().names, msd50().tags, strict=True))
    url = first_file(place.url, folders=TABLE_FOLDERS, name=TAGS, storage=place.storage)
    if url is None:
        raise ConfigError(
            f"{place.url} is not the Million Song Dataset with tags: it has no {TAGS}"
        )
    dataset, uri_of = place.name or f"{NAME}-{choice}", _previews(place, findings)
    with open_tags(url, storage=place.storage) as base:
        _pick(base, choice=choice, place=place, findings=findings)
        base.name(_names(place, findings))
        for song in base.songs(tags=None if kind == "all" else list(top), over=over):
            if not TRACK_ID.fullmatch(song.track_id):
                raise ConfigError(f"{url}, table tids: {song.track_id[:80]!r} is not a track id")
            if song.tags is None:
                findings.faults[f"tracks that {TAGS} does not know; their rows stand"] += 1
            yield Track(
                track_id=f"{dataset}/{song.track_id}",
                uri=uri_of(song.track_id),
                title=song.title,
                artist=song.artist,
                dataset=dataset,
                split=song.split,
                labels=_labels(song, top=None if kind == "all" else top, findings=findings),
            )


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 100:
        raise ConfigError(
            f"labels of {NAME}: top50-over:{text} should end in a number from 0 to 99, the value "
            "that a tag must exceed"
        )
    return value


def _pick(base: TagBase, *, choice: str, place: Place, findings: Findings) -> None:
    """Takes the split's tracks; the findings count them before any is left out."""
    if choice == "none":
        base.pick_tagged()
    else:
        twice = base.pick(members(choice, place=place, findings=findings))
        if twice:
            findings.faults[f"ids that stand twice in {choice}; the first place holds"] = twice
    for split, count in base.counts().items():
        findings.tracks[split or "all"] = count
    left_out = base.leave_out(mismatched(place, findings))
    if left_out:
        findings.faults["tracks with another song's tags, left out"] = left_out


def _labels(song: Song, *, top: dict[str, str] | None, findings: Findings) -> list[str] | None:
    if song.tags is None or top is not None:
        return None if song.tags is None else [(top or {})[tag] for tag in song.tags]
    blank = sum(not tag.strip() for tag in song.tags)
    if blank:
        findings.ignored["tag without a letter"] += blank
    return [f"lastfm---{tag}" for tag in song.tags if tag.strip()]


def _names(place: Place, findings: Findings) -> Iterator[tuple[str, str | None, str | None]]:
    """Track id, artist and title of each song."""
    url = first_file(place.url, folders=TABLE_FOLDERS, name=SONGS, storage=place.storage)
    if url is None:
        findings.absent.append(f"{SONGS}, with artists and titles")
        return
    for number, line in numbered_lines(url, storage=place.storage):
        fields = line.split("<SEP>")
        if len(fields) == 4 and TRACK_ID.fullmatch(fields[0]):
            yield fields[0], fields[2].strip() or None, fields[3].strip() or None
        elif line.strip():
            raise ConfigError(
                f"{url}, line {number}: {line[:80]!r} is not of the form "
                "TR...<SEP>SO...<SEP>artist<SEP>title"
            )


def _previews(place: Place, findings: Findings) -> Callable[[str], str]:
    """Gives the URL of a track's preview."""

    def by_letters(track_id: str) -> str:
        return join(place.url, *track_id[2:5], f"{track_id}.mp3")

    if any(place.storage.is_dir(join(place.url, letter)) for letter in ascii_uppercase):
        return by_letters
    urls = [
        first_file(place.url, folders=FOLDERS, name=name, storage=place.storage)
        for name in (PREVIEW_IDS, PREVIEW_PATHS)
    ]
    if None in urls:
        findings.absent.append("previews")
        return by_letters
    ids, paths = (read_dict(url, storage=place.storage) for url in urls if url is not None)

    def by_preview(track_id: str) -> str:
        path = paths.get(ids.get(track_id, ""))
        return by_letters(track_id) if path is None else join(place.url, path)

    return by_preview


LASTFM = DataSet(
    title="Million Song Dataset with Last.fm's tags: 505,216 tagged tracks (Bertin-Mahieux 2011)",
    read=read_lastfm,
    splits=SPLITS,
    labels=LABELS,
    counts={
        "lee": {"train": 201_680, "validation": 11_774, "test": 28_435},
        # from the README of github.com/minzwon/semi-supervised-music-tagging-transformer
        "cals": {"train": 163_504, "validation": 34_730, "test": 34_913},
        "none": {"all": 505_216},
    },
)
