"""A tagger: one track's wave or mel in, the scores and embeddings of its chunks out.

Where chunks start depends on the number of mel frames alone, so that audio and stored features give
the same chunks. With the waveform domain a start is a multiple of hop_length, and the last chunk
may reach up to hop_length / 2 samples past the end, where the wave is mirrored; up to one
hop_length of samples at the end may be left out. Only a fixed number of chunks of the wave starts
as published, at any sample; from stored features then at a frame nearby.

With the frames domain a wave and its mel give the same scores. With the waveform domain a chunk's
own mel mirrors the wave at its edges, where the whole track's mel goes on, so a chunk's outer
frames differ; `Tagger.score_mel` says by how much that moves a score.

Shapes: T samples, N chunks, M mel bands, F frames, K tags, E embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from pipeline.audio.chunk import Tail, num_repeats
from pipeline.audio.frontend import Frontend
from pipeline.config import Precision
from pipeline.models.architectures import build
from pipeline.models.bundle import Bundle, Domain
from pipeline.models.lowered import lowered
from pipeline.models.taught import TaughtTagger

SECONDS_PER_FORWARD = 30.72
"""Chunks go through the network together up to this length (ten of 3 s), at least one."""


@dataclass(frozen=True)
class TrackScores:
    """A track's chunks in the order of time.

    Attributes:
        starts_s: where each chunk starts, seconds (N,).
        scores_NK: 0 to 1, in taxonomy order.
        embeddings_NE: the layer that the bundle names.
        of_track_K: the track's scores, where they are not the mean of its chunks'.
    """

    starts_s: NDArray[np.float64]
    scores_NK: NDArray[np.float32]
    embeddings_NE: NDArray[np.float32]
    of_track_K: NDArray[np.float32] | None = None

    def mean_scores(self) -> NDArray[np.float32]:
        """The track's scores (K,)."""
        return _mean(self.scores_NK) if self.of_track_K is None else self.of_track_K

    def mean_embedding(self) -> NDArray[np.float32]:
        """The track's embedding (E,)."""
        return _mean(self.embeddings_NE)


class Tagger:
    """A bundle with its weights loaded; scores one track at a time.

    Args:
        bundle: from `read_bundle`, which has checked that the weights fit.
        weights: the network's state dict.
        device: where the network runs.
        precision: what it calculates in.

    Attributes:
        bundle: what was given.
        network: in evaluation.
    """

    def __init__(
        self,
        bundle: Bundle,
        weights: dict[str, Tensor],
        *,
        device: str = "cpu",
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        self.bundle = bundle
        self._device = torch.device(device)
        self._lowers = precision is Precision.BFLOAT16
        self._frontend = Frontend(bundle.frontend)
        network = build(bundle.architecture, parameters=bundle.parameters)
        network.load_state_dict(weights)
        network = lowered(network) if self._lowers else network
        # On a CPU fcn, crnn and vgg take half the time with the channels last.
        convert_conv2d_weight_memory_format(network, torch.channels_last)
        self.network = network.eval().to(self._device)

    def score_wave(self, wave_T: Tensor | NDArray[np.float32]) -> TrackScores:
        """Scores a mono wave at the front end's rate, at least one sample long."""
        wave_T = torch.as_tensor(wave_T, dtype=torch.float32, device=self._device)
        if self.bundle.chunking.domain is Domain.FRAMES:
            return self.score_mel(self._frontend.mel(wave_T))
        chunking = self.bundle.chunking
        num_frames = self._frontend.num_frames(wave_T.shape[0])
        if chunking.count is None:
            starts = [start * self.bundle.frontend.hop_length for start in self._starts(num_frames)]
        else:
            starts = chunking.starts(wave_T.shape[0])
        if num_frames < self.chunk_frames:
            wave_T = _repeat(wave_T, chunking.length)
        missing = starts[-1] + chunking.length - wave_T.shape[0]
        wave_T = _fill(wave_T, missing, tail=chunking.tail)

        def mels(starts: list[int]) -> Tensor:
            cuts = [wave_T[start:][: chunking.length] for start in starts]
            return self._frontend.mel_chunks(torch.stack(cuts))

        return self._score(starts, mels)

    def score_mel(self, mel_MF: Tensor | NDArray[np.floating]) -> TrackScores:
        """Scores the mel of a whole track, as the front end gives it or as stored in float16.

        Against `score_wave`, on 30 s of tones, beats and noise: the same in the frames domain. In
        the waveform domain a track's scores move by up to 0.0008 (fcn), 0.0003 (crnn) and 0.006
        (musicnn of 3 s; one chunk's by up to 0.03), nearly all of it from the chunks' edges;
        float16 alone moves them by less than 0.0001.
        """
        mel_MF = torch.as_tensor(mel_MF, dtype=torch.float32, device=self._device)
        starts = self._starts(mel_MF.shape[1])
        num_frames, hop_length = self.chunk_frames, self.bundle.frontend.hop_length
        if mel_MF.shape[1] < num_frames:
            mel_MF = _repeat(mel_MF, num_frames)
        missing = starts[-1] + num_frames - mel_MF.shape[1]
        if missing > 0:  # only a padded tail
            mel_MF = torch.cat((mel_MF, self._silence().expand(-1, missing)), dim=1)

        def mels(starts: list[int]) -> Tensor:
            frames = [start // hop_length for start in starts]
            return torch.stack([mel_MF[:, frame : frame + num_frames] for frame in frames])

        return self._score([start * hop_length for start in starts], mels)

    @property
    def chunk_frames(self) -> int:
        """Frames of a chunk."""
        chunking = self.bundle.chunking
        if chunking.domain is Domain.FRAMES:
            return chunking.length
        return self._frontend.num_frames(chunking.length)

    def _silence(self) -> Tensor:
        """One frame of the mel of silence (M, 1)."""
        zeros_T = torch.zeros(self.bundle.frontend.n_fft, device=self._device)
        return self._frontend.mel(zeros_T)[:, :1]

    def _starts(self, num_frames: int) -> list[int]:
        """Starts of the chunks in frames; audio shorter than a chunk counts as one chunk."""
        chunking = self.bundle.chunking
        in_samples, hop_length = chunking.domain is Domain.WAVEFORM, self.bundle.frontend.hop_length
        if in_samples and chunking.count is not None:
            return [start // hop_length for start in chunking.starts((num_frames - 1) * hop_length)]
        hop = chunking.hop // hop_length if in_samples else chunking.hop
        return replace(chunking, length=self.chunk_frames, hop=hop).starts(num_frames)

    def _score(self, starts: list[int], mels: Callable[[list[int]], Tensor]) -> TrackScores:
        """Of chunks that start at the samples given; `mels` makes what the network reads."""
        head, num_tags = self.bundle.head, len(self.bundle.taxonomy.tags)
        spec = self.bundle.frontend
        chunk_s = self.chunk_frames * spec.hop_length / spec.sample_rate
        scores, embeddings = [], []
        with torch.inference_mode():
            for group in _groups(starts, size=max(1, int(SECONDS_PER_FORWARD / chunk_s))):
                chunks = self._frontend.network_input(mels(group))  # always in float32
                with torch.autocast(self._device.type, torch.bfloat16, enabled=self._lowers):
                    output = self.network(chunks)
                logits_NK = output.logits_NK.float()
                scores.append(head.scores(logits_NK, num_tags=num_tags).cpu())
                embeddings.append(output.embedding_NE.float().cpu())
        found = TrackScores(
            starts_s=np.array(starts) / spec.sample_rate,
            scores_NK=torch.cat(scores).numpy(),
            embeddings_NE=torch.cat(embeddings).numpy(),
        )
        if isinstance(self.network, TaughtTagger):
            return replace(found, of_track_K=self.network.track_scores(found.mean_embedding()))
        return found


def _repeat(signal: Tensor, length: int) -> Tensor:
    """The signal over and over along its last axis, cut at a length."""
    times = num_repeats(signal.shape[-1], chunk=length)
    return signal.repeat(*[1] * (signal.ndim - 1), times)[..., :length]


def _fill(wave_T: Tensor, missing: int, *, tail: Tail) -> Tensor:
    """The wave with what its last chunk lacks: silence if tails are padded, else its mirror."""
    if missing <= 0:
        return wave_T
    mirrored_T = wave_T[-missing - 1 : -1].flip(0)
    return torch.cat((wave_T, wave_T.new_zeros(missing) if tail is Tail.PAD else mirrored_T))


def _groups(starts: list[int], *, size: int) -> Iterator[list[int]]:
    for first in range(0, len(starts), size):
        yield starts[first : first + size]


def _mean(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
