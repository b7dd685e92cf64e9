"""Stops a submitted job as Ctrl-C does: it commits what is done, and can go on later."""

from __future__ import annotations

import time

import click

from pipeline.commandline import job_options, load_cluster
from pipeline.errors import UserError
from pipeline.stages.submission import connect
from pipeline.storage import absolute

SLACK_S = 30
"""From the end of the driver until its status is known."""


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--address", metavar="URL", help="http(s)://HOST:8265: cluster.address.")
@job_options
def main(
    job_id: str,
    address: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Stops the job ID (its beginning is enough) and waits until it has committed what is done.

    The configuration is that of submit; after stop.wait_s, as it was when the job was submitted,
    Ray kills a job that has not ended.
    """
    settings = load_cluster(conf, overrides=overrides, address=address)
    jobs = connect(settings.cluster)
    job = jobs.find(job_id, workspace=absolute(workspace) if workspace else None)
    if job.is_alive:
        click.echo(f"{job.id} commits what is done, and ends ...", err=True)
        job = jobs.stop(job, wait_s=settings.stop.wait_s + SLACK_S)
        if job.is_alive:
            raise UserError(f"{job.id} has not ended yet; earmark logs {job.id} shows what it does")
    click.echo(job.ending(now_s=time.time()))


if __name__ == "__main__":
    main()
