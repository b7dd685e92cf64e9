"""One HTML page about a tagged catalog."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.evaluation.report import ReportData, render_report
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
    page = absolute(output)
    report(config, page=page, title=title, wall_s=None)
    click.echo(f"report: {page}")


def report(config: TablesJob, *, page: str, title: str, wall_s: float | None) -> ReportData:
    """Writes the page to a URL; gives what stands on it."""
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    with open_views(root_url, storage=storage, memory_mb=config.query.memory_mb) as connection:
        data = collect_report(
            connection, root_url=root_url, storage=storage, title=title, wall_s=wall_s
        )
    storage.write(page, render_report(data).encode())
    return data


if __name__ == "__main__":
    main()
