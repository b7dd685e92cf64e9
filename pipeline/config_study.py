"""The sections and the job of study: what is compared, between which groups, how surely."""

from __future__ import annotations

from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt
from pydantic import model_validator as _model_validator

from pipeline.config import QueryLimitsConfig, Section, WorkspaceConfig


class StudyConfig(Section):
    """What is studied; the forms of the texts are in pipeline/consumers/study_subjects.py."""

    subjects: tuple[str, ...] = Field(description="tags, descriptors, label:TAG; globs")
    by: str = Field(description="what makes the groups, as artist, composer, period", min_length=1)
    resample: str = Field(
        description="what is drawn whole: artist, album, title, track ...; auto", min_length=1
    )
    facts: str | None = Field(description="table of more facts; its first column is the key")
    model: str | None = Field(description="a current model or taxonomy; null: all with the tag")
    threshold: float | None = Field(
        description="from which score on a tag counts, where a model has no thresholds", ge=0, le=1
    )
    min_tracks: PositiveInt = Field(description="a smaller group is listed, not judged", ge=2)
    min_clusters: PositiveInt = Field(
        description="of artists or the like; a group of fewer has no interval", ge=2
    )
    groups: PositiveInt = Field(description="the largest groups so many are judged")
    figures: NonNegativeInt = Field(description="pictures of single subjects at most")


class BootstrapConfig(Section):
    """How sure the numbers are said to be."""

    resamples: PositiveInt = Field(description="draws of an interval", ge=100)
    seed: NonNegativeInt = Field(description="of the draws")
    confidence: float = Field(description="of the intervals", gt=0.5, lt=1)
    false_discovery: float = Field(
        description="share of false ones among the differences that are marked", gt=0, lt=1
    )


class StudyJob(Section):
    """conf/study.yaml."""

    workspace: WorkspaceConfig
    study: StudyConfig
    bootstrap: BootstrapConfig
    periods: dict[str, int] = Field(description="a period's name and its first year")
    query: QueryLimitsConfig

    @_model_validator(mode="after")
    def _periods_follow_each_other(self) -> Self:
        years = list(self.periods.values())
        if not years or sorted(set(years)) != years:
            raise ValueError("periods: give at least one, each later than the one before it")
        return self
