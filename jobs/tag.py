"""Tags the catalog: audio, or stored features, to the results ledger."""

from __future__ import annotations

import click

from pipeline.commandline import is_configuration, job_options, load_job, tell, writing_options
from pipeline.config import Precision, TagJob, dump
from pipeline.errors import ConfigError
from pipeline.progress import Summary
from pipeline.references import with_bundles
from pipeline.stages.tag_catalog import foresee_tags, tag_catalog
from pipeline.telling import Form
from pipeline.tracking import tracked


@click.command()
@click.argument("configuration", required=False)
@click.option("--model", "models", multiple=True, help="A bundle; several: scoring.models.")
@click.option("--from", "source", type=click.Choice(["audio", "features"]), help="scoring.input.")
@click.option("--precision", type=click.Choice([*map(str, Precision)]), help="scoring.precision.")
@writing_options
@job_options
def main(
    configuration: str | None,
    dry_run: bool,
    form: Form,
    models: tuple[str, ...],
    source: str | None,
    precision: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Tags every track of the catalog once; run again, it resumes or does nothing.

    Several models are fed from one decode pass. The rows stand in the results table; `earmark
    publish` makes them searchable.
    """
    if configuration is not None and not is_configuration(configuration):
        raise ConfigError(
            f"{configuration!r} is no configuration; scan a source with earmark catalog first"
        )
    config = load_job(
        TagJob,
        default="tag.yaml",
        conf=conf or configuration,
        overrides=overrides,
        workspace=workspace,
        scoring__models=models,
        scoring__input=source,
        scoring__precision=precision,
    )
    click.echo(dump(config), err=True)
    tell(foresee_tags(with_bundles(config)) if dry_run else tag(config), form=form)


def tag(config: TagJob) -> Summary:
    """The job itself, as a tracked run."""
    root_url = config.workspace.root_url
    with tracked(config, verb="tag", root_url=root_url, tracking=config.tracking) as run:
        summary = tag_catalog(with_bundles(config), run_id=run.run_id)
        run.metrics(summary.metrics())
        run.summary(summary.facts())
    return summary


if __name__ == "__main__":
    main()
