"""Published taggers into bundles."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.models.published import PUBLISHED, add_published


@click.group()
def main() -> None:
    """Adds published taggers to the workspace."""


@main.command()
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE...")
@click.option("--from", "source_file", metavar="FILE", help="A checkpoint or wheel that is here.")
@job_options
def add(
    references: tuple[str, ...],
    source_file: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Writes the bundle of a published tagger: musicnn:MTT_musicnn, sota:mtat/fcn --from FILE."""
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    for reference in references:
        bundle = add_published(
            reference,
            root_url=config.workspace.root_url,
            storage=config.workspace.storage,
            source_file=source_file,
        )
        click.echo(
            f"{reference}: {bundle.model_version}, {len(bundle.taxonomy.tags)} tags, "
            f"front end {bundle.frontend.name}, licence {bundle.licence}"
        )


@main.command(name="list")
def list_known() -> None:
    """Lists the published taggers that can be added."""
    click.echo("\n".join(PUBLISHED))


if __name__ == "__main__":
    main()
