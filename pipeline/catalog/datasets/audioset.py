"""AudioSet as published: 2,084,320 clips of 10 s in 527 classes (Gemmeke et al. 2017).

PATH holds the lists of segments, class_labels_indices.csv, ontology.json (for the labels of music
or of a subtree), and the audio of the clips, as far as there is any, in any layout that
`audioset_audio.ClipAudio` knows. The labels are CC BY 4.0; the clips are YouTube's, and many are
gone, so a clip without audio is left out and counted. Where no clip has audio, all stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.catalog.datasets import DataSet, Findings, Place, Track, chosen
from pipeline.catalog.datasets.audioset_audio import ID, ClipAudio
from pipeline.catalog.datasets.audioset_ontology import (
    CHOICES,
    Labels,
    chosen_labels,
    csv_fields,
)
from pipeline.catalog.datasets.published_files import numbered_lines
from pipeline.errors import ConfigError
from pipeline.storage import join

NAME = "audioset"
PARTS = {"balanced_train": "train", "eval": "test", "unbalanced_train": "train"}
"""Part of the data set to split of the catalog."""
SPLITS = {
    "balanced": ("balanced_train", "eval"),
    "unbalanced": ("unbalanced_train", "balanced_train", "eval"),
}
_ID = re.compile(ID)
_STATED = re.compile(r"#.*\bnum_ytids=([0-9]+)")


class Clip(NamedTuple):
    """A line of a list of segments."""

    clip_id: str
    start_s: float
    class_ids: list[str]


def read_audioset(place: Place, findings: Findings) -> Iterator[Track]:
    """The clips of the chosen parts; one whose classes are all outside the labels has none of them.

    Raises:
        ConfigError: no list of segments is there, or a table is not AudioSet's.
    """
    choice = chosen(place.splits, known=tuple(SPLITS), what=f"splits of {NAME}")
    lists = {part: join(place.url, f"{part}_segments.csv") for part in SPLITS[choice]}
    found = [part for part in lists if place.storage.exists(lists[part])]
    if not found:
        raise ConfigError(
            f"{place.url} is not AudioSet: it has none of "
            f"{', '.join(f'{part}_segments.csv' for part in lists)}"
        )
    findings.absent += [f"{part}_segments.csv" for part in lists if part not in found]
    labels = chosen_labels(place, findings)
    audio = ClipAudio(place)
    if not audio:
        findings.absent.append("audio of every clip; all rows stand")
    dataset = place.name or f"{NAME}-{choice}"
    for part in found:
        silent = 0
        for clip in _clips(lists[part], part=part, labels=labels, place=place, findings=findings):
            uri = audio.find(clip.clip_id, start_s=clip.start_s)
            if uri is None and audio:
                silent += 1
                continue
            findings.tracks[part] += 1
            yield Track(
                track_id=f"{dataset}/{clip.clip_id}",
                uri=uri or join(place.url, "audio", part, f"{clip.clip_id}.wav"),
                dataset=dataset,
                split=PARTS[part],
                labels=[labels.kept[mid] for mid in clip.class_ids if mid in labels.kept],
            )
        if silent:
            findings.absent.append(f"audio of {silent:,} clip(s) of {part}, which are left out")


def _clips(
    url: str, *, part: str, labels: Labels, place: Place, findings: Findings
) -> Iterator[Clip]:
    """Clips of a list, whose number is compared with the one in its header."""
    stated, count = None, 0
    for number, line in numbered_lines(url, storage=place.storage):
        if not count and line.startswith("#"):
            match = _STATED.match(line)
            stated = int(match[1]) if match else stated
        elif line.strip():
            count += 1
            yield _clip(line, where=f"{url}, line {number}", labels=labels)
    if stated is not None and count < stated:
        findings.absent.append(f"{stated - count:,} of {part}_segments.csv's {stated:,} clips")
    elif stated is not None and count > stated:
        findings.faults[f"clips of {part}_segments.csv beyond the {stated:,} of its header"] = (
            count - stated
        )


def _clip(line: str, *, where: str, labels: Labels) -> Clip:
    fields = csv_fields(line, where=where)
    if len(fields) != 4:
        raise ConfigError(
            f"{where} has {len(fields)} fields instead of YTID, start_seconds, end_seconds and "
            "positive_labels in quotes"
        )
    clip_id, start, end, listed = fields
    if not _ID.fullmatch(clip_id):
        raise ConfigError(f"{where}, YTID: {clip_id!r} is not the id of a YouTube video")
    try:
        start_s, end_s = float(start), float(end)
    except ValueError as error:
        raise ConfigError(f"{where}, start_seconds and end_seconds: {error}") from None
    if not 0 <= start_s < end_s:
        raise ConfigError(f"{where}: the clip goes from {start} to {end} seconds")
    class_ids = [mid.strip() for mid in listed.split(",")]
    unknown = [mid for mid in class_ids if mid not in labels.names]
    if unknown:
        raise ConfigError(f"{where}, positive_labels: there is no class {unknown[0]!r}")
    return Clip(clip_id, start_s, list(dict.fromkeys(class_ids)))


_BALANCED = {"balanced_train": 22_160, "eval": 20_371}
"""As the lists' headers say; AudioSet's own page counts some clips more."""

AUDIOSET = DataSet(
    title="AudioSet: 2,084,320 clips of 10 s in 527 classes (Gemmeke et al. 2017)",
    read=read_audioset,
    splits=tuple(SPLITS),
    labels=CHOICES,
    counts={
        "balanced": _BALANCED,
        "unbalanced": {"unbalanced_train": 2_041_789} | _BALANCED,
    },
)
