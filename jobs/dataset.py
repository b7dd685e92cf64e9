"""Published data sets, as they are on disk: into the catalog, and beside what is published."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import click

from jobs.catalog import scan
from pipeline.catalog.datasets import Findings, Place, write_tracks
from pipeline.catalog.datasets.check import check_dataset
from pipeline.catalog.datasets.known import DATASETS
from pipeline.commandline import job_options, load_job
from pipeline.config import CatalogJob
from pipeline.credentials import refuse_credentials
from pipeline.progress import Counter
from pipeline.storage import absolute


@click.group()
def main() -> None:
    """Brings published data sets into the catalog, and says whether a copy is as published."""


def of_a_copy(function: Callable[[str, Place, CatalogJob], None]) -> Callable[..., None]:
    """Gives a command NAME, PATH, their options and those of every job."""

    @click.argument("dataset", metavar="NAME", type=click.Choice(sorted(DATASETS)))
    @click.argument("path")
    @click.option("--splits", help="Which of the published splits, where there are several.")
    @click.option("--labels", help="Which of the published labels, where there is a choice.")
    @job_options
    @functools.wraps(function)
    def command(dataset: str, path: str, **given: str | None) -> None:
        asked = {key: given.pop(key, None) for key in ("name", "splits", "labels")}
        refuse_credentials({"PATH": path})
        config = load_job(CatalogJob, default="catalog.yaml", **given)  # type: ignore[arg-type]
        place = Place(url=absolute(path), storage=config.workspace.storage, **asked)
        function(dataset, place, config)

    return command


@main.command(name="import")
@click.option("--name", help="What the catalog calls it; default: NAME. It enters the track ids.")
@of_a_copy
def import_dataset(dataset: str, place: Place, config: CatalogJob) -> None:
    """Reads data set NAME at PATH into the catalog; run again, it reads only what has changed.

    PATH is the folder that holds NAME as it is published, here or on an object store. Where NAME
    has several splits, the catalog calls it NAME-SPLIT.
    """
    findings = Findings()
    url = write_tracks(
        DATASETS[dataset].read(place, findings),
        name=place.name or DATASETS[dataset].name(dataset, splits=place.splits),
        root_url=absolute(config.workspace.root_url),
        storage=place.storage,
    )
    click.echo("\n".join([f"{dataset}: {place.url}", *findings.lines()]))
    click.echo("\n".join(scan(config, source=url).lines()))


@main.command()
@of_a_copy
def check(dataset: str, place: Place, config: CatalogJob) -> None:
    """Compares data set NAME at PATH with what is published; exit code 1 if it differs.

    Says what is missing, empty or there twice, and which copies and artists the splits share.
    """
    data_set, progress = DATASETS[dataset], Counter("check", "files hashed")
    result = check_dataset(data_set, place=place, scan=config.scan, on_progress=progress)
    click.echo("\n".join([f"{dataset}: {result.url}", *result.lines()]))
    sys.exit(0 if result.as_published else 1)


if __name__ == "__main__":
    main()
