"""Every number that changes a descriptor, in one value; no library that computes is imported here.

A value of another spec is another value: rows of the table stand under the hash of all fields.
What a standard or a paper fixes (the gates of BS.1770, key profiles) stands with the formula, under
`version`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NO_CHORD = "N"
CHORDS = (
    *(f"{name}:maj" for name in PITCH_CLASSES),
    *(f"{name}:min" for name in PITCH_CLASSES),
    NO_CHORD,
)
"""Order of the shares in `chords`; names as in Harte et al. (ISMIR 2005)."""


@dataclass(frozen=True)
class SpectrumSpec:
    """Of the short-time spectrum that timbre, rhythm and tuning are taken from.

    Attributes:
        n_fft: length of the FFT and its Hann window, samples.
        hop_length: samples between frames.
        n_mels: mel bands.
        n_mfcc: coefficients.
        rolloff_fraction: of a frame's magnitude that lies below the rolloff.
        bright_from_hz: where brightness begins.
        silence_db: frames so far below the loudest one count as silence.
        floor_dbfs: frames below this count as silence, whatever the loudest is.
        tuning_step: every so-many-th frame is looked at for the tuning.
    """

    n_fft: int = 2_048
    hop_length: int = 512
    n_mels: int = 128
    n_mfcc: int = 20
    rolloff_fraction: float = 0.85
    bright_from_hz: float = 1_500.0
    silence_db: float = -60.0
    floor_dbfs: float = -90.0
    tuning_step: int = 8


@dataclass(frozen=True)
class RhythmSpec:
    """Of tempo, beats and meter.

    Attributes:
        least_s: shorter audio has no tempo.
        least_onsets: audio with fewer has no tempo.
        least_rise_db: where no frame rises by so much, mean over mel bands, nothing begins: a held
            tone's ripple has 0.05.
        least_contrast: standard deviation over mean of the onset curve: below, nothing stands out
            and there is no tempo. Noise has up to 0.24 from 10 s on, one piece of music in a
            hundred less than 0.4.
        smooth_s: standard deviation of the Gaussian over the onset curve.
        tempo_low_bpm: slowest.
        tempo_high_bpm: fastest.
        tempo_steps: tempi that are compared, at equal ratios.
        comb_weights: of the beat's own period, of twice the period, and so on.
        prior_bpm: the tempo that is likeliest beforehand.
        prior_octaves: standard deviation of that.
        tightness: how much beats keep to the tempo (librosa's).
        least_beats: with fewer there is no meter.
        triple_lags: distances in beats after which triple time repeats.
        duple_lags: the same of duple time.
        triple_bias: by how much triple time must be better: it is rarer.
    """

    least_s: float = 3.0
    least_onsets: int = 4
    least_rise_db: float = 0.5
    least_contrast: float = 0.25
    smooth_s: float = 0.04
    tempo_low_bpm: float = 40.0
    tempo_high_bpm: float = 240.0
    tempo_steps: int = 400
    comb_weights: tuple[float, ...] = (1.0, 1 / 2, 1 / 3, 1 / 4)
    prior_bpm: float = 120.0
    prior_octaves: float = 1.0
    tightness: float = 100.0
    least_beats: int = 16
    triple_lags: tuple[int, ...] = (3, 6)
    duple_lags: tuple[int, ...] = (4, 8)
    triple_bias: float = 0.1


@dataclass(frozen=True)
class TonalSpec:
    """Of pitch, key and chords.

    Attributes:
        hop_length: samples between columns of the constant-Q transform.
        lowest_midi: its first bin; a bin a semitone.
        num_octaves: of its bins.
        filter_scale: length of its filters against librosa's own: longer keeps semitones apart.
        chroma_from_midi: first pitch that counts for key and chords.
        chroma_to_midi: first pitch that counts no more.
        silence_db: columns so far below the loudest one have no pitch.
        least_contrast: standard deviation over mean of the mean chroma: below, nothing is tonal.
            Noise and drums have up to 0.11, music from 0.15 on.
        sharpness: how fast a chord loses with its distance.
        stay: probability that a chord goes on in the next column.
        no_chord: what a chord's correlation must reach to be one.
        tilt_db: what an octave is lifted over the one below, to look for played pitches.
        peak_fraction: of a column's largest value that a played pitch reaches.
        overtone_fraction: a peak is an overtone if one that it may belong to has so much of it.
        played_fraction: of the columns in which a pitch is played, for it to count.
    """

    hop_length: int = 2_048
    lowest_midi: int = 24
    num_octaves: int = 7
    filter_scale: float = 1.6
    chroma_from_midi: int = 36
    chroma_to_midi: int = 84
    silence_db: float = -40.0
    least_contrast: float = 0.12
    sharpness: float = 8.0
    stay: float = 0.95
    no_chord: float = 0.4
    tilt_db: float = 1.5
    peak_fraction: float = 0.4
    overtone_fraction: float = 0.25
    played_fraction: float = 0.005


@dataclass(frozen=True)
class DescriptorSpec:
    """All of them.

    Attributes:
        version: grows when a formula changes that no field describes.
        sample_rate: in Hz. At 22,050 Hz the FFT of 2,048 samples is 93 ms long and the spectrum
            reaches 11 kHz, the rate that librosa's parameters are made for; twice the rate takes
            twice the time and changes neither rhythm nor harmony.
        spectrum: timbre, and what rhythm starts from.
        rhythm: tempo, beats, meter.
        tonal: pitch, key, chords.
    """

    version: int = 1
    sample_rate: int = 22_050
    spectrum: SpectrumSpec = field(default_factory=SpectrumSpec)
    rhythm: RhythmSpec = field(default_factory=RhythmSpec)
    tonal: TonalSpec = field(default_factory=TonalSpec)

    @property
    def spec_id(self) -> str:
        """The version and a hash of every field."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return f"descriptors-v{self.version}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"


DESCRIPTORS = DescriptorSpec()
