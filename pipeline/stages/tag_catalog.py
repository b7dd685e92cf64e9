"""The tag job: bundles > plans > what is left > score > results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import duckdb

from pipeline.audio.frontend import FrontendSpec
from pipeline.config import TagInput, TagJob
from pipeline.errors import ConfigError, TableError
from pipeline.models.bundle import Bundle, bundle_url, read_bundle
from pipeline.models.scoring import base_scores_id, scores_id, scoring_id
from pipeline.progress import Summary
from pipeline.schemas import FEATURE_INDEX
from pipeline.stages.copy_scores import copy_scores
from pipeline.stages.extract_catalog import load_work, plan_audio
from pipeline.stages.run import run
from pipeline.stages.score import ScoreTracks, ScoreWork, ScoringWork
from pipeline.storage import Storage, absolute
from pipeline.tables.database import register, register_catalog
from pipeline.tables.labelled import Part
from pipeline.tables.ledger import RESULTS_LEDGER
from pipeline.tables.prepare import Asked, Foreseen, Prepared, foresee, prepare
from pipeline.tables.scorings import Scoring, write_scoring


@dataclass(frozen=True)
class Choice:
    """A bundle of the run and where it is."""

    bundle: Bundle
    reference: str
    url: str


def tag_catalog(config: TagJob, *, run_id: str, part: Part | None = None) -> Summary:
    """Gives every track of the catalog a row under every scoring: scores, or a reason.

    Args:
        config: the job.
        run_id: names the run in the rows.
        part: these tracks only; None: all.

    Raises:
        ConfigError: a bundle is missing or broken, or the bundles do not go together.
        TableError: no catalog, duplicate track ids in it, or features that are not there.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    choices = choose(config, root_url=root_url, storage=storage)
    where = part.where if part else "true"
    for key, choice in choices.items():
        begin_scoring(key, choice, config=config, where=where, run_id=run_id)
    prepared = prepare(asked_tags(config, choices=choices, part=part), run_id=run_id)
    return run(
        ScoreTracks,
        work=_work(config, choices=choices, prepared=prepared, root_url=root_url),
        prepared=prepared,
        runtime=config.runtime,
        storage=storage,
        verb="tag",
    )


def asked_tags(config: TagJob, *, choices: dict[str, Choice], part: Part | None = None) -> Asked:
    """What the job asks for: a row a track and scoring.

    Args:
        config: the job.
        choices: of `choose`.
        part: these tracks only; None: all.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    spec = next(iter(choices.values())).bundle.frontend
    from_audio = config.scoring.input == TagInput.AUDIO
    where = part.where if part else "true"
    make_planned = partial(plan_audio, root_url=root_url, storage=storage, where=where)
    if not from_audio:
        make_planned = partial(
            plan_features, spec=spec, root_url=root_url, storage=storage, where=where
        )
    return Asked(
        RESULTS_LEDGER,
        keys=list(choices),
        register=make_planned,
        order="track_id" if from_audio else "part, first_row",
        root_url=root_url,
        storage=storage,
        memory_mb=config.runtime.plan_memory_mb,
        part=str(part or ""),
    )


def foresee_tags(config: TagJob) -> Foreseen:
    """What `tag_catalog` would do; rows that it would copy from other scorings count as open.

    Raises:
        ConfigError, TableError: as of tag_catalog.
    """
    root_url = absolute(config.workspace.root_url)
    choices = choose(config, root_url=root_url, storage=config.workspace.storage)
    return foresee(asked_tags(config, choices=choices))


def plan_features(
    connection: duckdb.DuckDBPyConnection,
    *,
    spec: FrontendSpec,
    root_url: str,
    storage: Storage,
    where: str = "true",
) -> None:
    """Makes `planned` the catalog's tracks with their rows of the feature index.

    Args:
        connection: where the view is made.
        spec: the front end.
        root_url: the workspace.
        storage: how to reach it.
        where: SQL over columns of the catalog: these tracks only.

    Raises:
        TableError: tracks without features of this front end.
    """
    register_catalog(connection, root_url=root_url, storage=storage)
    register(connection, "feature_index", root_url=root_url, storage=storage, schema=FEATURE_INDEX)
    connection.execute(
        "CREATE VIEW planned AS SELECT c.track_id, c.audio_version, c.uri, f.part, f.first_row, "
        "f.num_rows, f.num_frames, f.status, f.reason, f.detail, f.duration_s, "
        "coalesce(f.duration_s, 0)::DOUBLE AS work_s FROM catalog c "
        f"LEFT JOIN (SELECT * FROM feature_index WHERE spec_id = '{spec.spec_id}') f "
        f"ON c.track_id = f.track_id AND c.audio_version = f.audio_version WHERE {where}"
    )
    ((missing,),) = connection.sql("SELECT count(*) FROM planned WHERE status IS NULL").fetchall()
    if missing:
        found = connection.sql("SELECT DISTINCT spec_id FROM feature_index").fetchall()
        stored = ", ".join(sorted(row[0] for row in found)) or "none"
        raise TableError(
            f"{missing} track(s) have no features of front end {spec.spec_id}, which the models "
            f"read (stored front ends: {stored}): run earmark features --frontend {spec.name} "
            "first, or tag from audio"
        )


def begin_scoring(key: str, choice: Choice, *, config: TagJob, where: str, run_id: str) -> int:
    """Describes a scoring, and makes the rows that need no audio from those of others.

    Args:
        key: its scoring_id.
        choice: its bundle.
        config: the job.
        where: SQL over columns of the catalog: these tracks only.
        run_id: names the run in the rows.

    Returns:
        How many rows were made.
    """
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    scoring, asked = _scoring(key, choice, config=config), config.scoring
    write_scoring(root_url, storage=storage, scoring=scoring)
    return copy_scores(
        scoring,
        config=config,
        where=where,
        run_id=run_id,
        base_scores_id=base_scores_id(choice.bundle, source=asked.input, precision=asked.precision),
        head_url=choice.url,
    )


def choose(config: TagJob, *, root_url: str, storage: Storage) -> dict[str, Choice]:
    """The configured bundles by scoring_id; all must read the same waves, or the same features.

    Raises:
        ConfigError: a bundle is missing or broken, or the bundles do not go together.
    """
    choices: dict[str, Choice] = {}
    for reference in config.scoring.models:
        url = bundle_url(reference, root_url=root_url)
        bundle, _ = read_bundle(url, storage=storage)
        scoring = config.scoring
        key = scoring_id(bundle, source=scoring.input, precision=scoring.precision)
        choices[key] = Choice(bundle, reference, url)
    inputs = {}
    for choice in choices.values():
        frontend = choice.bundle.frontend
        from_audio = config.scoring.input == TagInput.AUDIO
        inputs[choice.reference] = f"{frontend.sample_rate} Hz" if from_audio else frontend.spec_id
    if len(set(inputs.values())) > 1:
        listed = ", ".join(f"{name} {what}" for name, what in inputs.items())
        raise ConfigError(f"scoring.models do not read the same input ({listed}): tag them apart")
    return choices


def _scoring(key: str, choice: Choice, *, config: TagJob) -> Scoring:
    bundle = choice.bundle
    return Scoring(
        scoring_id=key,
        model_version=bundle.model_version,
        reference=choice.reference,
        taxonomy=bundle.taxonomy,
        thresholds=bundle.thresholds,
        input=str(config.scoring.input),
        frontend=bundle.frontend.to_json(),
        chunking=bundle.chunking.to_json(),
        scores_id=scores_id(
            bundle, source=config.scoring.input, precision=config.scoring.precision
        ),
        weights_sha256=bundle.weights_sha256,
    )


def _work(
    config: TagJob, *, choices: dict[str, Choice], prepared: Prepared, root_url: str
) -> ScoreWork:
    storage = config.workspace.storage
    spec = next(iter(choices.values())).bundle.frontend
    from_audio = config.scoring.input == TagInput.AUDIO
    load = load_work(
        storage, sample_rate=spec.sample_rate, limits=config.limits, runtime=config.runtime
    )
    scorings = [
        ScoringWork(key, prepared.plans[key].plan_id, choice.url, choice.bundle.model_version)
        for key, choice in choices.items()
    ]
    return ScoreWork(
        root_url=root_url,
        storage=storage,
        pending=prepared.pending,
        scorings=tuple(scorings),
        run_id=prepared.run_id,
        file_tracks=config.runtime.file_tracks,
        precision=config.scoring.precision,
        device="cuda" if config.runtime.num_gpus_per_actor else "cpu",
        load=load if from_audio else None,
        spec=None if from_audio else spec,
    )
