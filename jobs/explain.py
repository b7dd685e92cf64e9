"""What a network hears: its first kernels, and the patches that excite its channels most."""

from __future__ import annotations

import click

from pipeline.commandline import is_configuration, job_options, load_job
from pipeline.config import dump
from pipeline.config_evaluation import ExplainJob
from pipeline.errors import ConfigError
from pipeline.references import with_bundles
from pipeline.stages.collect_explanation import collect_explanation, write_explanation
from pipeline.stages.explain_catalog import hear_catalog
from pipeline.storage import absolute
from pipeline.tables.show import find_track
from pipeline.tables.views import open_views
from pipeline.tracking import tracked


@click.command()
@click.argument("configuration", required=False)
@click.option("--model", help="A bundle: explanation.model.")
@click.option("--layer", "layers", multiple=True, metavar="LAYER[:3,17]", help="Several can be.")
@click.option("--channels", type=int, help="Of each layer, the first so many.")
@click.option("--track", help="A track, as in earmark show, whose tags over time are added.")
@job_options
def main(
    configuration: str | None,
    model: str | None,
    layers: tuple[str, ...],
    channels: int | None,
    track: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Runs every track's stored features through a network and shows what its channels answer to.

    Writes a page, its pictures and a table to explanations/MODEL in the workspace.
    """
    if configuration is not None and not is_configuration(configuration):
        raise ConfigError(f"{configuration!r} is no configuration; give a model with --model")
    config = load_job(
        ExplainJob,
        default="explain.yaml",
        conf=conf or configuration,
        overrides=overrides,
        workspace=workspace,
        explanation__model=model,
        explanation__layers=layers,
        explanation__channels=channels,
    )
    click.echo(dump(config))
    click.echo("\n".join(explain(config, track=track)))


def explain(config: ExplainJob, *, track: str | None) -> list[str]:
    """The job itself, as a tracked run; gives what there is to say of it."""
    root_url, storage = absolute(config.workspace.root_url), config.workspace.storage
    track_id = _track_id(config, track=track) if track else None
    with tracked(config, verb="explain", root_url=root_url, tracking=config.tracking) as run:
        heard = hear_catalog(with_bundles(config), run_id=run.run_id, track_id=track_id)
        explanation = collect_explanation(
            heard, root_url=root_url, storage=storage, track_id=track_id
        )
        url = write_explanation(explanation, heard=heard, root_url=root_url, storage=storage)
        run.metrics(explanation.facts)
        for name, content in explanation.files.items():
            run.file(name, content)
    return [*explanation.lines(), f"  {url}"]


def _track_id(config: ExplainJob, *, track: str) -> str:
    root_url, memory_mb = absolute(config.workspace.root_url), config.runtime.plan_memory_mb
    with open_views(root_url, storage=config.workspace.storage, memory_mb=memory_mb) as connection:
        return find_track(connection, track=track)


if __name__ == "__main__":
    main()
