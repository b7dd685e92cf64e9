"""Audio to stored mels."""

from __future__ import annotations

import click

from pipeline.commandline import is_configuration, job_options, load_job
from pipeline.config import FeaturesJob, dump
from pipeline.errors import ConfigError
from pipeline.progress import Summary
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.tracking import tracked


@click.command()
@click.argument("configuration", required=False)
@click.option("--frontend", help="Which mel: frontend.name.")
@job_options
def main(
    configuration: str | None,
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
    click.echo(dump(config))
    click.echo("\n".join(features(config).lines()))


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
