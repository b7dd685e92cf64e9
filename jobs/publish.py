"""Makes results searchable: the tags table."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import TablesJob
from pipeline.tables.tags import publish
from pipeline.telling import Form


@click.command()
@json_option
@job_options
def main(form: Form, conf: str | None, overrides: tuple[str, ...], workspace: str | None) -> None:
    """Brings the tags table up to date with the results; run again, it adds nothing."""
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    report = publish(
        config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
    )
    tell(report, form=form)


if __name__ == "__main__":
    main()
