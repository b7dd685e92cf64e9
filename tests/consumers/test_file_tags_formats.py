"""Tags are there, what was there stays, and the audio is the same to the last bit."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from workspace import RATE_HZ, tone

from pipeline.consumers.file_tags_fields import Fields, Filled
from pipeline.consumers.file_tags_formats import Written, require_mutagen, write_fields
from pipeline.errors import ConfigError

mutagen = pytest.importorskip("mutagen")

FIELDS = Fields(
    {
        "EARMARK_TAGS": ("genre---rock", "mood---ñandú"),
        "EARMARK_SCORES": ("0.9000", "0.5000"),
        "EARMARK_MODEL": ("net@0123",),
    },
    {
        Filled.GENRE: ("rock", "pop"),
        Filled.MOOD: ("sad",),
        Filled.BPM: ("120",),
        Filled.KEY: ("C#m",),
    },
)
KINDS = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "wav": ("WAV", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
}
ALL = [*KINDS, "m4a"]
TITLE = "Étude = 1"


def encode(path: Path) -> Path:
    wave = tone(440.0, seconds=1.0, sample_rate=48_000)
    if path.suffix == ".m4a":
        av = pytest.importorskip("av")
        with av.open(str(path), "w", format="ipod") as container:
            stream = container.add_stream("aac", rate=48_000, layout="mono")
            for start in range(0, len(wave) - 1024, 1024):
                block = np.ascontiguousarray(wave[np.newaxis, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                frame.sample_rate = 48_000
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path
    kind, subtype = KINDS[path.suffix[1:]]
    soundfile.write(path, wave, 48_000, format=kind, subtype=subtype)
    return path


def titled(path: Path) -> Path:
    """With a title of its own, and a genre."""
    audio = mutagen.File(path, easy=path.suffix not in (".wav", ".aiff"))
    if audio.tags is None:
        audio.add_tags()
    if path.suffix in (".wav", ".aiff"):
        audio.tags.add(mutagen.id3.TIT2(encoding=3, text=[TITLE]))
        audio.tags.add(mutagen.id3.TCON(encoding=3, text=["Baroque"]))
    else:
        audio["title"], audio["genre"] = [TITLE], ["Baroque"]
    audio.save()
    return path


def decoded(path: Path) -> np.ndarray:
    if path.suffix != ".m4a":
        return soundfile.read(path, dtype="float32")[0]
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def audio_bytes(path: Path) -> bytes | list[bytes]:
    """The coded audio alone: what is left without any metadata."""
    data = path.read_bytes()
    if path.suffix == ".mp3":
        size = 0
        if data[:3] == b"ID3":
            size = 10 + sum(byte << 7 * (3 - i) for i, byte in enumerate(data[6:10]))
        return data[size:-128] if data[-128:-125] == b"TAG" else data[size:]
    if path.suffix == ".flac":
        at, last = 4, False
        while not last:
            last = bool(data[at] & 0x80)
            at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        return data[at:]
    if path.suffix in (".ogg", ".opus"):
        with path.open("rb") as file:
            pages = []
            while True:
                try:
                    pages.append(mutagen.ogg.OggPage(file))
                except EOFError:
                    break
        packets = mutagen.ogg.OggPage.to_packets(pages)
        return [packets[0], *packets[2:]]
    names = {".wav": (b"data", "<I"), ".aiff": (b"SSND", ">I"), ".m4a": (b"mdat", ">I")}
    name, form = names[path.suffix]
    at = data.index(name)
    length = at - 4 if path.suffix == ".m4a" else at + 4
    (size,) = struct.unpack(form, data[length : length + 4])
    return data[at + 4 : length + size] if path.suffix == ".m4a" else data[at + 8 : at + 8 + size]


def own_texts(path: Path, name: str) -> list[str]:
    tags = mutagen.File(path).tags
    if path.suffix == ".m4a":
        return [bytes(one).decode() for one in tags[f"----:com.apple.iTunes:{name}"]]
    if path.suffix in (".mp3", ".wav", ".aiff"):
        return list(tags[f"TXXX:{name}"].text)
    return list(tags[name])


def told(path: Path, key: str) -> list[str]:
    """A standard field, by the name of Vorbis comments."""
    tags = mutagen.File(path).tags
    id3 = {"title": "TIT2", "genre": "TCON", "mood": "TMOO", "bpm": "TBPM", "key": "TKEY"}
    mp4 = {"title": "\xa9nam", "genre": "\xa9gen", "bpm": "tmpo"}
    mp4 |= {"mood": "----:com.apple.iTunes:MOOD", "key": "----:com.apple.iTunes:initialkey"}
    if path.suffix == ".m4a":
        values = tags.get(mp4[key], [])
        return [bytes(v).decode() if isinstance(v, bytes) else str(v) for v in values]
    if path.suffix in (".mp3", ".wav", ".aiff"):
        return [str(text) for frame in tags.getall(id3[key]) for text in frame.text]
    return list(tags.get(key, []))


@pytest.mark.parametrize("ending", ALL)
def test_the_fields_are_there_and_the_audio_is_the_same(tmp_path, ending):
    path = encode(tmp_path / f"a.{ending}")
    before, coded = decoded(path), audio_bytes(path)
    assert write_fields(path, FIELDS) == (Written.TAGGED, "")
    for name, texts in FIELDS.own.items():
        assert own_texts(path, name) == list(texts)
    assert told(path, "genre") == ["rock", "pop"]
    assert told(path, "mood") == ["sad"]
    assert told(path, "bpm") == ["120"]
    assert told(path, "key") == ["C#m"]
    assert audio_bytes(path) == coded
    assert np.array_equal(decoded(path), before)


@pytest.mark.parametrize("ending", ALL)
def test_what_the_file_said_stays_and_a_genre_is_not_replaced(tmp_path, ending):
    path = titled(encode(tmp_path / f"a.{ending}"))
    coded = audio_bytes(path)
    write_fields(path, FIELDS)
    assert told(path, "title") == [TITLE]
    assert told(path, "genre") == ["Baroque"]
    assert told(path, "bpm") == ["120"]
    assert audio_bytes(path) == coded


@pytest.mark.parametrize("ending", ALL)
def test_writing_again_replaces_what_earmark_wrote(tmp_path, ending):
    path = encode(tmp_path / f"a.{ending}")
    write_fields(path, FIELDS)
    write_fields(path, Fields({"EARMARK_MODEL": ("next@1",)}, {}))
    assert own_texts(path, "EARMARK_MODEL") == ["next@1"]
    with pytest.raises(KeyError):
        own_texts(path, "EARMARK_TAGS")
    assert told(path, "mood") == ["sad"]


def test_an_id3v23_tag_stays_one_with_frames_that_24_does_not_have(tmp_path):
    path = encode(tmp_path / "a.mp3")
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=1, text=[TITLE]))
    tags.add(mutagen.id3.TYER(encoding=0, text=["1893"]))
    tags.add(mutagen.id3.TSIZ(encoding=0, text=["9"]))
    tags.save(path, v2_version=3)
    plain = path.read_bytes()
    unknown = b"XYZZ" + struct.pack(">I", 4) + b"\0\0" + b"keep"
    size = sum(byte << 7 * (3 - i) for i, byte in enumerate(plain[6:10])) + len(unknown)
    length = bytes(size >> 7 * (3 - i) & 127 for i in range(4))
    path.write_bytes(plain[:6] + length + unknown + plain[10:])
    coded = audio_bytes(path)
    write_fields(path, FIELDS)
    after = mutagen.id3.ID3(path, translate=False)
    assert after.version[:2] == (2, 3)
    assert [str(text) for text in after["TYER"].text] == ["1893"]
    assert "TSIZ" in after
    assert after.unknown_frames == [unknown]
    assert after["TXXX:EARMARK_TAGS"].text == list(FIELDS.own["EARMARK_TAGS"])
    assert after["TXXX:MOOD"].text == ["sad"]
    assert audio_bytes(path) == coded


def test_a_new_id3_tag_is_version_24(tmp_path):
    path = encode(tmp_path / "a.mp3")
    write_fields(path, FIELDS)
    assert path.read_bytes()[:4] == b"ID3\x04"


def test_a_picture_stays(tmp_path):
    path = encode(tmp_path / "a.flac")
    audio = mutagen.flac.FLAC(path)
    picture = mutagen.flac.Picture()
    picture.data, picture.type, picture.mime = b"\x89PNG" * 100, 3, "image/png"
    audio.add_picture(picture)
    audio.save()
    write_fields(path, FIELDS)
    assert mutagen.flac.FLAC(path).pictures[0].data == b"\x89PNG" * 100


@pytest.mark.parametrize(
    ("name", "data", "written"),
    [
        ("a.txt", b"plain words", Written.UNKNOWN_FORMAT),
        ("a", b"\0" * 200, Written.UNKNOWN_FORMAT),
        ("a.aac", b"\xff\xf1" + b"\0" * 300, Written.UNREADABLE),
        ("a.mp3", b"<html>404</html>" * 40, Written.UNREADABLE),
        ("a.mp3", b"", Written.UNREADABLE),
        ("a.flac", b"fLaC" + b"\0" * 10, Written.UNREADABLE),
        ("a.wav", b"RIFF\x04\0\0\0WAVE", Written.UNREADABLE),
    ],
)
def test_a_file_without_a_place_for_tags_is_told_and_left(tmp_path, name, data, written):
    path = tmp_path / name
    path.write_bytes(data)
    found, detail = write_fields(path, FIELDS)
    assert found is written, detail
    assert detail
    assert path.read_bytes() == data


def test_without_mutagen_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mutagen", None)
    with pytest.raises(ConfigError, match=r"earmark\[file-tags\]"):
        require_mutagen()


def test_the_rate_of_the_tests_tones_is_no_matter(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(100.0, seconds=0.5), RATE_HZ)
    copy = shutil.copy(path, tmp_path / "b.wav")
    write_fields(Path(copy), FIELDS)
    assert np.array_equal(decoded(path), decoded(Path(copy)))
