"""Runs a verb on a Ray cluster: packs the program, submits it, follows its log to the end."""

from __future__ import annotations

import sys
from functools import partial

import click

from pipeline.commandline import job_options, load_cluster, load_job
from pipeline.config_submit import VERBS, WhileAlive
from pipeline.stages.submission import connect
from pipeline.stages.submission_follow import follow_to_end
from pipeline.stages.submission_request import make_request

note = partial(click.echo, err=True)


@click.command()
@click.argument("verb", type=click.Choice(list(VERBS)))
@click.argument("arguments", nargs=-1)
@click.option("--cluster", metavar="FILE", help="This verb's own; default: conf/submit.yaml.")
@click.option("--address", metavar="URL", help="http(s)://HOST:8265: cluster.address.")
@click.option("--env", "names", multiple=True, metavar="NAME", help="environment.names.")
@click.option("--num-cpus", type=float, help="Of the driver: driver.num_cpus.")
@click.option("--memory-mb", type=int, help="Of the driver: driver.memory_mb.")
@click.option(
    "--while-alive",
    type=click.Choice([str(way) for way in WhileAlive]),
    default=str(WhileAlive.ATTACH),
    show_default=True,
    help="If the same job has not ended.",
)
@click.option("--detach", is_flag=True, help="Submits, and does not wait for the end.")
@job_options
def main(
    verb: str,
    arguments: tuple[str, ...],
    cluster: str | None,
    address: str | None,
    names: tuple[str, ...],
    num_cpus: float | None,
    memory_mb: int | None,
    while_alive: str,
    detach: bool,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Submits VERB to a Ray cluster, follows its log and ends with its exit code.

    --conf, --set and --workspace are VERB's; its other arguments stand after `--`: `earmark submit
    models -- add musicnn:MTT_musicnn`. The same job is never started twice at a time; one that has
    ended goes on as a new attempt. Ctrl-C leaves the job alone.
    """
    settings = load_cluster(
        cluster,
        address=address,
        environment__names=names,
        driver__num_cpus=num_cpus,
        driver__memory_mb=memory_mb,
    )
    kind, default = VERBS[verb]
    job = load_job(kind, default=default, conf=conf, overrides=overrides, workspace=workspace)
    jobs = connect(settings.cluster)
    request = make_request(
        verb, arguments=arguments, job=job, settings=settings, door=jobs.door, say=note
    )
    submitted = jobs.submit(request, while_alive=WhileAlive(while_alive), say=note)
    note(submitted.line(address=jobs.door.url))
    if not detach:
        sys.exit(follow_to_end(jobs, submitted.job.id, output=sys.stdout, say=note))


if __name__ == "__main__":
    main()
