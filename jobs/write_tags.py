"""Tags into the metadata of copies of the audio files; originals stay as they are."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_file_tags import FileTagsJob
from pipeline.consumers.file_tags import write_tags
from pipeline.consumers.file_tags_fields import Filled


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--out", "--output", "output", metavar="FOLDER", help="For the copies.")
@click.option("--top", type=int, help="Best tags of each model.")
@click.option("--min", "minimum", type=float, help="Score from which on a tag counts.")
@click.option(
    "--fill",
    multiple=True,
    type=click.Choice([*map(str, Filled)]),
    help="What players read, where a file has none.",
)
@job_options
def main(
    models: tuple[str, ...],
    output: str | None,
    top: int | None,
    minimum: float | None,
    fill: tuple[str, ...],
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Copies every track's file to a folder, with the tags of each MODEL; default: all current.

    Without --top and --min, the tags at or over their thresholds. A killed job goes on where it
    was. Files without a place for tags are copied unchanged, and listed in FOLDER/earmark-copies.
    """
    config = load_job(
        FileTagsJob,
        default="write-tags.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        write_tags__models=models,
        write_tags__output=output,
        write_tags__top=top,
        write_tags__minimum=minimum,
        write_tags__fill=fill,
    )
    report = write_tags(config, say=lambda line: click.echo(line, err=True))
    click.echo(report.text())


if __name__ == "__main__":
    main()
