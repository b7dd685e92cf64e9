"""Trains several networks on one task and puts them side by side."""

from __future__ import annotations

import shutil

import click

from jobs.features import features
from jobs.train import train
from pipeline.commandline import is_configuration, job_options, load_job
from pipeline.config import dump
from pipeline.config_compare import CompareJob
from pipeline.errors import ConfigError
from pipeline.evaluation.comparison import Comparison, comparison_text
from pipeline.stages.cluster import connected
from pipeline.stages.compare import compare, judge_network, keep_comparison
from pipeline.tracking import tracked


@click.command()
@click.argument("configuration", required=False)
@click.option("--network", "networks", multiple=True, help="Only these of the configuration.")
@click.option("--epochs", type=int, help="recipe.epochs.")
@job_options
def main(
    configuration: str | None,
    networks: tuple[str, ...],
    epochs: int | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Trains each network of conf/compare.yaml, judges all on the same tracks, prints one table.

    Features that are missing are made first. Run again, it goes on where it stopped. The table is
    kept below ROOT/comparisons and stands in earmark report and in MLflow.
    """
    if configuration and not is_configuration(configuration):
        raise ConfigError(f"{configuration!r} is no configuration; the example is compare.yaml")
    config = load_job(
        CompareJob,
        default="compare.yaml",
        conf=conf or configuration,
        overrides=overrides,
        workspace=workspace,
        recipe__epochs=epochs,
    ).only(networks)
    click.echo(dump(config))
    found = run_comparison(config)
    width = shutil.get_terminal_size((140, 40)).columns
    click.echo(comparison_text(found, width=width), nl=False)


def run_comparison(config: CompareJob) -> Comparison:
    """The job itself; each training is a tracked run of its own, and so is the comparison."""
    place, ray = config.workspace, config.runtime
    num_cpus = max(2, config.training.num_workers)
    with (
        tracked(config, verb="compare", root_url=place.root_url, tracking=config.tracking) as run,
        connected(ray.ray_address, object_store_mb=ray.object_store_mb, num_cpus=num_cpus),
    ):
        for job in config.features_jobs():
            click.echo("\n".join(features(job).lines()))
        entries = {}
        for name in config.comparison.networks:
            click.echo(f"\n== {name}")
            trained = train(config.train_job(name))
            entries[name] = judge_network(config, name=name, trained=trained, run_id=run.run_id)
        found = compare(config, entries=entries)
        run.metrics(found.numbers())
        kept = keep_comparison(found, root_url=place.root_url, storage=place.storage)
        for name, data in kept.items():
            run.file(name, data)
    return found


if __name__ == "__main__":
    main()
