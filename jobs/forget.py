"""Removes tracks from a workspace for good, and proves that nothing names them any more."""

from __future__ import annotations

import sys

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import TablesJob
from pipeline.errors import ConfigError
from pipeline.tables.forget import forget
from pipeline.tables.vacuum import Action
from pipeline.telling import Form


@click.command()
@click.argument("tracks", metavar="TRACK_ID...", nargs=-1, required=True)
@click.option("--yes/--dry-run", help="Acts; without it, shows what would be done.")
@click.option("--nothing-runs", is_flag=True, help="No job and no query runs: needed with --yes.")
@json_option
@job_options
def main(
    tracks: tuple[str, ...],
    yes: bool,
    nothing_runs: bool,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Deletes all rows, mels and plans of tracks, by whole ids, and all older versions of tables.

    Then it reads every file of the workspace for their ids and URIs. With --yes it ends with exit
    code 1 if one is left. The audio itself, exports and other machines' caches are not touched.
    """
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    if yes and not nothing_runs:
        raise ConfigError(
            "old versions of all tables are deleted, which a job or a query may be reading: give "
            "--nothing-runs too when none runs"
        )
    report = forget(
        tracks,
        root_url=config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
        action=Action.DELETE if yes else Action.SHOW,
    )
    tell(report, form=form)
    sys.exit(1 if yes and not report.is_gone else 0)


if __name__ == "__main__":
    main()
