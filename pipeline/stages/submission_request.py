"""From a verb and its configuration to a request: what travels with it, and what does not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.config import MEBIBYTE, Section, dump
from pipeline.config_submit import (
    NOT_PASSED,
    DriverConfig,
    SubmitConfig,
    refuse_places,
    refuse_secrets,
    travelling,
)
from pipeline.errors import ConfigError
from pipeline.revision import VARIABLE as REVISION_VARIABLE
from pipeline.revision import this_code
from pipeline.stages.submission_address import Door
from pipeline.stages.submission_id import plan_digest
from pipeline.stages.submission_package import CONFIGURATION, Package, make_package
from pipeline.urls import is_local

VERB, WORKSPACE = "earmark.verb", "earmark.workspace"
"""Keys of a submission's metadata."""


@dataclass(frozen=True)
class Request:
    """A job that is to be submitted.

    Attributes:
        verb: of the job.
        arguments: of its command line, beside the configuration.
        plan: digest of what shall be done.
        workspace: its URL.
        package: program and configuration.
        driver: where it runs, and what it reserves.
        stop_wait_s: time that a stopped job has, seconds.
        environment: variables that it is given; never shown.
    """

    verb: str
    arguments: tuple[str, ...]
    plan: str
    workspace: str
    package: Package
    driver: DriverConfig
    stop_wait_s: int
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def entrypoint(self) -> str:
        """The command line; Ray gives it to a shell, so every word is quoted."""
        words = [self.driver.python, "-m", "jobs", self.verb, *self.arguments]
        return shlex.join([*words, "--conf", CONFIGURATION])

    def options(self, working_dir: str) -> dict[str, Any]:
        """What Ray is told beside the id."""
        driver = self.driver
        own = {
            "RAY_JOB_STOP_WAIT_TIME_S": str(self.stop_wait_s),
            REVISION_VARIABLE: this_code().revision,
        }
        return {
            "entrypoint": self.entrypoint,
            "runtime_env": {
                "working_dir": working_dir,
                "env_vars": {**self.environment, **own},
            },
            "metadata": {VERB: self.verb, WORKSPACE: self.workspace},
            "entrypoint_num_cpus": driver.num_cpus or None,
            "entrypoint_num_gpus": driver.num_gpus or None,
            "entrypoint_memory": driver.memory_mb * MEBIBYTE or None,
            "entrypoint_label_selector": dict(driver.labels) or None,
        }


def make_request(
    verb: str,
    *,
    arguments: tuple[str, ...],
    job: Section,
    settings: SubmitConfig,
    door: Door,
    say: Callable[[str], None],
) -> Request:
    """Checks and packs a job.

    Args:
        verb: of the job.
        arguments: of its command line, beside the configuration.
        job: its effective configuration.
        settings: how it is submitted.
        door: the cluster's.
        say: takes a line for people.

    Raises:
        ConfigError: a password stands in the configuration, an argument means something else
            elsewhere, a variable is missing, the package is too large.
    """
    refuse_places(arguments)
    job = travelling(job)
    refuse_secrets(job, arguments=arguments)
    environment = passed_on(settings.environment.names)
    package = make_package(dump(job), max_mb=settings.package.max_mb)
    say(package.line(max_mb=settings.package.max_mb))
    if environment:
        say(f"environment: {', '.join(environment)}; whoever has the cluster's token can read them")
    root_url = job.model_dump(mode="json")["workspace"]["root_url"]
    if is_local(root_url) and not door.is_loopback:
        say(f"{root_url} is a local folder: every node of the cluster must have it under this path")
    return Request(
        verb=verb,
        arguments=arguments,
        plan=plan_digest(verb, arguments=arguments, config=job),
        workspace=root_url,
        package=package,
        driver=settings.driver,
        stop_wait_s=settings.stop.wait_s,
        environment=environment,
    )


def passed_on(names: Sequence[str]) -> dict[str, str]:
    """Variables of this process that a job shall have.

    Args:
        names: of the variables.

    Raises:
        ConfigError: one is not set here, or is the cluster's own.
    """
    for name in names:
        if NOT_PASSED.fullmatch(name):
            raise ConfigError(f"--env {name}: this variable is the cluster's own; set it there")
        if name not in os.environ:
            raise ConfigError(f"--env {name}: there is no such variable here; export it first")
    return {name: os.environ[name] for name in names}
