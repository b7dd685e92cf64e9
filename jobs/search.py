"""Tracks by tags wanted and not wanted, tempo, key, year, artist: the best first."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_search import SearchConfig, SearchJob
from pipeline.consumers.search import open_searcher
from pipeline.consumers.search_request import Search, ranges, unwanted_tags, wanted_tags
from pipeline.tables.output import QueryFormat, led_by, write_result

FORMATS = [str(name) for name in QueryFormat]


@click.command()
@click.option("--like", multiple=True, metavar="TAG", help="Wanted: TAG, TAG>=0.5, TAG*2.")
@click.option("--not", "unlike", multiple=True, metavar="TAG", help="Not wanted: TAG, TAG<=0.3.")
@click.option("--range", "ranges", multiple=True, metavar="COLUMN=LOW:HIGH", help="As year=1990:.")
@click.option("--artist", "artists", multiple=True, help="Any of these.")
@click.option("--dataset", "datasets", multiple=True, help="Any of these.")
@click.option("--key", "keys", multiple=True, help="Any of these tonics: C, C#, ... B.")
@click.option("--mode", type=click.Choice(["major", "minor"]), help="Of the key.")
@click.option("--per-artist", type=int, help="Tracks of one artist at most.")
@click.option("--limit", type=int, help="Tracks at most.")
@click.option("--model", help="A current model or taxonomy; default: the one that has the tags.")
@click.option(
    "--format", "query_format", type=click.Choice(FORMATS), default="table", help="Of the answer."
)
@click.option("--output", metavar="FILE", help="Where to; default: standard output.")
@job_options
def main(
    query_format: str,
    output: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
    **asked: object,
) -> None:
    """Finds tracks: `earmark search --like piano --like slow --not vocal --range tempo_bpm=80:100`.

    The score is the geometric mean of the wanted tags' scores.
    """
    named = {f"search__{name}": value for name, value in asked.items()}
    config = load_job(
        SearchJob,
        default="search.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        **named,
    )
    place, search = config.workspace, requested(config.search)
    memory_mb = config.query.memory_mb
    with open_searcher(place.root_url, storage=place.storage, memory_mb=memory_mb) as searcher:
        answer, notes = searcher.search(search), searcher.notes(search)
    for note in notes:
        click.echo(note, err=True)
    with click.open_file(output or "-", "wb") as file:
        write_result(led_by(answer, "score"), query_format=QueryFormat(query_format), output=file)


def requested(asked: SearchConfig) -> Search:
    """The search that a section describes."""
    texts = {
        "like": wanted_tags(asked.like),
        "unlike": unwanted_tags(asked.unlike),
        "ranges": ranges(asked.ranges),
    }
    return Search(**(asked.model_dump() | texts))


if __name__ == "__main__":
    main()
