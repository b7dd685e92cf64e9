from __future__ import annotations

import pytest
from sounds import clicks, progression

from pipeline.audio.descriptors import describe
from pipeline.audio.descriptors_meter import DUPLE, TRIPLE
from pipeline.audio.descriptors_spec import DESCRIPTORS

PATTERNS = {
    "waltz": ((1.0, 0.3, 0.3), TRIPLE),
    "march": ((1.0, 0.3, 0.6, 0.3), DUPLE),
}
CHORDS = [(0, "maj"), (5, "maj"), (9, "min"), (7, "maj")]


@pytest.mark.parametrize("bpm", [90, 120])
@pytest.mark.parametrize("name", PATTERNS)
def test_accents_and_harmony_tell_triple_from_duple(name, bpm):
    accents, expected = PATTERNS[name]
    bar_s = len(accents) * 60 / bpm
    num_bars = int(24 / bar_s)
    harmony_T = progression([CHORDS[b % 4] for b in range(num_bars)], seconds=bar_s)
    clicks_T = clicks(bpm, seconds=num_bars * bar_s + 1, accents=accents)
    values = describe(harmony_T + clicks_T[: len(harmony_T)], spec=DESCRIPTORS).values
    assert values["tempo_bpm"] == pytest.approx(bpm, rel=0.03)
    assert values["beats_per_bar"] == expected
    assert 0.1 < values["meter_confidence"] <= 1


def test_few_beats_have_no_meter():
    values = describe(clicks(100, seconds=6), spec=DESCRIPTORS).values
    assert values["tempo_bpm"] is not None
    assert values["beats_per_bar"] is None
    assert values["meter_confidence"] is None
