"""Blocks of samples from a file that is open: by libsndfile, and by FFmpeg where av is installed.

Shapes: T samples, C channels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.audio import containers
from pipeline.errors import DataError, Reason

try:
    import av
except ImportError:  # the optional extra `codecs`
    av = None

_MALLOC_FAILED = 17  # libsndfile's SFE_MALLOC_FAILED
_DEMUXERS = (
    *("aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,matroska,webm", "mov,mp4"),
    "m4a,3gp,3g2,mj2,mp3,mpc,mpc8,ogg,rm,tta,w64,wav,wv",
)
"""FFmpeg's, of what `containers.sniff` knows: others (sdp, concat, hls, dash) open addresses and
files that a file names."""
_LENGTH_UNKNOWN = 2**40  # samples; beyond it a length is a stand-in for "unknown"


class Source(Protocol):
    """An opened file.

    Attributes:
        sample_rate: in Hz.
        num_channels: of every block.
        announced: samples that the file should have; None when it does not say.
        is_exact: `announced` is no estimate.
        fault: what ended the blocks early; empty when they came to an end.
    """

    sample_rate: int
    num_channels: int
    announced: int | None
    is_exact: bool
    fault: str

    def blocks(self, block_values: int) -> Iterator[NDArray[np.float32]]:
        """Yields (T, C) blocks of about `block_values` values; a block is overwritten later."""
        ...


def open_source(descriptor: int) -> Source:
    """Opens a file of audio.

    Args:
        descriptor: of a file that may be changed: an MPEG stream is mended in place.

    Raises:
        DataError: NOT_AUDIO, UNDECODABLE.
        MemoryError: the library ran out of memory.
    """
    _mend_mpeg(descriptor)
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return SoundFileSource(descriptor)
    except soundfile.LibsndfileError as error:
        _raise_memory(error)
        refusal = error.error_string
    head = os.pread(descriptor, containers.HEAD_BYTES, 0)
    window = os.pread(descriptor, containers.HEAD_BYTES, containers.id3_bytes(head))
    name = containers.sniff(window) or containers.sniff(head)
    if name is None:
        raise DataError(Reason.NOT_AUDIO, f"begins with {head[:16]!r}")
    if av is None:
        hint = "install earmark[codecs] to read more formats"
        raise DataError(Reason.UNDECODABLE, f"looks like {name}: {refusal} ({hint})")
    return AvSource(descriptor, name=name)


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """Reads without the seek that soundfile makes after each read of a seekable file."""

    def seekable(self) -> bool:
        return False


class SoundFileSource:
    """A file that libsndfile reads."""

    def __init__(self, descriptor: int) -> None:
        self._file = _ForwardFile(descriptor, closefd=False)
        self.sample_rate: int = self._file.samplerate
        self.num_channels: int = self._file.channels
        self.is_exact = self._file.format not in ("MP3", "MPEG")
        self.announced = _announced(descriptor, self._file.frames)
        self.fault = _lacking_page(descriptor)

    def blocks(self, block_values: int) -> Iterator[NDArray[np.float32]]:
        """Yields (T, C) blocks; what was read before an error is kept."""
        num_samples = max(1, block_values // self.num_channels)
        block_TC = np.empty((num_samples, self.num_channels), np.float32)
        with self._file:
            while True:
                block_TC.fill(np.nan)  # shows how far a read came that failed
                try:
                    count = self._file.buffer_read_into(block_TC, "float32")
                except soundfile.LibsndfileError as error:
                    _raise_memory(error)
                    self.fault = error.error_string
                    yield block_TC[: _filled(block_TC)]
                    return
                if count == 0:
                    return
                yield block_TC[:count]


class AvSource:
    """A file that FFmpeg reads."""

    def __init__(self, descriptor: int, *, name: str) -> None:
        self.fault = ""
        self.is_exact = False
        os.lseek(descriptor, 0, os.SEEK_SET)  # libsndfile has read from it
        try:
            self._container = av.open(
                os.fdopen(os.dup(descriptor), "rb"),
                options={"format_whitelist": ",".join(_DEMUXERS)},
                metadata_errors="replace",  # a title that is not UTF-8 is no fault of the audio
            )
            stream = self._container.streams.audio[0]
        except (av.FFmpegError, IndexError, OSError, ValueError) as error:
            raise DataError(Reason.UNDECODABLE, f"looks like {name}: {error}") from None
        codec = stream.codec_context  # None where FFmpeg has no decoder
        self.sample_rate = codec.sample_rate if codec else 0
        if not self.sample_rate:
            raise DataError(Reason.UNDECODABLE, f"looks like {name}: no frame can be read")
        self.num_channels = codec.channels
        is_known = stream.duration is not None and not name.startswith("AAC")
        seconds = float(stream.duration * stream.time_base) if is_known else 0.0
        self.announced = round(seconds * self.sample_rate) or None

    def blocks(self, block_values: int) -> Iterator[NDArray[np.float32]]:
        """Yields (T, C) blocks, as large as the codec's frames: `block_values` is not heeded."""
        resampler = av.AudioResampler(format="fltp", rate=self.sample_rate)
        with self._container:
            try:
                for frame in self._container.decode(audio=0):
                    for planar in resampler.resample(frame):
                        yield planar.to_ndarray().T
            except (av.FFmpegError, OSError, ValueError) as error:
                self.fault = str(error)


def _announced(descriptor: int, num_samples: int) -> int | None:
    """Samples that a whole file would have; libsndfile trims a cut RIFF file's count."""
    declared = containers.riff_bytes(os.pread(descriptor, 12, 0))
    if declared is not None:
        return max(num_samples, round(num_samples * declared / os.fstat(descriptor).st_size))
    return num_samples if num_samples < _LENGTH_UNKNOWN else None


def _lacking_page(descriptor: int) -> str:
    if os.pread(descriptor, 4, 0) != b"OggS":
        return ""
    start = max(0, os.fstat(descriptor).st_size - containers.HEAD_BYTES)
    tail = os.pread(descriptor, containers.HEAD_BYTES, start)
    return "ends before the last Ogg page" if containers.ogg_lacks_end(tail) else ""


def _mend_mpeg(descriptor: int) -> None:
    """Rewrites an MPEG stream that libsndfile would refuse (junk before it) or cut (no length)."""
    tag_bytes = containers.id3_bytes(os.pread(descriptor, 10, 0))
    window = os.pread(descriptor, containers.HEAD_BYTES, tag_bytes)
    if containers.sniff(window) != "MP3":
        return
    start = containers.mpeg_start(window)
    if start is None:
        return
    has_length = containers.mpeg_names_its_length(window[start:])
    if has_length and start == 0:
        return
    prefix = b"" if has_length else containers.mpeg_length_frame(window[start:])
    stream = os.pread(descriptor, os.fstat(descriptor).st_size, tag_bytes + start)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, prefix + stream, 0)


def _filled(block_TC: NDArray[np.float32]) -> int:
    rows = np.flatnonzero(~np.isnan(block_TC).all(axis=1))
    return int(rows[-1]) + 1 if len(rows) else 0


def _raise_memory(error: soundfile.LibsndfileError) -> None:
    if error.code == _MALLOC_FAILED:
        raise MemoryError(error.error_string)
