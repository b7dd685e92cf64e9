"""One HTML page about a tagged catalog."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.evaluation.report import render_report
from pipeline.stages.collect_report import collect_report
from pipeline.storage import absolute
from pipeline.tables.views import open_views


@click.command()
@click.option("--output", metavar="FILE", default="report.html", show_default=True)
@click.option("--title", default="Tagged catalog", show_default=True)
@job_options
def main(
    output: str,
    title: str,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Writes one HTML page: numbers, tags, tracks with taggrams, failures. It needs no server."""
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    with open_views(root_url, storage=storage, memory_mb=config.query.memory_mb) as connection:
        data = collect_report(
            connection, root_url=root_url, storage=storage, title=title, wall_s=None
        )
    Path(output).write_text(render_report(data), encoding="utf-8")
    click.echo(f"report: {output}")


if __name__ == "__main__":
    main()
