"""The promote job: candidate and champion > scores of labelled tracks > decision > alias, views.

The rule is in pipeline/evaluation/judgement.py. Both models must have the same tags, and say of
them either both that a track has exactly one or both that it may have several: figures of anything
else answer another question.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import Precision, ScoringConfig
from pipeline.config_evaluation import EvaluateJob, EvaluationConfig, PromoteJob
from pipeline.errors import ConfigError
from pipeline.evaluation.judgement import Judgement, Outcome, judge_candidate
from pipeline.evaluation.labelled import Labelled
from pipeline.evaluation.metrics import METRICS
from pipeline.models.bundle import Bundle, read_bundle
from pipeline.models.scoring import scoring_id
from pipeline.registry import CHAMPION, Registry
from pipeline.stages.score_split import score_split, task_kind
from pipeline.storage import absolute
from pipeline.tables.promotion import TagChanges, show, tag_changes
from pipeline.tables.scorings import Scoring, read_scorings
from pipeline.taxonomy import TaskKind

SHOWN_TAGS = 10


@dataclass(frozen=True)
class Version:
    """A version of the registered model, and its bundle."""

    number: int
    url: str
    bundle: Bundle

    def __str__(self) -> str:
        return f"version {self.number} ({self.bundle.model_version})"


@dataclass(frozen=True)
class Promotion:
    """What a promotion did.

    Attributes:
        name: of the registered model.
        outcome: of the candidate.
        candidate: the version that was looked at.
        champion: the version that had the alias before; None: none had.
        judgement: None if the candidate was forced, or is the champion already.
        changes: in the catalog's tags; None: nothing was scored by both.
        unscored: tracks that keep the views from showing a new champion; None: all.
    """

    name: str
    outcome: Outcome
    candidate: Version
    champion: Version | None
    judgement: Judgement | None
    changes: TagChanges | None
    unscored: int | None

    def lines(self) -> list[str]:
        """For the terminal."""
        against = f"; champion: {self.champion}" if self.champion else "; there is no champion"
        lines = [f"{self.name}, {self.candidate}{against}"]
        lines += [f"  {line}" for line in (self.judgement.lines() if self.judgement else [])]
        if self.champion and self.outcome is not Outcome.ALREADY:
            lines += [f"  {line}" for line in _change_lines(self.changes)]
        stays = self.outcome is Outcome.KEPT and self.champion
        lines.append(f"  {self.outcome}" + (f": version {stays.number} stays" if stays else ""))
        if self.unscored != 0:
            missing = "no track has" if self.unscored is None else f"{self.unscored:,} tracks lack"
            lines.append(
                f"  the views do not show it yet: {missing} a row under it; run "
                f"earmark tag --model models:/{self.name}@{CHAMPION}, then this again"
            )
        return lines

    def facts(self) -> dict[str, object]:
        """For programs."""
        champion = self.champion.number if self.champion else None
        numbers = {"candidate": self.candidate.number, "champion": champion}
        what = {"name": self.name, "outcome": self.outcome, "unscored": self.unscored}
        return {**what, **numbers, "metrics": self.metrics()}

    def metrics(self) -> dict[str, float]:
        """For MLflow."""
        numbers = self.judgement.metrics() if self.judgement else {}
        if self.changes:
            numbers["tags_gained"] = sum(self.changes.gained.values())
            numbers["tags_lost"] = sum(self.changes.lost.values())
            numbers["tracks_compared"] = self.changes.num_tracks
        return numbers


def promote(config: PromoteJob, *, run_id: str) -> Promotion:
    """Makes a version of a registered model the champion if it is better, or `force` says so.

    Run again after a crash, or once the catalog has been tagged, it does what is left to do.

    Raises:
        ConfigError: no such model, version or metric, or models with different tags.
        TableError: no labelled tracks, or they do not define the metric.
    """
    promotion, name = config.promotion, config.promotion.model
    if promotion.metric not in METRICS:
        known = ", ".join(METRICS)
        raise ConfigError(f"promotion.metric: no {promotion.metric!r}; known are {known}")
    registry = Registry(workspace=config.workspace, tracking=config.tracking)
    holder = registry.aliases(name).get(CHAMPION)
    candidate = _version(registry, promotion.version or registry.newest(name), config=config)
    champion = None if holder is None else _version(registry, holder, config=config)
    judgement = None
    if candidate.number == holder:
        outcome, why = Outcome.ALREADY, ""
    elif promotion.force is not None:
        outcome, why = Outcome.FORCED, promotion.force
    else:
        judgement = _judge(config, candidate=candidate, champion=champion, run_id=run_id)
        outcome, why = judgement.outcome, "; ".join(judgement.lines())
    changes = _changes(config, before=champion, after=candidate)
    if outcome is not Outcome.ALREADY:
        against = "none" if champion is None else f"version {champion.number}"
        facts = {"outcome": str(outcome), "why": why, "against": against, "run_id": run_id}
        tags = {f"promotion.{key}": value for key, value in facts.items()}
        registry.note(name, version=candidate.number, facts=tags)
    if outcome not in (Outcome.ALREADY, Outcome.KEPT):
        registry.make_champion(name, version=candidate.number)
    unscored = 0 if outcome is Outcome.KEPT else _show(config, candidate)
    return Promotion(name, outcome, candidate, champion, judgement, changes, unscored)


def _version(registry: Registry, number: int, *, config: PromoteJob) -> Version:
    url = registry.bundle_url(config.promotion.model, version=number)
    bundle, _ = read_bundle(url, storage=config.workspace.storage)
    return Version(number, url, bundle)


def _judge(
    config: PromoteJob, *, candidate: Version, champion: Version | None, run_id: str
) -> Judgement:
    promotion = config.promotion
    if champion is not None:
        _check_comparable(champion.bundle, candidate.bundle)
    after = _labelled(config, candidate, run_id=run_id)
    return judge_candidate(
        after,
        champion=None if champion is None else _labelled(config, champion, run_id=run_id),
        metric=promotion.metric,
        confidence=promotion.confidence,
        num_resamples=promotion.num_resamples,
        seed=promotion.seed,
    )


def _check_comparable(champion: Bundle, candidate: Bundle) -> None:
    todo = "register it under another name, or give --force REASON"
    old, new = champion.taxonomy.tags, candidate.taxonomy.tags
    if old != new:
        odd = sorted(set(old) ^ set(new))
        shown = ", ".join(odd[:SHOWN_TAGS]) + (", ..." if len(odd) > SHOWN_TAGS else "")
        raise ConfigError(
            f"the candidate has not the champion's tags ({shown or 'in another order'}), so their "
            f"figures cannot be compared: {todo}"
        )
    kinds = task_kind(champion), task_kind(candidate)
    if (kinds[0] is TaskKind.MULTICLASS) != (kinds[1] is TaskKind.MULTICLASS):
        raise ConfigError(
            f"the champion is a {kinds[0]} model and the candidate a {kinds[1]} one, so their "
            f"figures cannot be compared: {todo}"
        )


def _labelled(config: PromoteJob, version: Version, *, run_id: str) -> Labelled:
    """Scores of the split's labelled tracks, from the ledger or made now."""
    promotion = config.promotion
    job = EvaluateJob(
        workspace=config.workspace,
        scoring=ScoringConfig(
            models=(version.url,), input=promotion.input, precision=Precision.FLOAT32
        ),
        evaluation=EvaluationConfig(
            split=promotion.split,
            dataset=promotion.dataset,
            chunks=None,
            num_resamples=promotion.num_resamples,
            seed=promotion.seed,
            probes=(),
        ),
        limits=config.limits,
        runtime=config.runtime,
        tracking=config.tracking,
    )
    return score_split(job, run_id=run_id).labelled


def _scoring(config: PromoteJob, version: Version | None) -> Scoring | None:
    """What the results table has of a version; None: nothing."""
    if version is None:
        return None
    known = read_scorings(absolute(config.workspace.root_url), storage=config.workspace.storage)
    return known.get(scoring_id(version.bundle, source=config.promotion.input))


def _changes(config: PromoteJob, *, before: Version | None, after: Version) -> TagChanges | None:
    old, new = _scoring(config, before), _scoring(config, after)
    if old is None or new is None:
        return None
    changes = tag_changes(
        absolute(config.workspace.root_url),
        storage=config.workspace.storage,
        before=old,
        after=new,
        memory_mb=config.runtime.plan_memory_mb,
    )
    return changes if changes.num_tracks else None


def _show(config: PromoteJob, version: Version) -> int | None:
    """Moves the views if the catalog has been tagged with the version; gives what is not."""
    scoring = _scoring(config, version)
    if scoring is None:
        return None
    return show(
        absolute(config.workspace.root_url),
        storage=config.workspace.storage,
        scoring=scoring,
        memory_mb=config.runtime.plan_memory_mb,
    )


def _change_lines(changes: TagChanges | None) -> list[str]:
    if changes is None:
        return ["tags: nothing to compare, since no track has scores of both"]
    gained, lost = sum(changes.gained.values()), sum(changes.lost.values())
    lines = [
        f"tags over the {changes.num_tracks:,} tracks with scores of both: {gained + lost:,} would "
        f"change, {gained:,} gained and {lost:,} lost"
    ]
    moved = {tag: changes.gained[tag] + changes.lost[tag] for tag in changes.gained}
    most = sorted((tag for tag in moved if moved[tag]), key=lambda tag: (-moved[tag], tag))
    lines += [
        f"  {tag}: {changes.gained[tag]:,} gained, {changes.lost[tag]:,} lost"
        for tag in most[:SHOWN_TAGS]
    ]
    return lines
