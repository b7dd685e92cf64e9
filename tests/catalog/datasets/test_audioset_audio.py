"""A clip's audio is found under every name that tools give it, and no other excerpt is taken."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog.datasets import Place
from pipeline.catalog.datasets.audioset_audio import ClipAudio
from pipeline.storage import Entry, Storage


class Listed(Storage):
    """A store with these files below /set, none of which is opened."""

    def __init__(self, *paths: str) -> None:
        object.__setattr__(self, "paths", paths)

    def is_dir(self, url: str) -> bool:
        return True

    def walk(self, url: str) -> Iterator[Entry]:
        yield from (Entry(f"/set/{path}", 1, "1") for path in sorted(self.paths))


def audio(*paths: str) -> ClipAudio:
    return ClipAudio(Place(url="/set", name=None, storage=Listed(*paths)))


IDS = st.text(string.ascii_letters + string.digits + "-_", min_size=11, max_size=11)
START_S = st.integers(0, 5_000_000).map(lambda thousandths: thousandths / 1000)


@pytest.mark.parametrize(
    "path",
    [
        "audio/eval/Y_Hxph-WEs_.wav",
        "eval/YY_Hxph-WEs_.flac",
        "Y_Hxph-WEs_.M4A",
        "a/b/c/Y_Hxph-WEs__30.mp3",
        "YY_Hxph-WEs__30.000.wav",
        "Y_Hxph-WEs__30.000_40.000.wav",
        "Y_Hxph-WEs__30000_40000.flac",
    ],
)
def test_every_common_name_is_matched(path):
    assert audio(path, "other.wav").find("Y_Hxph-WEs_", start_s=30.0) == f"/set/{path}"


@pytest.mark.parametrize(
    "path",
    [
        "y-_Hxph-WEs_.wav",
        "-_Hxph-WEs_.csv",
        "-_Hxph-WEs__31.wav",
        "-_Hxph-WEs__300000.wav",
        "-_Hxph-WEs_-30.wav",
        "-_Hxph-WEs_.wav.part",
        "-_hxph-wes_.wav",
    ],
)
def test_other_files_and_other_excerpts_are_not_the_clip(path):
    assert audio(path).find("-_Hxph-WEs_", start_s=30.0) is None


def test_of_several_files_the_first_that_fits_is_taken():
    clips = audio("b/0RWZT-miFs_.wav", "a/0RWZT-miFs__10.wav", "a/0RWZT-miFs__30.wav")
    assert clips.find("0RWZT-miFs_", start_s=30.0) == "/set/a/0RWZT-miFs__30.wav"
    assert clips.find("0RWZT-miFs_", start_s=60.0) == "/set/b/0RWZT-miFs_.wav"


def test_an_empty_folder_has_no_audio():
    assert not audio("class_labels_indices.csv")
    assert audio().find("0RWZT-miFs_", start_s=0.0) is None


@given(
    clips=st.dictionaries(IDS, START_S, max_size=30),
    folder=st.sampled_from(["", "audio/eval/"]),
    before=st.sampled_from(["", "Y"]),
    style=st.sampled_from(["", "_{:.3f}", "_{}", "_{:.3f}_9999.000", "ms"]),
)
def test_every_clip_finds_its_own_file(clips, folder, before, style):
    def path(clip_id: str, start_s: float) -> str:
        after = f"_{round(start_s * 1000)}" if style == "ms" else style.format(start_s)
        return f"{folder}{before}{clip_id}{after}.wav"

    paths = {clip_id: path(clip_id, start_s) for clip_id, start_s in clips.items()}
    found = audio(*paths.values())
    assert len(found) == len(clips)
    for clip_id, start_s in clips.items():
        assert found.find(clip_id, start_s=start_s) == f"/set/{paths[clip_id]}"
