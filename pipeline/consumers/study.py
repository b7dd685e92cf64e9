"""Musicology: how tags and descriptors differ between groups of tracks, and change over years."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from duckdb import DuckDBPyConnection

from pipeline.config_study import StudyJob
from pipeline.consumers.search import current_models
from pipeline.consumers.study_attributes import OF_TIME, TAG, TRACK, Attributes, find_attributes
from pipeline.consumers.study_bootstrap import Draws
from pipeline.consumers.study_columns import Column, Measure, SubjectColumns, read_labels
from pipeline.consumers.study_estimate import Estimator
from pipeline.consumers.study_facts import add_facts, read_facts
from pipeline.consumers.study_formulas import Floats, false_discovery
from pipeline.consumers.study_groups import (
    Grouping,
    Limits,
    Standing,
    read_grouping,
    read_years,
)
from pipeline.consumers.study_result import Study, SubjectTrend
from pipeline.consumers.study_row import Row
from pipeline.consumers.study_subjects import LABEL, Kind, Subject, find_subjects
from pipeline.consumers.study_trend import line_slopes, median_slopes, trend
from pipeline.errors import ConfigError
from pipeline.tables.views import open_views
from pipeline.taxonomy import SEPARATOR


@dataclass(frozen=True)
class _Frame:
    """What all subjects of a study share."""

    job: StudyJob
    grouping: Grouping
    limits: Limits
    draws: Draws
    years_N: Floats | None


def make_study(job: StudyJob) -> Study:
    """The study that a configuration describes.

    Raises:
        ConfigError: an unknown subject, attribute or model (the nearest are offered), no track
            with the attribute or with a value, groups that are what is drawn, a bad table of facts.
        TableError: there is no workspace.
    """
    asked, storage = job.study, job.workspace.storage
    if asked.by == asked.resample:
        raise ConfigError(
            f"study.by and study.resample are both {asked.by}: a group would be one {asked.by}, "
            "and nothing says how much it strays; draw album, title or track, or leave it to auto"
        )
    facts = None if asked.facts is None else read_facts(asked.facts, storage=storage)
    memory_mb = job.query.memory_mb
    with open_views(job.workspace.root_url, storage=storage, memory_mb=memory_mb) as views:
        columns = SubjectColumns(views, threshold=asked.threshold)
        subjects = find_subjects(
            asked.subjects,
            models=current_models(views),
            labels=read_labels(views),
            called=asked.model,
        )
        attributes = find_attributes(views, facts=facts, periods=job.periods)
        notes = []
        if facts is not None:
            alone = replace(attributes, facts=None)
            notes += [add_facts(views, facts, keys_sql=alone.sql(facts.key))]
        frame = _frame(views, attributes=attributes, job=job, num_tracks=len(columns))
        rows, trends, missing = _estimates(columns, subjects, frame=frame)
    notes += [*_grouping_notes(frame, attributes=attributes), *missing]
    return _study(frame, rows=rows, trends=trends, notes=[one for one in notes if one])


def _frame(
    views: DuckDBPyConnection, *, attributes: Attributes, job: StudyJob, num_tracks: int
) -> _Frame:
    asked, sure = job.study, job.bootstrap
    limits = Limits(asked.min_tracks, asked.min_clusters, asked.groups)
    grouping = read_grouping(
        views,
        attributes=attributes,
        by=asked.by,
        resample=asked.resample,
        num_tracks=num_tracks,
        limits=limits,
    )
    if not grouping.members:
        largest = max((one.tracks for one in grouping.groups), default=0)
        raise ConfigError(
            f"no group by {asked.by} can be judged: of {num_tracks} tracks "
            f"{int(grouping.grouped_N.sum())} have it, and the largest group has {largest} "
            f"(study.min_tracks = {asked.min_tracks})"
            + ("; years of composers or works can come from --facts" * (asked.by in OF_TIME))
        )
    is_time = asked.by in OF_TIME
    years_N = read_years(views, attributes=attributes, num_tracks=num_tracks) if is_time else None
    return _Frame(job, grouping, limits, Draws(seed=sure.seed, resamples=sure.resamples), years_N)


def _estimates(
    columns: SubjectColumns, subjects: tuple[Subject, ...], *, frame: _Frame
) -> tuple[list[Row], list[SubjectTrend], list[str]]:
    rows: list[Row] = []
    trends: list[SubjectTrend] = []
    missing: Counter[str] = Counter()
    for subject in subjects:
        for column in columns.read(subject):
            estimator = Estimator(
                column,
                grouping=frame.grouping,
                limits=frame.limits,
                draws=frame.draws,
                confidence=frame.job.bootstrap.confidence,
            )
            rows += estimator.rows()
            trends += _trend(column, frame=frame)
            without = int((frame.grouping.grouped_N & np.isnan(column.values_N)).sum())
            missing[_missing_of(column)] = max(without, missing[_missing_of(column)])
    if not rows:
        raise ConfigError(
            "none of the tracks in groups has a value of these subjects: run earmark tag and "
            "publish for tags, earmark describe for descriptors"
        )
    return rows, trends, list(_missing_notes(missing, subjects, frame=frame, rows=rows))


def _trend(column: Column, *, frame: _Frame) -> Iterator[SubjectTrend]:
    if frame.years_N is None:
        return
    known = np.flatnonzero(~np.isnan(frame.years_N) & ~np.isnan(column.values_N))
    clusters = frame.grouping.clusters_N[known]
    if len(np.unique(clusters)) < frame.limits.min_clusters:
        return
    found = trend(
        column.values_N[known],
        years_N=frame.years_N[known],
        clusters_N=clusters,
        draws=frame.draws,
        confidence=frame.job.bootstrap.confidence,
        slopes=line_slopes if column.measure is Measure.SHARE else median_slopes,
    )
    if found is not None:
        facts = (column.subject, str(column.kind), column.taxonomy, str(column.measure))
        yield SubjectTrend(*facts, column.unit, found, math.nan)


def _study(
    frame: _Frame, *, rows: list[Row], trends: list[SubjectTrend], notes: list[str]
) -> Study:
    grouping, sure = frame.grouping, frame.job.bootstrap
    row_qs = false_discovery([row.p for row in rows])
    trend_qs = false_discovery([one.trend.p for one in trends])
    return Study(
        by=grouping.by,
        resample=grouping.resample,
        tracks=len(grouping.grouped_N),
        grouped=int(grouping.grouped_N.sum()),
        groups=grouping.groups,
        rows=tuple(replace(row, q=q) for row, q in zip(rows, row_qs, strict=True)),
        trends=tuple(replace(one, q=q) for one, q in zip(trends, trend_qs, strict=True)),
        notes=tuple(notes),
        resamples=sure.resamples,
        seed=sure.seed,
        confidence=sure.confidence,
        false_discovery=sure.false_discovery,
    )


def _grouping_notes(frame: _Frame, *, attributes: Attributes) -> Iterator[str]:
    grouping, limits = frame.grouping, frame.limits
    without = int((~grouping.grouped_N).sum())
    if without:
        yield f"{without:,} of {len(grouping.grouped_N):,} tracks have no {grouping.by}: left out"
    if grouping.alone:
        yield f"{grouping.alone:,} tracks have no {grouping.resample}: each counts by itself"
    times = Counter(one.standing for one in grouping.groups)
    if times[Standing.TOO_SMALL]:
        yield f"groups of fewer than {limits.min_tracks} tracks: {times[Standing.TOO_SMALL]:,}"
    if times[Standing.NOT_AMONG_LARGEST]:
        number = times[Standing.NOT_AMONG_LARGEST]
        yield f"groups that are not among the {limits.groups} largest (study.groups): {number:,}"
    if times[Standing.TOO_FEW_CLUSTERS]:
        yield (
            f"groups of fewer than {limits.min_clusters} different values of {grouping.resample}: "
            f"{times[Standing.TOO_FEW_CLUSTERS]:,}; they have no interval, since what they show "
            "may be that of a single one (--resample track would judge these very tracks alone)"
        )
    if grouping.resample == TRACK:
        yield "intervals and tests draw tracks one by one, as if none resembled another"
    else:
        yield f"intervals and tests draw each {grouping.resample} whole, with all its tracks"
    if grouping.by.startswith(TAG):
        yield (
            f"a track's group is its best tag of {grouping.by.removeprefix(TAG)}, as a tagger "
            "hears it: other tags of the same tagger are bound to differ with it"
        )
    if grouping.by in OF_TIME and (attributes.facts is None or not attributes.facts.has_year):
        yield "years are the catalog's: of a recording mostly its release, not the composition"


def _missing_of(column: Column) -> str:
    if column.kind is Kind.TAG:
        return f"scores of {column.taxonomy}"
    if column.kind is Kind.LABEL:
        return f"labels of {column.subject.removeprefix(LABEL).partition(SEPARATOR)[0]}"
    return column.subject.partition("=")[0]


def _missing_notes(
    missing: Counter[str], subjects: tuple[Subject, ...], *, frame: _Frame, rows: list[Row]
) -> Iterator[str]:
    for number in sorted(set(missing.values()) - {0}):
        names = ", ".join(name for name, without in missing.items() if without == number)
        yield f"{number:,} of the grouped tracks have no {names}"
    shared = {row.subject for row in rows if row.measure == Measure.SHARE}
    tags = {one.name for one in subjects if one.kind is Kind.TAG} - shared
    if tags:
        models = {one.model.model_version for one in subjects if one.model and one.name in tags}
        yield (
            f"no shares of tags of {', '.join(sorted(models))}, without thresholds (--threshold, "
            "or earmark calibrate)"
        )
