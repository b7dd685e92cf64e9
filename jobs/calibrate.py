"""Thresholds a tag: a bundle that has them, chosen on the validation tracks."""

from __future__ import annotations

import shutil

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_evaluation import EvaluateJob
from pipeline.config_training import ThresholdRule
from pipeline.evaluation.verdict_text import calibration_text
from pipeline.models.card_file import CARD_FILE
from pipeline.models.origin import rule_words
from pipeline.references import with_bundles
from pipeline.stages.calibrate_model import calibrate_model, threshold_config
from pipeline.tracking import tracked


@click.command()
@click.argument("model")
@click.option(
    "--rule",
    type=click.Choice([str(rule) for rule in ThresholdRule]),
    default="best_f1",
    show_default=True,
    help="What a threshold shall do.",
)
@click.option("--at", type=float, help="The precision, or recall, that is asked for.")
@click.option("--name", required=True, help="The new bundle: trained:NAME.")
@click.option("--split", default="validation", show_default=True, help="validation, or train.")
@click.option("--dataset", help="Tracks of this data set only: evaluation.dataset.")
@click.option("--from", "source", type=click.Choice(["audio", "features"]), help="scoring.input.")
@job_options
def main(
    model: str,
    rule: str,
    at: float | None,
    name: str,
    split: str,
    dataset: str | None,
    source: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Chooses a threshold for each tag of MODEL and writes trained:NAME, the same with thresholds.

    best_f1: the highest F1. precision: the lowest threshold whose precision is --at. recall: the
    highest whose recall is --at.
    """
    config = load_job(
        EvaluateJob,
        default="evaluate.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        scoring__models=(model,),
        scoring__input=source,
        evaluation__split=split,
        evaluation__dataset=dataset,
    )
    wanted = threshold_config(rule, at=at)
    root_url = config.workspace.root_url
    with tracked(config, verb="calibrate", root_url=root_url, tracking=config.tracking) as run:
        bundled = with_bundles(config)
        made = calibrate_model(bundled, thresholds=wanted, name=name, run_id=run.run_id)
        width = shutil.get_terminal_size((120, 40)).columns
        asked = rule_words(rule, at=at)
        text = calibration_text(made.choices, best=made.best, asked=asked, width=width)
        run.text("thresholds.txt", text)
        run.text(CARD_FILE, made.card)
    click.echo(text)
    click.echo("\n".join(made.notes))
    click.echo(f"trained:{name}: {made.bundle.model_version}")


if __name__ == "__main__":
    main()
