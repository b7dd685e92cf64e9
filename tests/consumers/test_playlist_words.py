from __future__ import annotations

import numpy as np
import pytest

from pipeline.consumers import playlist_words
from pipeline.consumers.playlist_wishes import KnownTag
from pipeline.consumers.playlist_words import load_sentences, nearest_tags

KNOWN = [
    KnownTag("a", "mood", "calm", False),
    KnownTag("b", "mood", "calm", True),
    KnownTag("a", "mood", "wild", False),
]


class LetterSentences:
    """Texts are alike that hold the same letters."""

    def vectors(self, texts):
        counts = np.array([[text.count(letter) for letter in "calmwid"] for text in texts], float)
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def test_the_nearest_tags_come_first_and_a_calibrated_one_of_each_name():
    near = nearest_tags("calmly", known=KNOWN, sentences=LetterSentences(), at_most=5)
    assert [str(tag) for tag, _ in near] == ["b:mood---calm", "a:mood---wild"]
    assert near[0][1] > near[1][1]


def test_no_more_tags_are_given_than_asked_for():
    near = nearest_tags("wild", known=KNOWN, sentences=LetterSentences(), at_most=1)
    assert [tag.name for tag, _ in near] == ["wild"]
    assert 0 < near[0][1] <= 1 + 1e-6


def test_without_the_extra_there_is_no_embedding(monkeypatch):
    monkeypatch.setattr(playlist_words, "minilm", None)
    assert load_sentences() is None


@pytest.mark.slow
def test_the_real_embedding_knows_that_rain_is_no_party():
    sentences = load_sentences()
    if sentences is None:
        pytest.skip("earmark[prompt] is not installed")
    vectors = sentences.vectors(["rainy evening", "melancholy", "party"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
