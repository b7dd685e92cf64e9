"""Specs of front ends: every number that changes a mel, and the front ends that Earmark knows.

Two conventions are in use. minzwon/sota-music-tagging-models: HTK scale, no normalisation,
10 log10(max(x, 1e-10)). jordipons/musicnn: Slaney scale and norm, the power mel rounded to
float16, then log10(10000 x + 1). Networks that read waves have a front end too, whose "mel" is the
wave.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Literal, Self

from pipeline.errors import ConfigError


class Compression(StrEnum):
    """How power becomes what a network reads."""

    DB = "db"
    """10 log10(max(x, 1e-10)), stored so."""

    LOG10_10000 = "log10_10000"
    """log10(10000 x + 1) of the power mel that is stored."""

    WAVE = "wave"
    """No mel: the wave itself, one band whose frames are samples, for networks that read waves."""


@dataclass(frozen=True)
class FrontendSpec:
    """Every number that changes a mel; torchaudio's parameters under their names.

    Attributes:
        name: of the front end.
        sample_rate: in Hz.
        n_fft: length of the FFT, samples.
        win_length: length of the Hann window, samples.
        hop_length: samples between frames.
        n_mels: mel bands.
        f_min: lower edge of the first band, Hz.
        f_max: upper edge of the last band, Hz.
        mel_scale: formula of the mel scale.
        norm: "slaney" divides each band by its width.
        compression: of the power mel.
        block_frames: frames in one row of the features table.
    """

    name: str
    sample_rate: int
    n_fft: int
    win_length: int
    hop_length: int
    n_mels: int
    f_min: float
    f_max: float
    mel_scale: Literal["htk", "slaney"]
    norm: Literal["slaney"] | None
    compression: Compression
    block_frames: int

    @property
    def reads_wave(self) -> bool:
        """Whether its "mel" is the wave itself."""
        return self.compression is Compression.WAVE

    @property
    def spec_id(self) -> str:
        """The name and a hash of every field."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"

    def to_json(self) -> dict[str, Any]:
        """The fields, for a bundle or a schema's metadata."""
        return {**asdict(self), "compression": str(self.compression)}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Self:
        """The spec that `to_json` gave.

        Raises:
            ConfigError: fields are missing or unknown, or the compression is.
        """
        names = {field.name for field in fields(cls)}
        if set(tree) != names:
            odd = ", ".join(sorted(set(tree) ^ names))
            raise ConfigError(f"a front end's fields are missing or unknown: {odd}")
        try:
            return cls(**{**tree, "compression": Compression(tree["compression"])})
        except ValueError as error:
            raise ConfigError(f"a front end's compression: {error}") from None


_SOTA = FrontendSpec(
    name="sota-mel96",
    sample_rate=16_000,
    n_fft=512,
    win_length=512,
    hop_length=256,
    n_mels=96,
    f_min=0.0,
    f_max=8_000.0,
    mel_scale="htk",
    norm=None,
    compression=Compression.DB,
    block_frames=1_876,  # 30 s: a clip is one row
)

FRONTENDS: dict[str, FrontendSpec] = {
    spec.name: spec
    for spec in (
        _SOTA,
        FrontendSpec(**{**vars(_SOTA), "name": "sota-mel128", "n_mels": 128}),
        FrontendSpec(
            **{
                **vars(_SOTA),
                "name": "musicnn-mel96",
                "mel_scale": "slaney",
                "norm": "slaney",
                "compression": Compression.LOG10_10000,
            }
        ),
        # a note of 4 s, 64,000 samples, is a square of 64 bands and 64 frames
        FrontendSpec(
            **{
                **vars(_SOTA),
                "name": "note-mel64",
                "n_fft": 2_048,
                "win_length": 2_048,
                "hop_length": 1_008,
                "n_mels": 64,
                "block_frames": 64,
            }
        ),
        FrontendSpec(
            **{
                **vars(_SOTA),
                "name": "wave-16k",
                "n_fft": 1,
                "win_length": 1,
                "hop_length": 1,
                "n_mels": 1,
                "compression": Compression.WAVE,
                "block_frames": 480_000,
            }
        ),
    )
}


def shown(spec: FrontendSpec) -> FrontendSpec:
    """The front end whose mel people see: its own, or sota-mel96 of what networks read as waves."""
    return FRONTENDS["sota-mel96"] if spec.reads_wave else spec
