"""A new tag from example tracks, for the whole catalog."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import dump
from pipeline.config_teach import TeachJob
from pipeline.models.bundle import bundle_url
from pipeline.models.card_file import CARD_FILE, read_card
from pipeline.references import with_bundles
from pipeline.stages.teach_tag import teach_tag
from pipeline.telling import Form
from pipeline.tracking import tracked


@click.command()
@click.argument("tag", required=False)
@click.option("--like", "positive", multiple=True, help="A track that has it, by id or title.")
@click.option("--not", "negative", multiple=True, help="A track that has it not.")
@click.option("--examples", help="CSV or Parquet with columns track and has_tag.")
@click.option("--model", help="Whose embeddings are read: teaching.model.")
@click.option("--precision", type=float, help="Wanted over the catalog: teaching.precision.")
@click.option("--share", type=float, help="Of the catalog that is assumed to have the tag.")
@json_option
@job_options
def main(
    tag: str | None,
    positive: tuple[str, ...],
    negative: tuple[str, ...],
    examples: str | None,
    model: str | None,
    precision: float | None,
    share: float | None,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Teaches TAG: a linear head on stored embeddings, without reading audio.

    The tag is a bundle, taught:TAG.1, and a taxonomy of its own; with other examples it becomes
    taught:TAG.2. Tracks that the base model has not scored get it with earmark tag --model.
    """
    config = load_job(
        TeachJob,
        default="teach.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        teaching__tag=tag,
        teaching__positive=positive,
        teaching__negative=negative,
        teaching__examples=examples,
        teaching__model=model,
        teaching__precision=precision,
        teaching__share=share,
    )
    click.echo(dump(config), err=True)
    root_url = config.workspace.root_url
    with tracked(config, verb="teach", root_url=root_url, tracking=config.tracking) as run:
        taught = teach_tag(with_bundles(config), run_id=run.run_id)
        run.metrics(taught.bundle.evaluation)
        url = bundle_url(taught.reference, root_url=root_url)
        run.text(CARD_FILE, read_card(url, storage=config.workspace.storage))
    tell(taught, form=form)


if __name__ == "__main__":
    main()
