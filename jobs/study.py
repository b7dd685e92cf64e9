"""How tags and descriptors differ by artist, composer, period, data set, and over years."""

from __future__ import annotations

import shutil

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_study import StudyJob
from pipeline.consumers.study import make_study
from pipeline.consumers.study_files import check_folder, write_study
from pipeline.consumers.study_text import study_text
from pipeline.tables.output import QueryFormat, write_result


@click.command()
@click.argument("subjects", nargs=-1, metavar="SUBJECT...")
@click.option("--by", help="artist, album, dataset, composer, genre, year, decade, period ...")
@click.option("--resample", help="What is drawn whole: artist, album, title, track; or auto.")
@click.option("--facts", metavar="FILE", help="More facts: a CSV that starts with a key column.")
@click.option("--model", help="A current model or taxonomy; default: all that have the tag.")
@click.option("--threshold", type=float, help="Of models without thresholds.")
@click.option("--min-tracks", type=int, help="Smaller groups are listed, not judged.")
@click.option("--min-clusters", type=int, help="Groups of fewer artists or the like: no interval.")
@click.option("--seed", type=int, help="bootstrap.seed: of the draws.")
@click.option("--output", metavar="FOLDER", help="Tables, JSON, pictures, and a page.")
@click.option(
    "--format",
    "query_format",
    type=click.Choice([str(name) for name in QueryFormat]),
    default="table",
    help="Of what is printed.",
)
@job_options
def main(
    subjects: tuple[str, ...],
    seed: int | None,
    output: str | None,
    query_format: str,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
    **asked: object,
) -> None:
    """Compares groups of tracks: `earmark study mood---sad "instrument---*" key --by composer`.

    SUBJECT is a tag, a descriptor, label:TAG, or a glob; each group is set against all others.
    """
    named = {f"study__{name}": value for name, value in asked.items()}
    config = load_job(
        StudyJob,
        default="study.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        study__subjects=subjects,
        bootstrap__seed=seed,
        **named,
    )
    page, storage = None, config.workspace.storage
    if output:
        check_folder(output, storage=storage)
    study = make_study(config)
    if output:
        figures = config.study.figures
        page = write_study(study, folder=output, storage=storage, figures=figures)
    if query_format == "table":
        click.echo(study_text(study, width=shutil.get_terminal_size((120, 40)).columns), nl=False)
    else:
        with click.open_file("-", "wb") as stream:
            write_result(study.to_table(), query_format=QueryFormat(query_format), output=stream)
    if page:
        click.echo(f"written: {page}", err=True)


if __name__ == "__main__":
    main()
