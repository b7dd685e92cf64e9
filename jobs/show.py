"""One track: its facts, its tags with scores, its tags over time."""

from __future__ import annotations

import click
from rich.console import Console

from pipeline.commandline import job_options, load_job
from pipeline.config import TablesJob
from pipeline.errors import ConfigError, DataError
from pipeline.stages.listen import listen
from pipeline.storage import absolute
from pipeline.tables.scorings import read_scorings
from pipeline.tables.show import Taggram, render_card, track_card
from pipeline.tables.views import open_views


@click.command()
@click.argument("track")
@click.option("--top", default=10, show_default=True, help="Tags over time that are shown.")
@job_options
def main(
    track: str,
    top: int,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Prints what is known of TRACK: an id, its beginning, the end of a URI, or a title.

    The tags over time are computed now, from the track's audio.
    """
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    with open_views(root_url, storage=storage, memory_mb=config.query.memory_mb) as connection:
        card = track_card(connection, track=track)
    scorings = read_scorings(root_url, storage=storage)
    shown = [row["scoring_id"] for row in card.results if row["status"] == "ok"]
    references = list(dict.fromkeys(scorings[scoring].reference for scoring in shown))
    taggrams, silence = [], ""
    try:
        heard = (
            listen(
                card.facts.get("uri", ""), references=references, root_url=root_url, storage=storage
            )
            if references
            else []
        )
        taggrams = [
            Taggram(h.bundle.name, h.bundle.taxonomy.names, h.scores.starts_s, h.scores.scores_NK)
            for h in heard
        ]
    except (DataError, ConfigError) as error:
        silence = f"No tags over time: {error}"
    console = Console()
    console.print(render_card(card, taggrams=taggrams, width=console.width, top=top))
    if silence:
        console.print(silence)


if __name__ == "__main__":
    main()
