"""Trains a tagger on labelled tracks with stored features."""

from __future__ import annotations

import click

from pipeline.commandline import is_configuration, job_options, load_job
from pipeline.config import dump
from pipeline.config_training import TrainJob
from pipeline.errors import ConfigError
from pipeline.registry import register
from pipeline.stages.train_tagger import Trained, train_tagger
from pipeline.tracking import Run, tracked
from pipeline.training.report import epoch_line, epoch_numbers, pictures
from pipeline.training.state import EpochFacts


@click.command()
@click.argument("configuration", required=False)
@click.option("--name", help="The tagger becomes trained:NAME: network.name.")
@click.option("--workers", type=int, help="0: in this process: runtime.num_workers.")
@job_options
def main(
    configuration: str | None,
    name: str | None,
    workers: int | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Trains a tagger on the catalog's labelled tracks; run again, it goes on where it stopped.

    The features must be stored (earmark features). The bundle is written as trained:NAME, with
    thresholds chosen on validation, and registered in MLflow.
    """
    if configuration and not is_configuration(configuration):
        raise ConfigError(f"{configuration!r} is no configuration; examples are conf/train*.yaml")
    config = load_job(
        TrainJob,
        default="train.yaml",
        conf=conf or configuration,
        overrides=overrides,
        workspace=workspace,
        network__name=name,
        runtime__num_workers=workers,
    )
    click.echo(dump(config))
    train(config)


def train(config: TrainJob) -> Trained:
    """The job itself, as a tracked run."""
    root_url = config.workspace.root_url
    with (
        tracked(config, verb="train", root_url=root_url, tracking=config.tracking) as run,
        run.system_metrics(),
    ):

        def on_epoch(facts: EpochFacts) -> None:
            click.echo(epoch_line(facts, epochs=config.recipe.epochs))
            run.metrics(epoch_numbers(facts), step=facts.epoch)

        trained = train_tagger(config, on_epoch=on_epoch)
        version = _log(run, trained, config=config)
    click.echo("\n".join([*trained.lines(), f"version {version} of models:/{trained.registered}"]))
    return trained


def _log(run: Run, trained: Trained, *, config: TrainJob) -> int:
    """Pictures, the best epoch's figures, and the bundle as a version of a registered model."""
    for name, png in pictures(trained.state, validation=trained.validation).items():
        run.picture(f"figures/{name}", png)
    run.summary({"training_id": trained.training_id, **trained.bundle.evaluation})
    bundle, url, storage = trained.bundle, trained.url, config.workspace.storage
    name, best = trained.registered, bundle.evaluation
    return register(run, name=name, bundle=bundle, bundle_url=url, storage=storage, metrics=best)


if __name__ == "__main__":
    main()
