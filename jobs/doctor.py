"""Looks whether a set-up is fit to work in: Ray, nodes, storage, MLflow; says what to do."""

from __future__ import annotations

import os
import shutil
import sys

import click
from rich.console import Console

from pipeline.commandline import job_options, json_option, load_job
from pipeline.config_doctor import DoctorJob
from pipeline.doctor.examine import diagnose
from pipeline.doctor.finding import exit_code, facts
from pipeline.doctor.text import show
from pipeline.telling import Form, as_json

PLAIN_WIDTH = 120
"""Of the table where there is no terminal, characters."""


@click.command()
@click.option(
    "--address", metavar="ADDRESS", help="HOST:6379, auto, http://HOST:8265: runtime.ray_address."
)
@json_option
@job_options
def main(
    address: str | None,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Examines the set-up, and says of each thing what was seen and what to do.

    Without a cluster it looks at this machine alone. What it writes into the workspace it deletes
    again. Ends with exit code 1 if something failed; warnings keep 0.
    """
    config = load_job(
        DoctorJob,
        default="doctor.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        runtime__ray_address=address,
    )
    findings = diagnose(config, environment=os.environ, say=_note)
    if form is Form.JSON:
        click.echo(as_json(facts(findings)))
    else:
        width = shutil.get_terminal_size((PLAIN_WIDTH, 40)).columns
        show(findings, console=Console(width=width, highlight=False))
    sys.exit(exit_code(findings))


def _note(what: str) -> None:
    """What is being looked at, where somebody is watching."""
    if sys.stderr.isatty():
        click.echo(f"looking at: {what} ...", err=True)


if __name__ == "__main__":
    main()
