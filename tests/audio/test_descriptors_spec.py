from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from pipeline.audio.descriptors_spec import CHORDS, DESCRIPTORS

SECTIONS = ("spectrum", "rhythm", "tonal")
ROOT = Path(__file__).resolve().parents[2]


def other(value):
    return (*value, 1) if isinstance(value, tuple) else value + 1


@pytest.mark.parametrize(
    ("section", "name"),
    [(part, field.name) for part in SECTIONS for field in fields(getattr(DESCRIPTORS, part))],
)
def test_every_number_is_in_the_id(section, name):
    part = getattr(DESCRIPTORS, section)
    changed = replace(part, **{name: other(getattr(part, name))})
    assert replace(DESCRIPTORS, **{section: changed}).spec_id != DESCRIPTORS.spec_id


def test_another_version_or_rate_is_another_id():
    ids = {
        DESCRIPTORS.spec_id,
        replace(DESCRIPTORS, version=2).spec_id,
        replace(DESCRIPTORS, sample_rate=44_100).spec_id,
    }
    assert len(ids) == 3
    assert replace(DESCRIPTORS, version=1).spec_id == DESCRIPTORS.spec_id


def test_there_are_24_triads_and_none():
    assert len(CHORDS) == len(set(CHORDS)) == 25
    assert (CHORDS[0], CHORDS[9], CHORDS[12], CHORDS[-1]) == ("C:maj", "A:maj", "C:min", "N")


def test_who_only_reads_descriptors_does_not_wait_for_librosa():
    readers = (
        *("pipeline.audio.descriptors_spec", "pipeline.evaluation.descriptor_vector"),
        *("pipeline.tables.views", "pipeline.tables.show", "pipeline.tables.verify"),
    )
    code = f"import sys, {', '.join(readers)}; sys.exit('librosa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
