"""Which scorings an export is of, by the names that people give; and what their bundles say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from pipeline.consumers.search import current_models
from pipeline.errors import ConfigError, TableError
from pipeline.models.bundle import bundle_url, read_facts
from pipeline.storage import Storage
from pipeline.tables.scorings import (
    Scoring,
    find_scoring,
    find_scorings,
    read_scorings,
    scoring_url,
)

UNKNOWN = "not known: the bundle is not there any more"


@dataclass(frozen=True)
class Chosen:
    """A scoring that is exported.

    Attributes:
        scoring: it.
        is_current: whether the views show it.
        licence: of the model's weights.
        weights: where they come from.
    """

    scoring: Scoring
    is_current: bool
    licence: str
    weights: str


def choose_scorings(
    connection: DuckDBPyConnection, *, root_url: str, storage: Storage, called: Sequence[str]
) -> list[Chosen]:
    """The scorings that are meant; without names, all that are current.

    Of several scorings of one name, the current one is meant.

    Args:
        connection: from `open_views`.
        root_url: the workspace.
        storage: how to reach it.
        called: taxonomies, model versions or their names, scoring ids or their beginnings, or what
            a model was called in the tag job.

    Raises:
        ConfigError: a name means none, or several of which none is current; or nothing is current.
        TableError: a current scoring is not described.
    """
    known = read_scorings(root_url, storage=storage)
    current = current_models(connection)
    missing = [one.scoring_id for one in current if one.scoring_id not in known]
    if missing:
        raise TableError(
            f"nothing describes the current scoring {missing[0]}: "
            f"{scoring_url(root_url, missing[0])} is missing. Run `earmark tag` with its model "
            "again: it writes the file."
        )
    current_ids = [one.scoring_id for one in current]
    if not called and not current:
        raise ConfigError("no model is current: run earmark tag and earmark publish first")
    ids = current_ids
    if called:
        ids = [_find(text, known=known, current=current_ids) for text in called]
    return [
        Chosen(known[key], key in current_ids, *_bundle(known[key], root_url, storage=storage))
        for key in dict.fromkeys(ids)
    ]


def _find(text: str, *, known: dict[str, Scoring], current: Sequence[str]) -> str:
    named = [key for key in current if text in _taxonomy_names(known[key])]
    if len(named) == 1:
        return named[0]
    if not named:
        found = [one.scoring_id for one in find_scorings(known, text)]
        shown = [key for key in found if key in current]
        return shown[0] if len(shown) == 1 else find_scoring(known, text).scoring_id
    listed = "; ".join(f"{known[key].model_version} ({key})" for key in named)
    raise ConfigError(f"{text!r} is the taxonomy of several models, give one of them: {listed}")


def _taxonomy_names(scoring: Scoring) -> tuple[str, str]:
    return scoring.taxonomy.name, scoring.taxonomy.taxonomy_id


def _bundle(scoring: Scoring, root_url: str, *, storage: Storage) -> tuple[str, str]:
    """Licence and source; a bundle that was removed leaves its scores, so it is no error."""
    try:
        bundle = read_facts(bundle_url(scoring.reference, root_url=root_url), storage=storage)
    except ConfigError:
        return UNKNOWN, UNKNOWN
    return bundle.licence, bundle.source
