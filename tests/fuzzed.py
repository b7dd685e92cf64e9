"""Foreign files for fuzzing: small sound ones of each kind made in code, and how to damage them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from hypothesis import strategies as st
from tensorflow_file import block as entries
from tensorflow_file import checkpoint, varint

from pipeline.models.tensorflow_bundle import _masked_crc32c

RATE_HZ = 16_000
SUBTYPES = (
    *(("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS")),
    *(("WAV", "PCM_16"), ("WAV", "MS_ADPCM"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16")),
    *(("AIFF", "PCM_16"), ("AU", "PCM_16"), ("CAF", "ALAC_16"), ("W64", "PCM_16")),
)
CONTAINERS = (("ipod", "aac"), ("adts", "aac"), ("matroska", "aac"), ("asf", "wmav2"))
"""What FFmpeg reads and libsndfile does not, with what is in it."""
MARKS = (
    *(b"OggS", b"OpusHead", b"RIFF", b"LIST", b"INFO", b"data", b"fmt ", b"ID3\x03\0\0", b"TAG"),
    *(b"moov", b"trak", b"udta", b"ilst", b"covr", b"Xing", b"fLaC", b"\xff\xfb\x90\x64", b"FORM"),
    *(b"{", b"[", b'"', b"\\u0000", b"\n", b",", b"\0", b"PK\x01\x02", b"PAR1", b"\xef\xbb\xbf"),
)
EXTREMES = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0")
LISTENS = [{"user": "ada", "track": f"t{i}", "time": f"2024-03-0{i}T10:00:00Z"} for i in (1, 2, 3)]
TRACKS = [
    {"uri": f"t{i}.wav", "title": "Só", "year": "1999", "labels": "mood---calm", "split": "test"}
    for i in (1, 2)
]


@dataclass(frozen=True)
class Edit:
    """One damage: where it is (a share of the length), of which kind, and with what."""

    at: float
    kind: int
    value: int

    def apply(self, data: bytearray) -> bytearray:
        """The damaged bytes; few kinds that reach far: values, extremes, marks, cuts, repeats."""
        place, some = int(self.at * len(data)), 1 + self.value % 50
        if self.kind == 0:
            data[place : place + 1] = bytes([self.value])
        elif self.kind == 1:
            data[place : place + 4] = EXTREMES[self.value % len(EXTREMES)]
        elif self.kind == 2:
            data[place:place] = MARKS[self.value % len(MARKS)]
        elif self.kind == 3:
            del data[place : place + some]
        elif self.kind == 4:
            data[place:place] = data[place : place + some]
        else:
            del data[place:]
        return data


# Headers stand at the beginning: half of all damage is done there.
_PLACES = st.one_of(st.floats(0, 0.02), st.floats(0, 1))
EDITS = st.lists(
    st.builds(Edit, at=_PLACES, kind=st.integers(0, 5), value=st.integers(0, 255)),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, edits: list[Edit]) -> bytes:
    """The bytes after all edits."""
    changed = bytearray(data)
    for edit in edits:
        changed = edit.apply(changed)
    return bytes(changed)


@cache
def sounds() -> dict[str, bytes]:
    """A third of a second in each format that is written here."""
    times = np.arange(RATE_HZ // 3) / RATE_HZ
    wave_TC = 0.3 * np.sin(2 * np.pi * np.array([220, 440]) * times[:, None])
    made = {}
    for container, subtype in SUBTYPES:
        file = io.BytesIO()
        soundfile.write(file, wave_TC, RATE_HZ, format=container, subtype=subtype)
        made[f"{container} {subtype}"] = file.getvalue()
    picture = b"\0image/png\0\x03\0" + bytes(200)
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    tag = b"ID3\x03\0\0" + bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0)) + frame
    return made | {"ID3": tag + made["MP3 MPEG_LAYER_III"]} | _by_ffmpeg(wave_TC)


def _by_ffmpeg(wave_TC: np.ndarray) -> dict[str, bytes]:
    """Empty without the extra `codecs`."""
    try:
        import av
    except ImportError:
        return {}
    made = {}
    for container, codec in CONTAINERS:
        file = io.BytesIO()
        with av.open(file, "w", format=container) as output:
            output.metadata["title"] = "Só"
            stream = output.add_stream(codec, rate=RATE_HZ, layout="stereo")
            stream.bit_rate = 64_000
            planar = np.ascontiguousarray(wave_TC.T.astype(np.float32))
            frame = av.AudioFrame.from_ndarray(planar, format="fltp", layout="stereo")
            frame.sample_rate = RATE_HZ
            for packet in (*stream.encode(frame), *stream.encode(None)):
                output.mux(packet)
        made[container] = file.getvalue()
    return made


@cache
def histories() -> dict[str, bytes]:
    """A listening history of three listens in each format, and all of them zipped."""
    lines = "".join(json.dumps(one) + "\n" for one in LISTENS).encode()
    brainz = [
        {"listened_at": 1709287200, "track_metadata": {"artist_name": "a", "track_name": "b"}}
    ]
    spotify = [
        {"ts": "2024-03-01T10:00:00Z", "ms_played": 1, "master_metadata_track_name": "b"}
        | {"master_metadata_album_artist_name": "a", "spotify_track_uri": "spotify:track:x"}
    ]
    made = {
        "table.jsonl": lines,
        "table.csv": b"user,track,time\n" + b"ada,t1,2024-03-01T10:00:00Z\n" * 3,
        "table.parquet": parquet(LISTENS),
        "lastfm.csv": b"artist,album,track,date\nA,B,C,01 Mar 2024 12:00\n",
        "bare.csv": b"A,B,C,01 Mar 2024 12:00\n",
        "brainz.jsonl": json.dumps(brainz[0]).encode() + b"\n",
        "spotify.json": json.dumps(spotify).encode(),
    }
    return made | {"all.zip": zipped(made)}


@cache
def tracks() -> dict[str, bytes]:
    """A table of two tracks in each format."""
    columns = ",".join(TRACKS[0])
    return {
        "jsonl": "".join(json.dumps(one) + "\n" for one in TRACKS).encode(),
        "csv": "\n".join([columns, *(",".join(one.values()) for one in TRACKS)]).encode(),
        "parquet": parquet(TRACKS),
    }


@cache
def weights() -> tuple[bytes, bytes]:
    """Index and data of a TensorFlow checkpoint."""
    return checkpoint(
        {"a/bias": np.arange(3, dtype=np.float32), "step": np.array(300, dtype=np.int64)}
    )


def parquet(rows: list[dict[str, str]]) -> bytes:
    """A Parquet file of texts."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def resummed(index: bytes) -> bytes:
    """A TensorFlow index whose first block's sum is right, so that its content is looked at.

    The layout is the one of `tensorflow_file.checkpoint`: a block of entries, an index block of one
    entry, and a footer of 48 bytes; damage is kept to the first block.
    """
    whole = weights()[0]
    first = whole[: whole.index(b"zzz") - 3]
    content = index[: max(0, len(index) - (len(whole) - len(first)))][:-5]
    block = content + b"\0"
    summed = block + struct.pack("<I", _masked_crc32c(block))
    handle = varint(0) + varint(len(content))
    last = entries([(b"zzz", handle)])
    footer = varint(0) + varint(0) + varint(len(summed)) + varint(len(last) - 5)
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    return summed + last + footer.ljust(40, b"\0") + magic
