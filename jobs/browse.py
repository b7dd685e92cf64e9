"""A web application over the tables: search, listen, build playlists, teach tags."""

from __future__ import annotations

import click

from pipeline.browse.server import serve
from pipeline.commandline import job_options, load_job
from pipeline.config_browse import BrowseJob


@click.command()
@click.option("--port", type=int, help="browse.port; 0: a free one.")
@click.option("--host", help="browse.host: any but loopback needs a token.")
@click.option("--token-file", metavar="FILE", help="browse.token_file: where the token is.")
@job_options
def main(
    port: int | None,
    host: str | None,
    token_file: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Serves pages over the tables of a workspace, for a browser on this machine."""
    config = load_job(
        BrowseJob,
        default="browse.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        browse__port=port,
        browse__host=host,
        browse__token_file=token_file,
    )
    serve(config, say=click.echo)


if __name__ == "__main__":
    main()
