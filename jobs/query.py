"""SQL over the tag tables."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.tables.output import QueryFormat, write_result
from pipeline.tables.views import open_views, run_query


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "query_format",
    type=click.Choice([str(name) for name in QueryFormat]),
    default="table",
    help="How the answer is written.",
)
@click.option("--output", metavar="FILE", help="Where to; default: standard output.")
@job_options
def main(
    sql: str,
    query_format: str,
    output: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Answers SQL over tracks, tags, tag_scores_TAXONOMY, descriptors, results and rejects.

    It reads only: `earmark query "SELECT tag, count(*) FROM tags WHERE rank = 1 GROUP BY tag"`.
    """
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    with open_views(
        config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
    ) as connection:
        answer = run_query(connection, sql)
    if output is None:
        write_result(answer, query_format=QueryFormat(query_format), output=sys.stdout.buffer)
    else:
        with Path(output).open("wb") as file:
            write_result(answer, query_format=QueryFormat(query_format), output=file)


if __name__ == "__main__":
    main()
