"""Audio to hand-crafted descriptors: loudness, tempo, meter, key, chords, timbre."""

from __future__ import annotations

import click

from pipeline.commandline import is_configuration, job_options, load_job, tell, writing_options
from pipeline.config import DescribeJob, dump
from pipeline.errors import ConfigError
from pipeline.progress import Summary
from pipeline.stages.describe_catalog import asked_descriptors, describe_catalog
from pipeline.tables.prepare import foresee
from pipeline.telling import Form
from pipeline.tracking import tracked


@click.command()
@click.argument("configuration", required=False)
@writing_options
@job_options
def main(
    configuration: str | None,
    dry_run: bool,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Describes the catalog's audio in the table `descriptors`; run again, it resumes.

    `earmark query "SELECT key, mode, count(*) FROM descriptors GROUP BY ALL"` reads it.
    """
    if configuration is not None and not is_configuration(configuration):
        raise ConfigError(
            f"{configuration!r} is no configuration; scan a source with earmark catalog first"
        )
    config = load_job(
        DescribeJob,
        default="describe.yaml",
        conf=conf or configuration,
        overrides=overrides,
        workspace=workspace,
    )
    click.echo(dump(config), err=True)
    tell(foresee(asked_descriptors(config)) if dry_run else describe(config), form=form)


def describe(config: DescribeJob) -> Summary:
    """The job itself, as a tracked run."""
    root_url = config.workspace.root_url
    with tracked(config, verb="describe", root_url=root_url, tracking=config.tracking) as run:
        summary = describe_catalog(config, run_id=run.run_id)
        run.metrics(summary.metrics())
        run.summary(summary.facts())
    return summary


if __name__ == "__main__":
    main()
