"""Shows the log of a submitted job, and follows it to its end with --follow."""

from __future__ import annotations

import sys
from functools import partial

import click

from pipeline.commandline import job_options, load_cluster
from pipeline.stages.submission import connect
from pipeline.stages.submission_follow import follow_to_end
from pipeline.storage import absolute


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--follow", is_flag=True, help="Until the job ends; then with its exit code.")
@click.option("--address", metavar="URL", help="http(s)://HOST:8265: cluster.address.")
@job_options
def main(
    job_id: str,
    follow: bool,
    address: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Prints what the job ID has written; its beginning is enough: tag-3f9a is the last attempt.

    The configuration is that of submit. Ctrl-C leaves the job alone.
    """
    settings = load_cluster(conf, overrides=overrides, address=address)
    jobs = connect(settings.cluster)
    job = jobs.find(job_id, workspace=absolute(workspace) if workspace else None)
    if follow:
        note = partial(click.echo, err=True)
        sys.exit(follow_to_end(jobs, job.id, output=sys.stdout, say=note))
    click.echo(jobs.log(job.id), nl=False)


if __name__ == "__main__":
    main()
