"""Which decoders are here: libsndfile's formats, and FFmpeg for the rest."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

FORMATS = ("WAV", "FLAC", "OGG", "MP3", "AIFF")
"""What libsndfile has to read; its wheels do since 1.1 (MP3)."""


def decoders() -> dict[str, str]:
    """What reads which files.

    Returns:
        `libsndfile`: its version, or empty where it cannot be loaded; `missing`: formats that it
        should read and does not; `ffmpeg`: version of av, or empty without it.
    """
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the system's library is missing
        return {"libsndfile": "", "missing": ", ".join(FORMATS), "ffmpeg": _ffmpeg()}
    known = soundfile.available_formats()
    missing = ", ".join(name for name in FORMATS if name not in known)
    return {
        "libsndfile": soundfile.__libsndfile_version__,
        "missing": missing,
        "ffmpeg": _ffmpeg(),
    }


def _ffmpeg() -> str:
    try:
        return version("av") if find_spec("av") else ""
    except PackageNotFoundError:
        return ""
