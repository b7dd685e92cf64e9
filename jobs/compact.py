"""Many small files of the tables become few, sorted as they are read."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import MEBIBYTE, TablesJob
from pipeline.tables.compaction import TARGET_BYTES, Extent, compact
from pipeline.telling import Form


@click.command()
@click.option(
    "--tags",
    "extent",
    type=click.Choice([str(extent) for extent in Extent]),
    default="small",
    show_default=True,
    help="Files of tags that are merged; all: sorts the whole table.",
)
@click.option(
    "--file-mb",
    type=click.IntRange(min=1),
    default=TARGET_BYTES // MEBIBYTE,
    show_default=True,
    help="Size that files shall have, MiB; those under half of it are merged.",
)
@json_option
@job_options
def main(
    extent: str,
    file_mb: int,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Merges small files of results, feature_index, descriptors and tags; no row changes.

    It may run beside any job. The old files stay for those who read them; `earmark vacuum` removes
    them later.
    """
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    done = compact(
        config.workspace.root_url,
        storage=config.workspace.storage,
        memory_mb=config.query.memory_mb,
        extent=Extent(extent),
        target_bytes=file_mb * MEBIBYTE,
    )
    tell(done, form=form)


if __name__ == "__main__":
    main()
