from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from evaluations import judged
from fakes import TONE_TAGS, tone_bundle

from pipeline.errors import ConfigError
from pipeline.models.bundle import bundle_url, read_bundle, write_bundle
from pipeline.models.card_file import (
    CARD_FILE,
    EVALUATIONS_FILE,
    keep_evaluation,
    read_card,
    write_card,
)
from pipeline.models.origin import Origin, ThresholdOrigin, Training
from pipeline.storage import Storage

STORAGE = Storage()
ORIGIN = Origin(
    Training("id", {"train": 3}, {"mine": 3}, {}, None, "Adam", "none", 2, 1, "loss"),
    ThresholdOrigin("recall of at least 0.9", "validation", None, 3),
)


class ReadOnly(Storage):
    """A store that can be read only."""

    def write(self, url: str, data: bytes) -> None:
        raise PermissionError(30, "Read-only file system", url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(bundle_url(tone_bundle(str(tmp_path)), root_url=str(tmp_path)))


def evaluation(split: str = "test"):
    return judged(split, tags=TONE_TAGS)


def test_a_card_is_written_beside_the_bundle_and_changes_nothing_of_it(folder):
    before = read_bundle(str(folder), storage=STORAGE)[0]
    text = write_card(str(folder), storage=STORAGE)
    assert (folder / CARD_FILE).read_text() == text == read_card(str(folder), storage=STORAGE)
    assert f"`{before.model_version}`" in text
    assert "`linear`, 194 parameters" in text
    after = read_bundle(str(folder), storage=STORAGE)[0]
    assert after == before
    assert after.fingerprint == before.fingerprint


def test_a_card_that_is_there_is_not_written_again(folder):
    text = write_card(str(folder), storage=STORAGE)
    assert write_card(str(folder), storage=ReadOnly()) == text
    (folder / CARD_FILE).write_text("by hand")
    with pytest.raises(PermissionError):
        write_card(str(folder), storage=ReadOnly())
    assert write_card(str(folder), storage=STORAGE) == text


def test_a_card_holds_all_evaluations(folder):
    for split in ("validation", "test", "test"):
        card = keep_evaluation(str(folder), storage=STORAGE, evaluated=evaluation(split))
    assert card.line == f"card: {folder}/{CARD_FILE}"
    assert (folder / CARD_FILE).read_text() == card.text
    assert card.text.count("### validation of mine, every chunk") == 1
    assert card.text.count("### test of mine, every chunk") == 1
    assert write_card(str(folder), storage=STORAGE) == card.text


def test_a_folder_that_cannot_be_written_is_said_and_no_error(folder):
    write_card(str(folder), storage=STORAGE)
    card = keep_evaluation(str(folder), storage=ReadOnly(), evaluated=evaluation())
    assert "### test of mine" in card.text
    assert "stays as it was, without this evaluation" in card.line
    assert "Read-only file system" in card.line
    assert not (folder / EVALUATIONS_FILE).exists()


def test_damaged_evaluations_are_said_and_not_written_over(folder):
    (folder / EVALUATIONS_FILE).write_text("{half")
    card = keep_evaluation(str(folder), storage=STORAGE, evaluated=evaluation())
    assert "### test of mine" in card.text
    assert "evaluations.json does not hold evaluations" in card.line
    assert (folder / EVALUATIONS_FILE).read_text() == "{half"
    with pytest.raises(ConfigError, match=r"evaluations\.json does not hold"):
        read_card(str(folder), storage=STORAGE)


def test_evaluations_of_a_bundle_that_was_there_before_are_forgotten(folder):
    keep_evaluation(str(folder), storage=STORAGE, evaluated=evaluation("validation"))
    bundle, weights = read_bundle(str(folder), storage=STORAGE)
    (folder / "bundle.json").unlink()
    other = replace(bundle, thresholds=(0.1, 0.2))
    write_bundle(str(folder), storage=STORAGE, bundle=other, weights=weights)
    assert "None yet" in read_card(str(folder), storage=STORAGE)
    card = keep_evaluation(str(folder), storage=STORAGE, evaluated=evaluation())
    assert "### validation" not in card.text


def test_what_a_training_said_stays_with_the_bundle(folder, tmp_path):
    bundle, weights = read_bundle(str(folder), storage=STORAGE)
    made = replace(bundle, name="made", origin=ORIGIN)
    url = str(tmp_path / "made")
    write_bundle(url, storage=STORAGE, bundle=made, weights=weights)
    assert read_bundle(url, storage=STORAGE)[0].origin == ORIGIN
    assert made.fingerprint == bundle.fingerprint
    card = read_card(url, storage=STORAGE)
    assert "recall of at least 0.9 on 3 tracks" in card
    again = replace(made, origin=Origin())
    assert write_bundle(url, storage=STORAGE, bundle=again, weights=weights).origin == ORIGIN


def test_a_folder_without_a_bundle_has_no_card(tmp_path):
    with pytest.raises(ConfigError, match="no model at"):
        read_card(str(tmp_path), storage=STORAGE)
