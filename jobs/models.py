"""Published taggers into bundles, and what a bundle says of itself."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.config_evaluation import EvaluateJob
from pipeline.models.bundle import bundle_url
from pipeline.models.card_file import read_card
from pipeline.models.published import PUBLISHED, add_published
from pipeline.references import resolve


@click.group()
def main() -> None:
    """Adds published taggers to the workspace, and shows the cards of all."""


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


@main.command()
@click.argument("reference")
@job_options
def card(
    reference: str, conf: str | None, overrides: tuple[str, ...], workspace: str | None
) -> None:
    """Prints a bundle's card: trained:NAME, sota:mtat/fcn, models:/NAME@champion, a folder.

    What it is, reads, was trained on, scored, and cannot do. The configuration is that of evaluate.
    """
    config = load_job(
        EvaluateJob, default="evaluate.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    place = resolve(reference, workspace=config.workspace, tracking=config.tracking)
    url = bundle_url(place, root_url=config.workspace.root_url)
    click.echo(read_card(url, storage=config.workspace.storage), nl=False)


@main.command(name="list")
def list_known() -> None:
    """Lists the published taggers that can be added."""
    click.echo("\n".join(PUBLISHED))


if __name__ == "__main__":
    main()
