"""Where every row about a track comes from: run, plan, model, code, configuration, commit."""

from __future__ import annotations

from functools import partial

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config_lineage import AskMlflow, LineageJob
from pipeline.consumers.lineage import known_track, lineage
from pipeline.consumers.lineage_text import Chain
from pipeline.storage import absolute
from pipeline.tables.views import open_views
from pipeline.telling import Form
from pipeline.tracked_runs import find_runs


@click.command()
@click.argument("track")
@json_option
@job_options
def main(
    track: str, form: Form, conf: str | None, overrides: tuple[str, ...], workspace: str | None
) -> None:
    """Prints the chain behind each row of TRACK: an id, its beginning, the end of a URI, a title.

    The catalog's row, features, descriptors, each scoring and its tags, failures; of each the Delta
    table and version, plan, run, MLflow run, code and configuration. It only reads.
    """
    config = load_job(
        LineageJob, default="lineage.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    memory_mb = config.query.memory_mb
    with open_views(root_url, storage=storage, memory_mb=memory_mb) as connection:
        track_id = known_track(connection, track=track)
    look_up = partial(find_runs, root_url=root_url, tracking=config.tracking)
    found = lineage(
        track_id,
        root_url=root_url,
        storage=storage,
        memory_mb=memory_mb,
        look_up=None if config.lineage.mlflow is AskMlflow.NEVER else look_up,
    )
    tell(Chain(found), form=form)


if __name__ == "__main__":
    main()
