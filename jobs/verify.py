"""Proves the ledger's promises from storage alone."""

from __future__ import annotations

import sys

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import TablesJob
from pipeline.tables.verify import verify
from pipeline.telling import Form


@click.command()
@json_option
@job_options
def main(form: Form, conf: str | None, overrides: tuple[str, ...], workspace: str | None) -> None:
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
    tell(report, form=form)
    sys.exit(0 if report.holds else 1)


if __name__ == "__main__":
    main()
