"""Audio to stored mels."""

from __future__ import annotations

import click

from pipeline.commandline import is_configuration, job_options, load_job, tell, writing_options
from pipeline.config import FeaturesJob, dump
from pipeline.errors import ConfigError
from pipeline.progress import Summary
from pipeline.stages.extract_catalog import asked_features, extract_catalog
from pipeline.tables.prepare import foresee
from pipeline.telling import Form
from pipeline.tracking import tracked


@click.command()
@click.argument("configuration", required=False)
@click.option("--frontend", help="Which mel: frontend.name.")
@writing_options
@job_options
def main(
    configuration: str | None,
    dry_run: bool,
    form: Form,
    frontend: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Turns the catalog's audio into mel Parquet parts with an index; run again, it resumes."""
    if configuration is not None and not is_configuration(configuration):
        raise ConfigError(
            f"{configuration!r} is no configuration; scan a source with earmark catalog first"
        )
    config = load_job(
        FeaturesJob,
        default="features.yaml",
        conf=conf or configuration,
        overrides=overrides,
        workspace=workspace,
        frontend__name=frontend,
    )
    click.echo(dump(config), err=True)
    tell(foresee(asked_features(config)) if dry_run else features(config), form=form)


def features(config: FeaturesJob) -> Summary:
    """The job itself, as a tracked run."""
    root_url = config.workspace.root_url
    with tracked(config, verb="features", root_url=root_url, tracking=config.tracking) as run:
        summary = extract_catalog(config, run_id=run.run_id)
        run.metrics(summary.metrics())
        run.summary(summary.facts())
    return summary


if __name__ == "__main__":
    main()
