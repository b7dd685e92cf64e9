"""Lists the jobs that were submitted to a Ray cluster: id, verb, status, started, took, message."""

from __future__ import annotations

import sys
import time

import click
import pyarrow as pa

from pipeline.commandline import job_options, json_option, load_cluster
from pipeline.stages.submission import connect
from pipeline.storage import absolute
from pipeline.tables.output import QueryFormat, write_result
from pipeline.telling import Form, as_json


@click.command()
@click.option("--address", metavar="URL", help="http(s)://HOST:8265: cluster.address.")
@json_option
@job_options
def main(
    address: str | None,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Lists the jobs of a Ray cluster, the newest first; with --workspace those on its tables.

    The configuration is that of submit. A cluster forgets its jobs when its head ends.
    """
    settings = load_cluster(conf, overrides=overrides, address=address)
    of_tables = absolute(workspace) if workspace else None
    now_s, jobs = time.time(), connect(settings.cluster).list(workspace=of_tables)
    if form is Form.JSON:
        click.echo(as_json([job.facts(now_s=now_s) for job in jobs]))
    elif not jobs:
        click.echo("no jobs were submitted to this cluster")
    else:
        rows = pa.Table.from_pylist([job.row(now_s=now_s) for job in jobs])
        write_result(rows, query_format=QueryFormat.TABLE, output=sys.stdout.buffer)


if __name__ == "__main__":
    main()
