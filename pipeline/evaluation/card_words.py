"""Front ends and chunks in words, and text from files that may stand in Markdown."""

from __future__ import annotations

from pipeline.audio.chunk import Tail
from pipeline.audio.frontend_spec import Compression, FrontendSpec
from pipeline.models.chunking import Chunking, Domain

_COMPRESSIONS = {
    Compression.DB: "10 log10(max(x, 1e-10)) of the power",
    Compression.LOG10_10000: "log10(10000 x + 1) of the power, which is rounded to float16 first",
}
_TAILS = {
    Tail.DROP: "what is left after the last whole chunk is not looked at",
    Tail.PAD: "the last chunk passes the end and is filled up",
    Tail.ALIGN: "one more chunk, moved back, ends where the audio ends",
}


def frontend_words(spec: FrontendSpec) -> str:
    """What a network reads, with every number that matters."""
    rate = spec.sample_rate
    if spec.reads_wave:
        return f"the wave itself, mono, at {rate:,} Hz"
    norm = "without normalisation" if spec.norm is None else f"{spec.norm.capitalize()} norm"
    return (
        f"a mel of mono audio at {rate:,} Hz: Hann window of {spec.win_length:,} samples "
        f"({_ms(spec.win_length, rate)}), FFT of {spec.n_fft:,}, a frame every "
        f"{spec.hop_length:,} samples ({_ms(spec.hop_length, rate)}), {spec.n_mels} bands from "
        f"{spec.f_min:,.0f} to {spec.f_max:,.0f} Hz on the {_scale(spec.mel_scale)} scale, {norm}; "
        f"{_COMPRESSIONS[spec.compression]}"
    )


def highest_hz(spec: FrontendSpec) -> float:
    """What lies above is not heard."""
    half = spec.sample_rate / 2
    return half if spec.reads_wave else min(spec.f_max, half)


def chunk_s(chunking: Chunking, spec: FrontendSpec) -> float:
    """Length of a chunk in seconds."""
    return _seconds(chunking.length, chunking, spec)


def chunk_words(chunking: Chunking, spec: FrontendSpec) -> str:
    """Length of a chunk, where chunks start, and what becomes of the rest."""
    framed = chunking.domain is Domain.FRAMES and not spec.reads_wave
    length = (
        f"{chunk_s(chunking, spec):.2f} s ({chunking.length:,} {'frames' if framed else 'samples'})"
    )
    if chunking.count is not None:
        return f"{length}, {protocol_words(chunking)}"
    hop = f"one every {_seconds(chunking.hop, chunking, spec):.2f} s"
    if chunking.hop == chunking.length:
        hop = "side by side"
    return f"{length}, {hop}; {_TAILS[chunking.tail]}; scores are the mean of all chunks"


def protocol_words(chunking: Chunking) -> str:
    """Which chunks of a track are averaged."""
    if chunking.count is None:
        return "every chunk"
    return f"{chunking.count} chunks a track at equal distances"


def plain(text: str) -> str:
    """Text from a file that is only text in Markdown, on one line, also in a table."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return "".join(f"\\{sign}" if sign in "\\`*[]<>|" else sign for sign in shown)


def code(text: str) -> str:
    """A name from a file, between backticks."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return "`" + shown.replace("`", "'").replace("|", "\\|") + "`"


def _seconds(length: int, chunking: Chunking, spec: FrontendSpec) -> float:
    samples = length * spec.hop_length if chunking.domain is Domain.FRAMES else length
    return samples / spec.sample_rate


def _ms(samples: int, sample_rate: int) -> str:
    return f"{1000 * samples / sample_rate:g} ms"


def _scale(name: str) -> str:
    return name.upper() if name == "htk" else name.capitalize()
