"""The tracks that sound most like one: exact nearest neighbours by embedding."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_similar import SimilarJob
from pipeline.consumers.search_request import ranges, unwanted_tags, wanted_tags
from pipeline.consumers.similar import SimilarRequest, similar_tracks
from pipeline.tables.output import QueryFormat, led_by, write_result
from pipeline.tables.views import open_views

FORMATS = [str(name) for name in QueryFormat]


@click.command()
@click.argument("track")
@click.option("--model", help="A current model or taxonomy: whose embeddings are compared.")
@click.option("--limit", type=int, help="Tracks at most.")
@click.option("--per-artist", type=int, help="Tracks of one artist at most.")
@click.option("--like", multiple=True, metavar="TAG>=MINIMUM", help="Only tracks that have it.")
@click.option("--not", "unlike", multiple=True, metavar="TAG", help="Not wanted: TAG, TAG<=0.3.")
@click.option("--range", "ranges", multiple=True, metavar="COLUMN=LOW:HIGH", help="As year=1990:.")
@click.option(
    "--format", "query_format", type=click.Choice(FORMATS), default="table", help="Of the answer."
)
@click.option("--output", metavar="FILE", help="Where to; default: standard output.")
@job_options
def main(
    track: str,
    query_format: str,
    output: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
    **asked: object,
) -> None:
    """Lists the tracks nearest to TRACK: an id, its beginning, the end of a URI, or a title.

    The first call after the catalog has changed reads the embeddings into a local file.
    """
    named = {f"similar__{name}": value for name, value in asked.items()}
    config = load_job(
        SimilarJob,
        default="similar.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        **named,
    )
    place, similar = config.workspace, config.similar
    request = SimilarRequest(
        track=track,
        model=similar.model,
        limit=similar.limit,
        per_artist=similar.per_artist,
        like=wanted_tags(similar.like),
        unlike=unwanted_tags(similar.unlike),
        ranges=ranges(similar.ranges),
        folder=config.runtime.cache,
    )
    memory_mb = config.query.memory_mb
    with open_views(place.root_url, storage=place.storage, memory_mb=memory_mb) as connection:
        answer = led_by(similar_tracks(connection, request), "similarity")
    with click.open_file(output or "-", "wb") as file:
        write_result(answer, query_format=QueryFormat(query_format), output=file)


if __name__ == "__main__":
    main()
