"""What a person, or a population, listens to: a recap of a listening history."""

from __future__ import annotations

import shutil

import click

from pipeline.commandline import is_configuration, job_options, load_job
from pipeline.config_recap import RecapJob, RecapScope
from pipeline.consumers.recap_make import make_recap
from pipeline.consumers.recap_page import render_recap
from pipeline.consumers.recap_text import recap_text


@click.command()
@click.argument("history", required=False)
@click.option("--user", metavar="NAME", help="recap.user: whose, if the history has several.")
@click.option("--population", is_flag=True, help="recap.scope=population: all users together.")
@click.option("--timezone", metavar="ZONE", help="recap.timezone, as Europe/Berlin.")
@click.option("--top", type=int, help="recap.top: entries of each list.")
@click.option("--output", metavar="FILE", help="The page (.html), or all facts (.json).")
@click.option(
    "--format",
    "text_format",
    type=click.Choice(["table", "json"]),
    default="table",
    help="What is printed.",
)
@job_options
def main(
    history: str | None,
    user: str | None,
    population: bool,
    timezone: str | None,
    top: int | None,
    output: str | None,
    text_format: str,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Recaps HISTORY, a file or folder: ListenBrainz, Spotify, Last.fm, or a table of listens.

    Joined with the catalog: top artists, tracks, tags and moods, when, and a listening personality.
    """
    is_conf = is_configuration(history)
    config = load_job(
        RecapJob,
        default="recap.yaml",
        conf=conf or (history if is_conf else None),
        overrides=overrides,
        workspace=workspace,
        history__source=None if is_conf else history,
        recap__user=user,
        recap__scope=str(RecapScope.POPULATION) if population else None,
        recap__timezone=timezone,
        recap__top=top,
    )
    recap = make_recap(config)
    if output:
        text = recap.to_json() if output.endswith(".json") else render_recap(recap)
        config.workspace.storage.write(output, text.encode())
    if text_format == "json":
        click.echo(recap.to_json(), nl=False)
    else:
        width = shutil.get_terminal_size((100, 40)).columns
        click.echo(recap_text(recap, width=width), nl=False)
    if output:
        click.echo(f"written: {output}", err=True)


if __name__ == "__main__":
    main()
