"""What the child process costs, and which resampler and which mel are faster. JSON to stdout.

    python tests/bench/bench_decode.py [ROUNDS]

Each pair runs alternately on one thread over the same 30 s stereo MP3 clips of 44.1 kHz;
medians over rounds, and the median of the rounds' ratios. On a machine that others use, look at
the CPU time: the sum over all rounds, the child's included (Linux).
"""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import soundfile
import soxr
import torch
import torchaudio

from pipeline.audio.decode import DecodeLimits, Decoder
from pipeline.audio.frontend import FRONTENDS, Frontend

RATE = 16_000
CLIP_S = 30
NUM_CLIPS = 4
LIMITS = DecodeLimits(min_s=1, max_s=600, timeout_s=60, memory_bytes=2**30)


def clip(seed: int) -> bytes:
    """Fading chords and noise as an MP3."""
    rng = np.random.default_rng(seed)
    times = np.arange(CLIP_S * 44_100) / 44_100
    wave_TC = 0.02 * rng.standard_normal((len(times), 2))
    for hz in rng.uniform(60, 4000, 8):
        tone = np.exp(-3 * np.mod(times + rng.uniform(), 0.5)) * np.sin(2 * np.pi * hz * times)
        wave_TC += 0.08 * tone[:, None] * rng.uniform(0.3, 1, 2)
    file = io.BytesIO()
    soundfile.write(file, wave_TC.astype(np.float32), 44_100, format="MP3")
    return file.getvalue()


def decode_here(data: bytes) -> np.ndarray:
    """The same work without a child, as a short script would do it."""
    wave_TC, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return soxr.resample(wave_TC @ np.full(2, 0.5, np.float32), rate, RATE, quality="HQ")


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def compare(first: Callable[[int], object], second: Callable[[int], object], rounds: int) -> dict:
    """Medians in ms, and how many times as long the second takes."""
    pairs = []
    for index in range(-2, rounds):  # two rounds to warm up
        calls = [lambda i=index: first(i), lambda i=index: second(i)]
        order = (0, 1) if index % 2 else (1, 0)
        times = {which: milliseconds(calls[which]) for which in order}
        if index >= 0:
            pairs.append((times[0], times[1]))
    return {
        "first_ms": round(statistics.median(pair[0] for pair in pairs), 2),
        "second_ms": round(statistics.median(pair[1] for pair in pairs), 2),
        "ratio_median": round(statistics.median(pair[1] / pair[0] for pair in pairs), 4),
        "ratio_of_best": round(min(p[1] for p in pairs) / min(p[0] for p in pairs), 4),
    }


def cpu_s(child_pid: int | None) -> float:
    """CPU time of this process and its child so far."""
    stat = Path(f"/proc/{child_pid}/stat")
    ticks = sum(map(int, stat.read_text().rsplit(")", 1)[1].split()[11:13])) if child_pid else 0
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def compare_cpu(decoder: Decoder, clips: list[bytes], rounds: int) -> dict:
    """CPU time a clip in ms, here and with the child."""
    spent = {"here_ms": 0.0, "child_ms": 0.0}
    calls = {"here_ms": decode_here, "child_ms": decoder.decode}
    for index in range(rounds):
        for which, call in calls.items():
            start = cpu_s(decoder.child_pid)
            call(clips[index % NUM_CLIPS])
            spent[which] += (cpu_s(decoder.child_pid) - start) * 1000 / rounds
    ratio = spent["child_ms"] / spent["here_ms"]
    return {**{key: round(ms, 2) for key, ms in spent.items()}, "ratio": round(ratio, 4)}


def alias_db(resample: Callable[[np.ndarray], np.ndarray]) -> float:
    """What is left of noise above 9 kHz, which 16 kHz cannot hold, relative to it."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(441_000))
    spectrum[: 9_000 * 10] = 0  # bins are 0.1 Hz apart
    noise = np.fft.irfft(spectrum).astype(np.float32)
    left = resample(noise)[RATE:-RATE]
    return round(20 * float(np.log10(left.std() / noise.std())), 1)


def ripple_db(resample: Callable[[np.ndarray], np.ndarray]) -> float:
    """Largest change in level of tones up to 7.2 kHz."""
    times = np.arange(88_200) / 44_100
    gains = []
    for hz in range(400, 7_201, 400):
        tone = np.sin(2 * np.pi * hz * times).astype(np.float32)
        middle = resample(tone)[RATE // 2 : -RATE // 2].astype(np.float64)
        gains.append(20 * np.log10(middle.std() * np.sqrt(2)))
    return round(float(np.abs(gains).max()), 4)


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    clips = [clip(seed) for seed in range(NUM_CLIPS)]
    mono = soundfile.read(io.BytesIO(clips[0]), dtype="float32")[0].mean(1)
    wave_T = torch.from_numpy(decode_here(clips[0]))
    transform = torchaudio.transforms.Resample(44_100, RATE)
    mel_spectrogram = torchaudio.transforms.MelSpectrogram(
        RATE, n_fft=512, hop_length=256, n_mels=96
    )
    to_db = torchaudio.transforms.AmplitudeToDB()
    frontend = Frontend(FRONTENDS["sota-mel96"])
    resamplers: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "soxr_hq": lambda wave: soxr.resample(wave, 44_100, RATE, quality="HQ"),
        "torchaudio": lambda wave: transform(torch.from_numpy(wave)).numpy(),
    }
    with Decoder(sample_rate=RATE, limits=LIMITS) as decoder:
        wave = decoder.decode(clips[0]).wave_T
        result = {
            "rounds": rounds,
            "largest_difference": float(np.abs(wave - decode_here(clips[0])).max()),
            "decode: here, child": compare(
                lambda i: decode_here(clips[i % NUM_CLIPS]),
                lambda i: decoder.decode(clips[i % NUM_CLIPS]),
                rounds,
            ),
        }
        if sys.platform == "linux":
            result["CPU time of decoding"] = compare_cpu(decoder, clips, rounds)
    result["resample: soxr, torchaudio"] = compare(
        lambda _: resamplers["soxr_hq"](mono), lambda _: resamplers["torchaudio"](mono), rounds
    )
    result["mel: ours, torchaudio"] = compare(
        lambda _: frontend.mel(wave_T), lambda _: to_db(mel_spectrogram(wave_T)), rounds
    )
    for name, resample in resamplers.items():
        result[name] = {"alias_db": alias_db(resample), "ripple_db": ripple_db(resample)}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
