"""The whole walk on one catalog: scan, tag with published taggers, train one, publish, report."""

from __future__ import annotations

import time
from functools import partial

import click

from jobs import catalog, features, report, tag, train
from pipeline.catalog.rendered import render_catalog
from pipeline.commandline import job_options, load_job
from pipeline.config import CatalogJob, FeaturesJob, TablesJob, TagJob
from pipeline.config_training import TrainJob
from pipeline.evaluation.digest import digest
from pipeline.models.published import add_published
from pipeline.progress import Counter, duration
from pipeline.stages.cluster import connected
from pipeline.storage import absolute, join
from pipeline.tables.tags import publish
from pipeline.tables.verify import verify

HOME, PUBLISHED = "earmark-data", ("musicnn:MTT_musicnn", "musicnn:MSD_musicnn")


@click.command()
@click.argument("source", required=False)
@job_options
def main(
    source: str | None, conf: str | None, overrides: tuple[str, ...], workspace: str | None
) -> None:
    """Tags SOURCE, or a catalog of rendered scores, and prints and reports what was found."""
    started = time.monotonic()
    root = absolute(workspace or f"{HOME}/{'demo' if source is None else 'demo-own'}")
    here = partial(load_job, conf=None, workspace=root)
    scanned = here(CatalogJob, default="catalog.yaml", overrides=())
    tables = here(TablesJob, default="tables.yaml", overrides=())
    settings = (f"scoring.models={list(PUBLISHED)}", *overrides)
    job = load_job(TagJob, default="tag.yaml", conf=conf, overrides=settings, workspace=root)
    storage, memory_mb = job.workspace.storage, tables.query.memory_mb

    click.echo("\n== 1/6 a catalog")
    counter = Counter("render", "tracks")
    table = source or str(render_catalog(f"{HOME}/catalog", on_progress=counter))
    click.echo("\n".join(catalog.scan(scanned, source=table).lines()))
    click.echo("\n== 2/6 two published taggers")
    for name in PUBLISHED:
        click.echo(add_published(name, root_url=root, storage=storage).model_version)
    with connected(job.runtime.ray_address, object_store_mb=None, num_cpus=2):
        click.echo("\n== 3/6 tag")
        summary = tag.tag(job)
        click.echo("\n".join(summary.lines()))
        if source is None:
            click.echo("\n== 4/6 train a tagger of instruments with two workers, and tag with it")
            learn(root)
    click.echo("\n== 5/6 verify and publish")
    proof = verify(root, storage=storage, memory_mb=memory_mb)
    click.echo("\n".join(proof.lines()))
    click.echo(f"{publish(root, storage=storage, memory_mb=memory_mb).rows:,} rows of tags")
    click.echo("\n== 6/6 ask and report")
    page, wall_s = join(root, "report.html"), None if summary.already else summary.seconds
    click.echo(digest(report.report(tables, page=page, title="Earmark demo", wall_s=wall_s)))
    click.echo(f"\nreport: {page}\ndone in {duration(time.monotonic() - started)}")
    raise SystemExit(0 if proof.holds else 1)


def learn(root: str) -> None:
    """Stores mels, trains on those of the labelled tracks, and tags all of them."""
    here = partial(load_job, conf=None, workspace=root)
    training = here(TrainJob, default="train-instruments.yaml", overrides=())
    stored = (f"frontend.name={training.data.frontend}",)
    mels = here(FeaturesJob, default="features.yaml", overrides=stored)
    click.echo("\n".join(features.features(mels).lines()))
    train.train(training)
    own = (f"scoring.models=['trained:{training.network.name}']", "scoring.input=features")
    click.echo("\n".join(tag.tag(here(TagJob, default="tag.yaml", overrides=own)).lines()))


if __name__ == "__main__":
    main()
