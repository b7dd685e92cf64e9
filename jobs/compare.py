"""Puts networks side by side, or the tags that two models gave to the catalog."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from jobs.features import features
from jobs.train import train
from pipeline.commandline import is_configuration, job_options, load_job
from pipeline.config import TablesJob, dump
from pipeline.config_compare import CompareJob
from pipeline.errors import ConfigError
from pipeline.evaluation.comparison import Comparison, comparison_text
from pipeline.stages.cluster import connected
from pipeline.stages.compare import carry_out
from pipeline.tables.churn import named_churn
from pipeline.tracking import tracked


@click.command()
@click.argument("subjects", metavar="[A B | CONFIGURATION]", nargs=-1)
@click.option("--network", "networks", multiple=True, help="Only these of the configuration.")
@click.option("--epochs", type=int, help="recipe.epochs.")
@click.option("--output", metavar="FILE", help="Of A and B: all figures, as JSON.")
@job_options
def main(
    subjects: tuple[str, ...],
    networks: tuple[str, ...],
    epochs: int | None,
    output: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Shows how the tags of two models differ, or trains networks and judges them.

    A and B are scorings of the catalog, by id or model. Without them, the networks of
    conf/compare.yaml are trained and judged on the same tracks; run again, it goes on.
    """
    width = shutil.get_terminal_size((140, 40)).columns
    if len(subjects) == 2:
        tables = load_job(
            TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
        )
        churn = named_churn(*subjects, job=tables)
        if output:
            Path(output).write_text(churn.to_json(), encoding="utf-8")
        click.echo(churn.text(width=width), nl=False)
        return
    if len(subjects) > 1 or not all(map(is_configuration, subjects)):
        raise ConfigError(f"{subjects}: give two scorings A B, or a configuration (compare.yaml)")
    config = load_job(
        CompareJob,
        default="compare.yaml",
        conf=conf or next(iter(subjects), None),
        overrides=overrides,
        workspace=workspace,
        recipe__epochs=epochs,
    ).only(networks)
    click.echo(dump(config))
    click.echo(comparison_text(run_comparison(config), width=width), nl=False)


def run_comparison(config: CompareJob) -> Comparison:
    """The job itself; each training is a tracked run of its own, and so is the comparison."""
    place, ray = config.workspace, config.runtime
    num_cpus, store = max(2, config.training.num_workers), ray.object_store_mb
    with (
        tracked(config, verb="compare", root_url=place.root_url, tracking=config.tracking) as run,
        connected(ray.ray_address, object_store_mb=store, num_cpus=num_cpus),
    ):
        return carry_out(config, run=run, features=features, train=train, say=click.echo)


if __name__ == "__main__":
    main()
