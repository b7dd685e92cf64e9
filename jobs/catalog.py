"""Scans a SOURCE into the catalog table."""

from __future__ import annotations

import click

from pipeline.catalog.report import ScanReport
from pipeline.catalog.scan import Effect, remove_source, scan_into_catalog
from pipeline.commandline import is_configuration, job_options, load_job, tell, writing_options
from pipeline.config import CatalogJob
from pipeline.errors import ConfigError
from pipeline.progress import Counter
from pipeline.telling import Form


@click.command()
@click.argument("source", required=False)
@click.option("--dataset", help="Name of the data set: scan.dataset.")
@click.option("--remove", is_flag=True, help="Takes SOURCE's rows out of the catalog instead.")
@writing_options
@job_options
def main(
    source: str | None,
    dataset: str | None,
    dry_run: bool,
    remove: bool,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Scans SOURCE into the catalog table; scanning again reads only what is new or changed.

    SOURCE is a folder, a glob, any fsspec URL, one audio file, or a table of tracks (Parquet, CSV,
    JSONL with at least a column uri).
    """
    if is_configuration(source):
        conf, source = source, None
    config = load_job(
        CatalogJob,
        default="catalog.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        source=source,
        scan__dataset=dataset,
    )
    if config.source is None:
        raise ConfigError("no source: give a folder, a glob, a URL or a table of tracks")
    if remove:
        if dry_run:
            raise ConfigError("--remove has no --dry-run: query tracks by source_url first")
        place = config.workspace
        rows = remove_source(config.source, root_url=place.root_url, storage=place.storage)
        click.echo(f"catalog: {rows:,} rows of {config.source} removed")
        return
    effect = Effect.SHOW if dry_run else Effect.WRITE
    tell(scan(config, source=config.source, effect=effect), form=form)
    if dry_run:
        click.echo("nothing was written: --dry-run", err=True)


def scan(config: CatalogJob, *, source: str, effect: Effect = Effect.WRITE) -> ScanReport:
    """The job itself."""
    return scan_into_catalog(
        source,
        root_url=config.workspace.root_url,
        storage=config.workspace.storage,
        scan=config.scan,
        effect=effect,
        on_progress=Counter("catalog", "headers"),
    )


if __name__ == "__main__":
    main()
