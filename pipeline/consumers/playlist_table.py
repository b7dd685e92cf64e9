"""A playlist for the terminal, and the format that a file's name asks for."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.consumers.playlist import Playlist
from pipeline.consumers.playlist_files import PlaylistFormat
from pipeline.errors import ConfigError
from pipeline.tables.output import cell, printable
from pipeline.tables.show import clock

ENDINGS = {"m3u8": PlaylistFormat.M3U8, "m3u": PlaylistFormat.M3U8} | {
    str(name): name for name in (PlaylistFormat.XSPF, PlaylistFormat.JSPF, PlaylistFormat.CSV)
}


def format_of(name: str | None, *, output: str | None) -> PlaylistFormat:
    """The format: as named, else by the ending of the file, else a table.

    Raises:
        ConfigError: the file's ending is of no format, and none was named.
    """
    if name is not None:
        return PlaylistFormat(name)
    if output is None:
        return PlaylistFormat.TABLE
    ending = output.rpartition(".")[2].casefold()
    if ending not in ENDINGS:
        raise ConfigError(
            f"--output {output}: its ending is none of {', '.join(ENDINGS)}; give --format"
        )
    return ENDINGS[ending]


def playlist_table(playlist: Playlist, *, width: int) -> str:
    """The tracks with their reasons, and what is to be said below.

    Args:
        playlist: what was made.
        width: characters a line.
    """
    grid = Table(
        title=Text(printable(playlist.title)), title_justify="left", show_edge=False, pad_edge=False
    )
    grid.add_column("", justify="right")
    for name in ("artist", "title"):
        grid.add_column(name, max_width=width // 5)
    grid.add_column("length", justify="right")
    grid.add_column("why")
    for position, entry in enumerate(playlist.entries, 1):
        length = "" if entry.duration_s is None else clock(entry.duration_s)
        names = (cell(entry.artist), cell(entry.title or entry.track_id))
        texts = (str(position), *names, length, printable(entry.reason))
        grid.add_row(*(Text(text) for text in texts))
    total_s = sum(entry.duration_s or 0.0 for entry in playlist.entries)
    lines = [f"{len(playlist.entries)} tracks, {clock(total_s)}", *map(printable, playlist.notes)]
    console = Console(file=io.StringIO(), width=width)
    console.print(grid, Text("\n".join(lines), style="dim"), sep="\n")
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text
