"""Brings a published data set, as it is on disk, into the catalog."""

from __future__ import annotations

import click

from jobs.catalog import scan
from pipeline.catalog.datasets import Findings, Place, write_tracks
from pipeline.catalog.datasets.known import DATASETS
from pipeline.commandline import job_options, load_job
from pipeline.config import CatalogJob
from pipeline.storage import absolute


@click.group()
def main() -> None:
    """Brings published data sets into the catalog, with their labels and splits."""


@main.command(name="import")
@click.argument("dataset", metavar="NAME", type=click.Choice(sorted(DATASETS)))
@click.argument("path")
@click.option("--name", help="What the catalog calls it; default: NAME. It enters the track ids.")
@click.option("--splits", help="Which of the published splits, where there are several.")
@click.option("--labels", help="Which of the published labels, where there is a choice.")
@job_options
def import_dataset(
    dataset: str,
    path: str,
    name: str | None,
    splits: str | None,
    labels: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Reads data set NAME at PATH into the catalog; run again, it reads only what has changed.

    PATH is the folder that holds NAME as it is published, here or on an object store.
    """
    config = load_job(
        CatalogJob, default="catalog.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    storage = config.workspace.storage
    findings = Findings()
    place = Place(url=absolute(path), name=name, storage=storage, splits=splits, labels=labels)
    url = write_tracks(
        DATASETS[dataset].read(place, findings),
        name=name or dataset,
        root_url=absolute(config.workspace.root_url),
        storage=storage,
    )
    click.echo("\n".join([f"{dataset}: {place.url}", *findings.lines()]))
    click.echo("\n".join(scan(config, source=url).lines()))


if __name__ == "__main__":
    main()
