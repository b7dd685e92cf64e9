"""Makes results searchable: the tags table."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.tables.tags import publish


@click.command()
@job_options
def main(conf: str | None, overrides: tuple[str, ...], workspace: str | None) -> None:
    """Brings the tags table up to date with the results; run again, it adds nothing."""
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    report = publish(
        config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
    )
    for scoring_id, tracks in report.tracks.items():
        current = ", now current" if scoring_id in report.made_current else ""
        click.echo(f"scoring {scoring_id}: {tracks:,} tracks added{current}")
    click.echo(f"{report.rows:,} rows added to tags")


if __name__ == "__main__":
    main()
