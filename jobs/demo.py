"""The whole walk on one catalog: scan, tag with two published taggers, publish, ask, report."""

from __future__ import annotations

import time
from pathlib import Path

import click

from jobs.catalog import scan
from jobs.tag import tag
from pipeline.catalog.rendered import render_catalog
from pipeline.commandline import job_options, load_job
from pipeline.config import CatalogJob, TagJob
from pipeline.evaluation.digest import digest
from pipeline.evaluation.report import render_report
from pipeline.models.published import add_published
from pipeline.progress import Counter, duration
from pipeline.stages.collect_report import collect_report
from pipeline.storage import absolute, local_path
from pipeline.tables.tags import publish
from pipeline.tables.verify import verify
from pipeline.tables.views import open_views

MODELS = ("musicnn:MTT_musicnn", "musicnn:MSD_musicnn")
HOME = "earmark-data"


@click.command()
@click.argument("source", required=False)
@job_options
def main(
    source: str | None, conf: str | None, overrides: tuple[str, ...], workspace: str | None
) -> None:
    """Tags SOURCE, or a catalog of rendered scores, and prints and reports what was found."""
    started = time.monotonic()
    root_url = absolute(workspace or f"{HOME}/{'demo' if source is None else 'demo-own'}")
    job = load_job(
        TagJob,
        default="tag.yaml",
        conf=conf,
        overrides=(f"scoring.models={list(MODELS)}", *overrides),
        workspace=root_url,
    )
    catalog = load_job(
        CatalogJob, default="catalog.yaml", conf=None, overrides=(), workspace=root_url
    )
    storage, memory_mb = job.workspace.storage, job.runtime.plan_memory_mb

    click.echo("\n== 1/5 a catalog")
    rendering = Counter("render", "tracks")
    source = source or str(render_catalog(f"{HOME}/catalog", on_progress=rendering))
    click.echo("\n".join(scan(catalog, source=source).lines()))
    click.echo("\n== 2/5 two published taggers")
    for reference in MODELS:
        click.echo(add_published(reference, root_url=root_url, storage=storage).model_version)
    click.echo("\n== 3/5 tag")
    summary = tag(job)
    click.echo("\n".join(summary.lines()))
    click.echo("\n== 4/5 verify and publish")
    click.echo("\n".join(verify(root_url, storage=storage, memory_mb=memory_mb).lines()))
    published = publish(root_url, storage=storage, memory_mb=memory_mb)
    click.echo(f"{published.rows:,} rows added to tags")
    click.echo("\n== 5/5 ask and report")
    with open_views(root_url, storage=storage, memory_mb=memory_mb) as connection:
        data = collect_report(
            connection,
            root_url=root_url,
            storage=storage,
            title="Earmark demo",
            wall_s=summary.seconds or None,
        )
    click.echo(digest(data))
    page = Path(local_path(root_url)) / "report.html"
    page.write_text(render_report(data), encoding="utf-8")
    click.echo(f"\nreport: {page}\ndone in {duration(time.monotonic() - started)}")


if __name__ == "__main__":
    main()
