"""The whole walk on one catalog: scan, tag with two published taggers, publish, ask, report."""

from __future__ import annotations

import sys
import time

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
from pipeline.storage import absolute, join
from pipeline.tables.tags import publish
from pipeline.tables.verify import verify
from pipeline.tables.views import open_views

MODELS = ("musicnn:MTT_musicnn", "musicnn:MSD_musicnn")
HOME = "earmark-data"
CATALOG = f"{HOME}/catalog"


@click.command()
@click.argument("source", required=False)
@job_options
def main(
    source: str | None, conf: str | None, overrides: tuple[str, ...], workspace: str | None
) -> None:
    """Tags SOURCE, or a catalog of rendered scores, and prints and reports what was found."""
    started = time.monotonic()
    root = absolute(workspace or f"{HOME}/{'demo' if source is None else 'demo-own'}")
    job = load_job(
        TagJob,
        default="tag.yaml",
        conf=conf,
        overrides=(f"scoring.models={list(MODELS)}", *overrides),
        workspace=root,
    )
    catalog = load_job(CatalogJob, default="catalog.yaml", conf=None, overrides=(), workspace=root)
    storage, memory_mb = job.workspace.storage, job.runtime.plan_memory_mb

    click.echo("\n== 1/5 a catalog")
    source = source or str(render_catalog(CATALOG, on_progress=Counter("render", "tracks")))
    click.echo("\n".join(scan(catalog, source=source).lines()))
    click.echo("\n== 2/5 two published taggers")
    for name in MODELS:
        click.echo(add_published(name, root_url=root, storage=storage).model_version)
    click.echo("\n== 3/5 tag")
    summary = tag(job)
    click.echo("\n".join(summary.lines()))
    wall_s = summary.seconds if summary.committed == summary.planned else None
    click.echo("\n== 4/5 verify and publish")
    proof = verify(root, storage=storage, memory_mb=memory_mb)
    click.echo("\n".join(proof.lines()))
    click.echo(f"{publish(root, storage=storage, memory_mb=memory_mb).rows:,} rows of tags")
    click.echo("\n== 5/5 ask and report")
    with open_views(root, storage=storage, memory_mb=memory_mb) as connection:
        data = collect_report(
            connection,
            root_url=root,
            storage=storage,
            title="Earmark demo",
            wall_s=wall_s,
        )
    click.echo(digest(data))
    page = join(root, "report.html")
    storage.write(page, render_report(data).encode())
    click.echo(f"\nreport: {page}\ndone in {duration(time.monotonic() - started)}")
    sys.exit(0 if proof.holds else 1)


if __name__ == "__main__":
    main()
