"""Files that belong to nothing: shows them, and deletes them with --yes."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import TablesJob
from pipeline.tables.vacuum import RETENTION_HOURS, Action, check_retention, vacuum
from pipeline.telling import Form


@click.command()
@click.option("--yes/--dry-run", help="Deletes; without it, only shows.")
@click.option(
    "--hours",
    type=click.IntRange(min=0),
    default=RETENTION_HOURS,
    show_default=True,
    help="What was needed or written in so many hours stays.",
)
@click.option("--nothing-runs", is_flag=True, help="No job and no query runs: allows few hours.")
@json_option
@job_options
def main(
    yes: bool,
    hours: int,
    nothing_runs: bool,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Finds what killed writers, compaction and time have left in a workspace.

    These are files that no version of a table lists, parts of features that no track has, plans
    and lists of work that others have replaced, and half-written files.
    """
    check_retention(hours, idle=nothing_runs)
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    report = vacuum(
        config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
        hours=hours,
        action=Action.DELETE if yes else Action.SHOW,
    )
    tell(report, form=form)


if __name__ == "__main__":
    main()
