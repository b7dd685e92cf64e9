"""NSynth as it is on disk becomes catalog rows, and what is not NSynth is refused by name."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from jobs.dataset import main
from pipeline.catalog.datasets import BATCH_ROWS, Findings, Place, Track, nsynth, write_tracks
from pipeline.catalog.datasets.nsynth import read_nsynth
from pipeline.catalog.scan import open_catalog
from pipeline.errors import ConfigError
from pipeline.storage import Storage


def note(name: str, **changes: object) -> dict[str, object]:
    """An entry as NSynth's authors wrote it."""
    instrument, pitch, velocity = name.rsplit("-", 2)
    family, source, _ = instrument.rsplit("_", 2)
    return {
        "note": 201034,
        "sample_rate": 16000,
        "instrument_family": 9,
        "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
        "instrument_source_str": source,
        "note_str": name,
        "instrument_family_str": family,
        "instrument_str": instrument,
        "pitch": int(pitch),
        "instrument": 417,
        "velocity": int(velocity),
        "instrument_source": 2,
        "qualities_str": ["dark", "tempo-synced"],
    } | changes


LEAD, HORN = "synth_lead_synthetic_005-101-050", "brass_acoustic_016-063-100"


@pytest.fixture
def published(tmp_path, make_wave):
    """Two of the three parts; one note's audio is missing."""
    folder = tmp_path / "nsynth"
    for part, names in (("train", [LEAD, HORN]), ("test", ["vocal_acoustic_000-048-025"])):
        make_wave(folder / f"nsynth-{part}" / "audio" / f"{names[0]}.wav")
        examples = {name: note(name) for name in names}
        (folder / f"nsynth-{part}" / "examples.json").write_text(json.dumps(examples, indent=4))
    return folder


def read(folder: Path, *, name: str | None = None) -> tuple[list[Track], Findings]:
    findings = Findings()
    place = Place(url=str(folder), name=name, storage=Storage())
    return list(read_nsynth(place, findings)), findings


def test_a_note_has_its_labels_its_split_and_its_instrument_as_artist(published):
    tracks, findings = read(published)
    assert tracks[0] == Track(
        track_id=LEAD,
        uri=str(published / "nsynth-train" / "audio" / f"{LEAD}.wav"),
        title=LEAD,
        artist="synth_lead_synthetic_005",
        license="CC BY 4.0",
        dataset="nsynth",
        split="train",
        labels=[
            "instrument---synth_lead",
            "source---synthetic",
            "pitch---101",
            "velocity---050",
            "quality---dark",
            "quality---tempo-synced",
        ],
    )
    assert [track.split for track in tracks] == ["train", "train", "test"]
    assert findings.tracks == {"nsynth-train": 2, "nsynth-test": 1}
    assert findings.absent == ["nsynth-valid/examples.json"]
    assert not findings.ignored


def test_under_another_name_ids_and_instruments_differ_from_nsynths_and_no_licence_is_claimed(
    published,
):
    track = read(published, name="rendered-notes")[0][0]
    assert track.track_id == f"rendered-notes/{LEAD}"
    assert track.artist == "rendered-notes/synth_lead_synthetic_005"
    assert (track.title, track.dataset, track.license) == (LEAD, "rendered-notes", None)


def test_unknown_keys_are_counted_and_a_part_without_audio_is_named(tmp_path):
    part = tmp_path / "nsynth-valid"
    part.mkdir()
    (part / "examples.json").write_text(json.dumps({HORN: note(HORN, mood="sad")}))
    tracks, findings = read(tmp_path)
    assert [track.split for track in tracks] == ["validation"]
    assert "nsynth-valid/audio" in findings.absent
    assert "  ignored: mood, which stands 1 times" in findings.lines()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "not a JSON object of notes"),
        ("", "not a JSON object of notes"),
        ('{"a": 1}', "note 'a', the entry"),
        ('{"a": {"b": 1}}', "note 'a', note_str: Field required"),
        (json.dumps({"a": note(HORN)}), f"note 'a' calls itself '{HORN}'"),
        (json.dumps({HORN: note(HORN, pitch="63")}), "pitch: Input should be a valid integer"),
        (json.dumps({HORN: note(HORN, instrument_family_str="drums")}), "instrument_family_str"),
        (json.dumps({HORN: note(HORN)})[:-30], "cut off"),
        (json.dumps({HORN: note(HORN)})[:-1], "cut off"),
        ("{'a': 1}", "not JSON"),
    ],
)
def test_json_that_is_not_nsynths_is_refused(tmp_path, content, message):
    (tmp_path / "nsynth-test").mkdir()
    (tmp_path / "nsynth-test" / "examples.json").write_text(content)
    with pytest.raises(ConfigError, match=r"nsynth-test/examples\.json") as error:
        read(tmp_path)
    assert message in str(error.value)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "nsynth-test").mkdir()
    (tmp_path / "nsynth-test" / "examples.json").write_bytes(b'{"\xff\xfe": {}}')
    with pytest.raises(ConfigError, match="UTF-8"):
        read(tmp_path)


def test_a_folder_without_any_part_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="nsynth-train/examples"):
        read(tmp_path)


@given(
    entries=st.dictionaries(
        st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.text(max_size=30), max_size=3)
    ),
    more=st.integers(0, 50),
    indent=st.sampled_from([None, 1]),
)
def test_an_object_is_read_the_same_in_pieces_of_any_size(entries, more, indent):
    file = io.BytesIO(json.dumps(entries, indent=indent, ensure_ascii=False).encode())
    longest = max((len(json.dumps({k: v}, indent=1)) for k, v in entries.items()), default=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nsynth, "PIECE_CHARACTERS", longest + more)
        assert dict(nsynth._entries(file, url="here")) == entries


def test_tracks_are_written_batch_by_batch(tmp_path):
    tracks = (Track(track_id=str(i), uri=f"{i}.wav") for i in range(BATCH_ROWS + 5))
    url = write_tracks(tracks, name="many", root_url=str(tmp_path), storage=Storage())
    assert url == str(tmp_path / "imports" / "many.parquet")
    assert pq.read_table(url)["track_id"].to_pylist() == [str(i) for i in range(BATCH_ROWS + 5)]


def test_the_command_brings_the_notes_into_the_catalog_and_finds_them_unchanged(published, root):
    line = ["import", "nsynth", str(published), "--workspace", str(root)]
    first = CliRunner().invoke(main, line)
    assert first.exit_code == 0, first.output
    assert "absent: nsynth-valid/examples.json" in first.output
    assert "missing: 1" in first.output
    rows = open_catalog(str(root), storage=Storage()).to_pyarrow_table().to_pylist()
    kept = {row["track_id"]: row for row in rows}
    assert kept[LEAD]["sample_rate_hz"] == 8000
    assert kept[LEAD]["artist"] == "synth_lead_synthetic_005"
    assert (kept[HORN]["reason"], kept[HORN]["labels"][0]) == ("missing", "instrument---brass")
    assert "3 unchanged" in CliRunner().invoke(main, line).output


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path, root):
    result = CliRunner().invoke(main, ["import", "nsynth", str(tmp_path), "--workspace", str(root)])
    assert result.exit_code == 1
    assert "is not NSynth" in result.output
