"""What stands behind a scoring_id: a small JSON file that a tag job leaves before it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline.errors import ConfigError, TableError
from pipeline.storage import Storage, join
from pipeline.taxonomy import Taxonomy

FOLDER = "scorings"
NAMES = ("reference", "model_version", "scores_id", "weights_sha256")
"""What a bundle is called, and what older files lack: none of them changes a score."""


@dataclass(frozen=True)
class Scoring:
    """Facts of one scoring.

    Attributes:
        scoring_id: key of its rows in `results` and `tags`.
        model_version: bundle name and fingerprint.
        reference: how the user named the bundle.
        taxonomy: what the scores stand for, in order.
        thresholds: one a tag; None until the model is calibrated.
        input: `audio` or `features`.
        frontend: the mel's settings.
        chunking: how a track is cut.
        scores_id: what gives the scores, hashed; scorings that share it differ in thresholds
            alone. Empty in files from before it was kept.
        weights_sha256: of the bundle's weights; empty likewise.
    """

    scoring_id: str
    model_version: str
    reference: str
    taxonomy: Taxonomy
    thresholds: tuple[float, ...] | None
    input: str
    frontend: dict[str, Any]
    chunking: dict[str, Any]
    scores_id: str = ""
    weights_sha256: str = ""

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> Scoring:
        """The inverse of `to_json`."""
        facts = json.loads(text)
        taxonomy = Taxonomy(facts["taxonomy"]["name"], tuple(facts["taxonomy"]["tags"]))
        thresholds = facts["thresholds"]
        return Scoring(
            **(
                facts
                | {
                    "taxonomy": taxonomy,
                    "thresholds": None if thresholds is None else tuple(thresholds),
                }
            )
        )


def scoring_url(root_url: str, scoring_id: str) -> str:
    """Where a scoring's file is."""
    return join(root_url, FOLDER, f"{scoring_id}.json")


def write_scoring(root_url: str, *, storage: Storage, scoring: Scoring) -> None:
    """Leaves the file, unless it is there already; one of before gets the hashes that it lacks.

    Raises:
        TableError: it is there and says something else: published rows would contradict it.
    """
    url = scoring_url(root_url, scoring.scoring_id)
    if not storage.exists(url):
        storage.write(url, scoring.to_json().encode())
        return
    before = asdict(_read(url, storage=storage))
    now = asdict(Scoring.from_json(scoring.to_json()))
    differing = sorted(name for name in now if name not in NAMES and now[name] != before[name])
    if differing:
        raise TableError(
            f"{url} was written with another {', '.join(differing)} than {scoring.reference} has "
            "now, under the same scoring_id. Published rows rest on that file: tag with a bundle "
            "that has a version of its own, or with the one that was used before."
        )
    lacking = ("scores_id", "weights_sha256")
    if any(now[name] and not before[name] for name in lacking):
        told = {name: before[name] or now[name] for name in lacking}
        storage.write(url, replace(_read(url, storage=storage), **told).to_json().encode())


def read_scorings(root_url: str, *, storage: Storage) -> dict[str, Scoring]:
    """Every scoring of the workspace by its scoring_id, in the order of the ids.

    Raises:
        TableError: a file that is not what `write_scoring` leaves.
    """
    folder = join(root_url, FOLDER)
    if not storage.is_dir(folder):
        return {}
    urls = [entry.url for entry in storage.walk(folder) if entry.url.endswith(".json")]
    scorings = [_read(url, storage=storage) for url in urls]
    return {scoring.scoring_id: scoring for scoring in scorings}


def find_scorings(scorings: Mapping[str, Scoring], text: str) -> list[Scoring]:
    """The scorings that a person means by a text.

    Args:
        scorings: of the workspace, by id.
        text: a scoring_id or its beginning, a model version (NAME@FINGERPRINT) or its name, or
            what the bundle was called in the tag job.

    Raises:
        ConfigError: there is none.
    """
    exact = [one for one in scorings.values() if text in (one.scoring_id, one.reference)]
    named = [one for one in scorings.values() if text in _model_names(one)]
    begun = [one for one in scorings.values() if text and one.scoring_id.startswith(text)]
    if found := exact or named or begun:
        return found
    known = "; ".join(f"{one.scoring_id} ({one.reference})" for one in scorings.values())
    raise ConfigError(
        f"the workspace has no scoring {text!r}; it has: {known or 'none, run earmark tag first'}"
    )


def find_scoring(scorings: Mapping[str, Scoring], text: str) -> Scoring:
    """`find_scorings` where one is wanted.

    Raises:
        ConfigError: there is none, or several.
    """
    found = find_scorings(scorings, text)
    if len(found) > 1:
        listed = "; ".join(f"{one.scoring_id} (from {one.input})" for one in found)
        raise ConfigError(f"{text!r} is several scorings, give the id of one: {listed}")
    return found[0]


def _model_names(scoring: Scoring) -> tuple[str, str]:
    return scoring.model_version, scoring.model_version.partition("@")[0]


def _read(url: str, *, storage: Storage) -> Scoring:
    try:
        return Scoring.from_json(storage.read(url).decode())
    except (ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"{url} does not describe a scoring ({type(error).__name__}: {error}). Run the tag job "
            "of its model again after you have moved the file away."
        ) from error
