"""Proves the ledger's promises from storage alone."""

from __future__ import annotations

import sys

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.tables.verify import verify


@click.command()
@job_options
def main(conf: str | None, overrides: tuple[str, ...], workspace: str | None) -> None:
    """Proves from storage that nothing is lost, nothing is there twice and commits are whole.

    Ends with exit code 1 if a promise is broken or a plan is not finished.
    """
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    report = verify(
        config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
    )
    click.echo("\n".join(report.lines()))
    sys.exit(0 if report.holds else 1)


if __name__ == "__main__":
    main()
