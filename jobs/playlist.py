"""A playlist by tags, by seed tracks or by a sentence, with the reason a track."""

from __future__ import annotations

import shutil
import sys

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_playlist import PlaylistJob
from pipeline.consumers.playlist import make_playlist
from pipeline.consumers.playlist_files import PlaylistFormat, write_playlist
from pipeline.consumers.playlist_rules import Curve
from pipeline.consumers.playlist_table import format_of, playlist_table
from pipeline.errors import ConfigError


def _split(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


@click.command()
@click.option("--like", "ask__like", multiple=True, callback=_split, help="Tags: T,T.")
@click.option("--not", "ask__refuse", multiple=True, callback=_split, help="Unwanted tags: T,T.")
@click.option("--seed-track", "ask__seed_tracks", multiple=True, help="An id, URI's end or title.")
@click.option("--prompt", "ask__prompt", help='"slow piano for a rainy evening, no vocals".')
@click.option("--tracks", "length__tracks", type=int, help="How many.")
@click.option("--minutes", "length__minutes", type=float, help="How long, in place of --tracks.")
@click.option("--per-artist", "rules__per_artist", type=int, help="Tracks of one artist at most.")
@click.option("--curve", "rules__curve", type=click.Choice([*map(str, Curve)]), help="Of energy.")
@click.option("--diversity", "rules__diversity", type=float, help="0 (closest) to 1.")
@click.option("--seed", "rules__seed", type=int, help="Orders near ties.")
@click.option("--format", "name", type=click.Choice([*map(str, PlaylistFormat)]))
@click.option("--output", metavar="FILE", help="A path or URL; its ending tells the format.")
@job_options
def main(
    name: str | None,
    output: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
    **shorthands: object,
) -> None:
    """Makes a playlist of the catalog's tracks, and says why each is there.

    Asked for by tags, by seed tracks, by a sentence, or by all of them.
    """
    if shorthands["length__minutes"] is not None:
        if shorthands["length__tracks"] is not None:
            raise ConfigError("--tracks and --minutes: give one of the two")
        overrides = ("length.tracks=null", *overrides)
    job = load_job(
        PlaylistJob,
        default="playlist.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        **shorthands,
    )
    kind = format_of(name, output=output)
    playlist = make_playlist(job)
    if kind is PlaylistFormat.TABLE:
        width = shutil.get_terminal_size((140, 40)).columns
        data = playlist_table(playlist, width=width).encode()
    else:
        data = write_playlist(playlist.entries, title=playlist.title, playlist_format=kind)
        click.echo("\n".join(playlist.notes), err=True)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        job.workspace.storage.write(output, data)


if __name__ == "__main__":
    main()
